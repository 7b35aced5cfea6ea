"""All request processors of one broker; ``broker.requests`` says which answers what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from rmqwire.broker.processors.admin.acl import AclAdmin
from rmqwire.broker.processors.admin.auth import AuthAdmin
from rmqwire.broker.processors.admin.broker_config import ConfigAdmin
from rmqwire.broker.processors.admin.cleaning import CleaningAdmin
from rmqwire.broker.processors.admin.cold_data import ColdDataAdmin
from rmqwire.broker.processors.admin.connections import ConnectionAdmin
from rmqwire.broker.processors.admin.consume_queue import ConsumeQueueAdmin
from rmqwire.broker.processors.admin.consume_stats import ConsumeStatsAdmin
from rmqwire.broker.processors.admin.group import GroupAdmin
from rmqwire.broker.processors.admin.ha import HaAdmin
from rmqwire.broker.processors.admin.offset import OffsetAdmin
from rmqwire.broker.processors.admin.other_modes import OtherModesAdmin
from rmqwire.broker.processors.admin.relay import RelayAdmin
from rmqwire.broker.processors.admin.reset_offset import ResetOffsetAdmin
from rmqwire.broker.processors.admin.runtime import RuntimeAdmin
from rmqwire.broker.processors.admin.timers import TimerAdmin
from rmqwire.broker.processors.admin.topic import TopicAdmin
from rmqwire.broker.processors.admin.transaction import TransactionAdmin
from rmqwire.broker.processors.client_manage import ClientManageProcessor
from rmqwire.broker.processors.consumer_manage import ConsumerManageProcessor
from rmqwire.broker.processors.end_transaction import EndTransactionProcessor
from rmqwire.broker.processors.lite.manager import LiteManagerProcessor
from rmqwire.broker.processors.lite.pop_lite_message import PopLiteMessageProcessor
from rmqwire.broker.processors.lite.subscription_ctl import LiteSubscriptionCtlProcessor
from rmqwire.broker.processors.pop.ack_message import AckMessageProcessor
from rmqwire.broker.processors.pop.change_invisible_time import ChangeInvisibleTimeProcessor
from rmqwire.broker.processors.pop.notification import NotificationProcessor
from rmqwire.broker.processors.pop.peek_message import PeekMessageProcessor
from rmqwire.broker.processors.pop.pop_message import PopMessageProcessor
from rmqwire.broker.processors.pull_message import PullMessageProcessor
from rmqwire.broker.processors.query_assignment import QueryAssignmentProcessor
from rmqwire.broker.processors.query_message import QueryMessageProcessor
from rmqwire.broker.processors.recall import RecallMessageProcessor
from rmqwire.broker.processors.reply_message import ReplyMessageProcessor
from rmqwire.broker.processors.send_back import SendBackProcessor
from rmqwire.broker.processors.send_message import SendMessageProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.broker.state import BrokerState


@dataclass(frozen=True, slots=True)
class Processors:
    """One of each; those of ``AdminBrokerProcessor`` are divided by subject."""

    send: SendMessageProcessor
    send_back: SendBackProcessor
    recall: RecallMessageProcessor
    end_transaction: EndTransactionProcessor
    replies: ReplyMessageProcessor
    pull: PullMessageProcessor
    clients: ClientManageProcessor
    consumers: ConsumerManageProcessor
    query: QueryMessageProcessor
    assignment: QueryAssignmentProcessor
    pop: PopMessageProcessor
    ack: AckMessageProcessor
    invisible: ChangeInvisibleTimeProcessor
    notification: NotificationProcessor
    peek: PeekMessageProcessor
    pop_lite: PopLiteMessageProcessor
    lite_subscriptions: LiteSubscriptionCtlProcessor
    lite: LiteManagerProcessor
    topics: TopicAdmin
    groups: GroupAdmin
    offsets: OffsetAdmin
    reset_offset: ResetOffsetAdmin
    connections: ConnectionAdmin
    consume_queue: ConsumeQueueAdmin
    consume_stats: ConsumeStatsAdmin
    relay: RelayAdmin
    runtime: RuntimeAdmin
    settings: ConfigAdmin
    ha: HaAdmin
    timers: TimerAdmin
    cleaning: CleaningAdmin
    cold_data: ColdDataAdmin
    other_modes: OtherModesAdmin
    transactions: TransactionAdmin
    acl: AclAdmin
    auth: AuthAdmin

    @classmethod
    def of(cls, state: BrokerState, unique_key: Callable[[], str]) -> Self:
        """Make the processors of one broker.

        Args:
            state: what they share.
            unique_key: makes the UNIQ_KEY of a message that has none.
        """
        connections = ConnectionAdmin(state)
        return cls(
            send=SendMessageProcessor(state, unique_key, connections.locks.has_locks),
            send_back=SendBackProcessor(state),
            recall=RecallMessageProcessor(state),
            end_transaction=EndTransactionProcessor(state),
            replies=ReplyMessageProcessor(state),
            pull=PullMessageProcessor(state),
            clients=ClientManageProcessor(state),
            consumers=ConsumerManageProcessor(state),
            query=QueryMessageProcessor(state),
            assignment=QueryAssignmentProcessor(state),
            pop=PopMessageProcessor(state),
            ack=AckMessageProcessor(state),
            invisible=ChangeInvisibleTimeProcessor(state),
            notification=NotificationProcessor(state),
            peek=PeekMessageProcessor(state),
            pop_lite=PopLiteMessageProcessor(state),
            lite_subscriptions=LiteSubscriptionCtlProcessor(state),
            lite=LiteManagerProcessor(state),
            topics=TopicAdmin(state),
            groups=GroupAdmin(state),
            offsets=OffsetAdmin(state),
            reset_offset=ResetOffsetAdmin(state),
            connections=connections,
            consume_queue=ConsumeQueueAdmin(state),
            consume_stats=ConsumeStatsAdmin(state),
            relay=RelayAdmin(state),
            runtime=RuntimeAdmin(state),
            settings=ConfigAdmin(state),
            ha=HaAdmin(state),
            timers=TimerAdmin(state),
            cleaning=CleaningAdmin(state),
            cold_data=ColdDataAdmin(state),
            other_modes=OtherModesAdmin(),
            transactions=TransactionAdmin(state),
            acl=AclAdmin(state),
            auth=AuthAdmin(state),
        )
