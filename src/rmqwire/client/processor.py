"""Requests that brokers send to their clients (Java ``ClientRemotingProcessor``).

Plain functions for a HandlerTable. What takes time (running a listener, moving offsets) is handed
to the consumer, which answers through the connection when it is done.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.client.replies import reply_message
from rmqwire.codec.bodies import GetConsumerStatusBody, ResetOffsetBody
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.headers import (
    CheckTransactionStateRequestHeader,
    ConsumeMessageDirectlyResultRequestHeader,
    GetConsumerRunningInfoRequestHeader,
    GetConsumerStatusRequestHeader,
    NotifyConsumerIdsChangedRequestHeader,
    NotifyUnsubscribeLiteRequestHeader,
    ReplyMessageRequestHeader,
    ResetOffsetRequestHeader,
)
from rmqwire.codec.message_const import PROPERTY_PRODUCER_GROUP
from rmqwire.codec.record import decode_message
from rmqwire.errors import ProtocolError
from rmqwire.remoting.handler import NOT_SET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    from rmqwire.client.heartbeat import ConsumerGroup
    from rmqwire.client.replies import ReplyTable
    from rmqwire.clock import WallMs
    from rmqwire.codec.bodies import (
        ConsumeMessageDirectlyResult,
        ConsumerRunningInfo,
        MessageQueue,
    )
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.namespace import Namespace
    from rmqwire.codec.release import Release
    from rmqwire.remoting.handler import Handler, Peer

    class Consumer(ConsumerGroup, Protocol):
        """What a broker may ask of a consumer."""

        def topics(self) -> set[str]:
            """Return the topics whose routes it needs."""

        def rebalance_soon(self) -> None:
            """Distribute the queues again at once."""

        def lost_lite_topic(self, lite_topic: str) -> None:
            """Hear that another client of its exclusive group has a lite topic now."""

        def running_info(self) -> ConsumerRunningInfo:
            """Return what the consumer is set to and doing."""

        def offsets(self, topic: str) -> dict[MessageQueue, int]:
            """Return the consumed offsets of a topic; "" for all."""

        def reset_offsets(self, topic: str, offsets: dict[MessageQueue, int]) -> None:
            """Go on from other offsets."""

        def consume_directly(
            self,
            message: StoredMessage,
            broker_name: str,
            done: Callable[[ConsumeMessageDirectlyResult], None],
        ) -> bool:
            """Run the listener on one message and tell how it went; False: it has none."""

    class TransactionChecker(Protocol):
        """What a broker may ask of a producer."""

        def asked(
            self, addr: str, message: StoredMessage, header: CheckTransactionStateRequestHeader
        ) -> None:
            """Tell the broker at ``addr`` later what becomes of a half message."""


logger = logging.getLogger(__name__)

SYSTEM_ERROR = int(ResponseCode.SYSTEM_ERROR)


class ClientProcessor:
    """Answer brokers for the groups of one client.

    Args:
        release: how bodies are written.
        consumers: consumers by group; looked at when a request comes.
        checkers: what answers for the transactions of a producer group; likewise.
        replies: what waits for answers of other clients.
        namespace: of the groups and topics in requests of brokers.
        wall_ms: the wall clock, ms since the epoch.
    """

    def __init__(
        self,
        release: Release,
        consumers: Mapping[str, Consumer],
        checkers: Mapping[str, TransactionChecker],
        replies: ReplyTable,
        namespace: Namespace,
        wall_ms: WallMs,
    ) -> None:
        self._release = release
        self._consumers = consumers
        self._checkers = checkers
        self._replies = replies
        self._namespace = namespace
        self._wall_ms = wall_ms

    def handlers(self) -> dict[int, Handler]:
        """Return the table of request codes."""
        return {
            int(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED): self.notify_consumer_ids_changed,
            int(RequestCode.CHECK_TRANSACTION_STATE): self.check_transaction_state,
            int(RequestCode.RESET_CONSUMER_CLIENT_OFFSET): self.reset_offset,
            int(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT): self.consume_status,
            int(RequestCode.GET_CONSUMER_RUNNING_INFO): self.consumer_running_info,
            int(RequestCode.CONSUME_MESSAGE_DIRECTLY): self.consume_message_directly,
            int(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT): self.push_reply_message,
            int(RequestCode.NOTIFY_UNSUBSCRIBE_LITE): self.notify_unsubscribe_lite,
        }

    def notify_consumer_ids_changed(self, connection: Peer, request: RemotingCommand) -> None:
        """A member joined or left a group: every consumer rebalances, as in Java."""
        header = request.decode_header(NotifyConsumerIdsChangedRequestHeader)
        logger.info("%s: the members of %s changed", connection.peer, header.consumer_group)
        for consumer in self._consumers.values():
            consumer.rebalance_soon()

    def notify_unsubscribe_lite(self, connection: Peer, request: RemotingCommand) -> None:
        """Another client of an exclusive group has subscribed a lite topic of this one."""
        header = request.decode_header(NotifyUnsubscribeLiteRequestHeader)
        consumer = self._consumer(header.consumer_group)
        if consumer is None:
            logger.warning(
                "%s: no group %s lost a lite topic", connection.peer, header.consumer_group
            )
            return
        consumer.lost_lite_topic(header.lite_topic)

    def check_transaction_state(self, connection: Peer, request: RemotingCommand) -> None:
        """Let a producer of the half message's group say what becomes of it."""
        header = request.decode_header(CheckTransactionStateRequestHeader)
        message = self._namespace.unwrap_message(decode_message(bytes(request.body)))
        group = message.properties.get(PROPERTY_PRODUCER_GROUP, "")
        checker = self._checkers.get(group)
        if checker is None:
            logger.warning(
                "%s asks for the state of transaction %s: no transactional producer of group %s",
                connection.peer,
                header.transaction_id,
                group,
            )
            return
        checker.asked(connection.peer, message, header)

    def reset_offset(self, connection: Peer, request: RemotingCommand) -> None:
        """Go on from the offsets an administrator chose."""
        header = request.decode_header(ResetOffsetRequestHeader)
        body = (
            ResetOffsetBody.decode(request.body, self._release)
            if request.body
            else ResetOffsetBody()
        )
        logger.info("%s resets %s of %s", connection.peer, header.topic, header.group)
        consumer = self._consumer(header.group)
        if consumer is None:
            logger.info("[reset-offset] consumer does not exist. group=%s", header.group)
            return
        unwrap = self._namespace.unwrap
        offsets = self._namespace.unwrap_keys(body.offset_table or {})
        consumer.reset_offsets(unwrap(header.topic or ""), offsets)

    def consume_status(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Tell the consumed offsets of a group."""
        header = request.decode_header(GetConsumerStatusRequestHeader)
        consumer = self._consumer(header.group)
        topic = self._namespace.unwrap(header.topic or "")
        offsets = consumer.offsets(topic) if consumer is not None else {}
        body = GetConsumerStatusBody(message_queue_table=self._namespace.wrap_keys(offsets))
        return request.create_response(0, NOT_SET, None, body.encode(self._release))

    def consumer_running_info(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Tell what a consumer is set to and doing."""
        header = request.decode_header(GetConsumerRunningInfoRequestHeader)
        consumer = self._consumer(header.consumer_group)
        if consumer is None:
            return self._no_group(request, header.consumer_group)
        info, namespace = consumer.running_info(), self._namespace
        info.subscription_set = [namespace.wrap_subscription(one) for one in info.subscription_set]
        info.mq_table = namespace.wrap_keys(info.mq_table)
        info.mq_pop_table = namespace.wrap_keys(info.mq_pop_table)
        info.status_table = {namespace.wrap(t): one for t, one in info.status_table.items()}
        if header.jstack_enable:
            from rmqwire.client.stacks import stacks  # noqa: PLC0415  asked for once in a while

            info.jstack = stacks()
        return request.create_response(0, NOT_SET, None, info.encode(self._release))

    def consume_message_directly(
        self, connection: Peer, request: RemotingCommand
    ) -> RemotingCommand | None:
        """Run the listener on the message that came along; the answer follows."""
        header = request.decode_header(ConsumeMessageDirectlyResultRequestHeader)
        consumer = self._consumer(header.consumer_group)
        if consumer is None:
            return self._no_group(request, header.consumer_group)
        message = self._namespace.unwrap_message(decode_message(bytes(request.body)))

        def done(result: ConsumeMessageDirectlyResult) -> None:
            body = result.encode(self._release)
            connection.reply(request, request.create_response(0, NOT_SET, None, body))

        if not consumer.consume_directly(message, header.broker_name or "", done):
            return self._no_group(request, header.consumer_group)
        return None

    def _consumer(self, group: str | None) -> Consumer | None:
        return self._consumers.get(self._namespace.unwrap(group or ""))

    def push_reply_message(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Take the answer to a request of this client."""
        try:
            header = request.decode_header(ReplyMessageRequestHeader)
            message = reply_message(header, request, self._wall_ms())
        except ProtocolError as error:
            logger.warning("%s pushes a reply that can't be read: %s", connection.peer, error)
            return request.create_response(SYSTEM_ERROR, "process reply message fail")
        self._replies.received(message)
        return request.create_response()

    def _no_group(self, request: RemotingCommand, group: str | None) -> RemotingCommand:
        return request.create_response(
            SYSTEM_ERROR, f"The Consumer Group <{group}> not exist in this consumer"
        )
