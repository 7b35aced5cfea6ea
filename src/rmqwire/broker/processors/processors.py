"""All request processors of one broker; ``broker.requests`` says which answers what.

A broker starts with those that its clients ask in their first second. Each of the others is imported
and made when its first request comes: of what a broker can do most brokers use little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from rmqwire.broker.processors.client_manage import ClientManageProcessor
from rmqwire.broker.processors.consumer_manage import ConsumerManageProcessor
from rmqwire.broker.processors.pull_message import PullMessageProcessor
from rmqwire.broker.processors.send_message import SendMessageProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

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
    from rmqwire.broker.processors.end_transaction import EndTransactionProcessor
    from rmqwire.broker.processors.lite.manager import LiteManagerProcessor
    from rmqwire.broker.processors.lite.pop_lite_message import PopLiteMessageProcessor
    from rmqwire.broker.processors.lite.subscription_ctl import LiteSubscriptionCtlProcessor
    from rmqwire.broker.processors.pop.ack_message import AckMessageProcessor
    from rmqwire.broker.processors.pop.change_invisible_time import ChangeInvisibleTimeProcessor
    from rmqwire.broker.processors.pop.notification import NotificationProcessor
    from rmqwire.broker.processors.pop.peek_message import PeekMessageProcessor
    from rmqwire.broker.processors.pop.pop_message import PopMessageProcessor
    from rmqwire.broker.processors.query_assignment import QueryAssignmentProcessor
    from rmqwire.broker.processors.query_message import QueryMessageProcessor
    from rmqwire.broker.processors.recall import RecallMessageProcessor
    from rmqwire.broker.processors.reply_message import ReplyMessageProcessor
    from rmqwire.broker.processors.send_back import SendBackProcessor
    from rmqwire.broker.state import BrokerState

LATER: Final = {  # attribute -> ``module:class``, below this package
    "send_back": "send_back:SendBackProcessor",
    "recall": "recall:RecallMessageProcessor",
    "end_transaction": "end_transaction:EndTransactionProcessor",
    "replies": "reply_message:ReplyMessageProcessor",
    "query": "query_message:QueryMessageProcessor",
    "assignment": "query_assignment:QueryAssignmentProcessor",
    "pop": "pop.pop_message:PopMessageProcessor",
    "ack": "pop.ack_message:AckMessageProcessor",
    "invisible": "pop.change_invisible_time:ChangeInvisibleTimeProcessor",
    "notification": "pop.notification:NotificationProcessor",
    "peek": "pop.peek_message:PeekMessageProcessor",
    "pop_lite": "lite.pop_lite_message:PopLiteMessageProcessor",
    "lite_subscriptions": "lite.subscription_ctl:LiteSubscriptionCtlProcessor",
    "lite": "lite.manager:LiteManagerProcessor",
    "topics": "admin.topic:TopicAdmin",
    "groups": "admin.group:GroupAdmin",
    "offsets": "admin.offset:OffsetAdmin",
    "reset_offset": "admin.reset_offset:ResetOffsetAdmin",
    "connections": "admin.connections:ConnectionAdmin",
    "consume_queue": "admin.consume_queue:ConsumeQueueAdmin",
    "consume_stats": "admin.consume_stats:ConsumeStatsAdmin",
    "relay": "admin.relay:RelayAdmin",
    "runtime": "admin.runtime:RuntimeAdmin",
    "settings": "admin.broker_config:ConfigAdmin",
    "ha": "admin.ha:HaAdmin",
    "timers": "admin.timers:TimerAdmin",
    "cleaning": "admin.cleaning:CleaningAdmin",
    "cold_data": "admin.cold_data:ColdDataAdmin",
    "other_modes": "admin.other_modes:OtherModesAdmin",
    "transactions": "admin.transaction:TransactionAdmin",
    "acl": "admin.acl:AclAdmin",
    "auth": "admin.auth:AuthAdmin",
}


class Processors:
    """One of each; those of ``AdminBrokerProcessor`` are divided by subject.

    Args:
        state: what they share.
        unique_key: makes the UNIQ_KEY of a message that has none.
    """

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

    def __init__(self, state: BrokerState, unique_key: Callable[[], str]) -> None:
        self._state = state
        self.send = SendMessageProcessor(state, unique_key)
        self.pull = PullMessageProcessor(state)
        self.clients = ClientManageProcessor(state)
        self.consumers = ConsumerManageProcessor(state)

    def __getattr__(self, name: str) -> object:
        """Make a processor that is asked for the first time."""
        place = LATER.get(name)
        if place is None:
            raise AttributeError(f"no processor {name!r}", name=name, obj=self)
        module, _, kind = place.partition(":")
        made: object = getattr(import_module(f"{__package__}.{module}"), kind)(self._state)
        setattr(self, name, made)
        return made
