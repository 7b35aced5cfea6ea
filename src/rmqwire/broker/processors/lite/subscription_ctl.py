"""LITE_SUBSCRIPTION_CTL: which lite topics a client subscribes (``LiteSubscriptionCtlProcessor``).

A lite topic can only be subscribed at the broker that has it, so the queues of its parent topic must
be known. Java asks a name server while the request waits, and so does this.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from rmqwire.broker.lite.subscriptions import LiteQuotaError, LiteStateError
from rmqwire.codec.bodies import LiteSubscriptionCtlRequestBody
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.lite_topic import lmq_name

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import LiteSubscriptionDTO
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

logger = logging.getLogger(__name__)
_NO_ACTION: Final = (
    'java.lang.NullPointerException: Cannot invoke "org.apache.rocketmq.common.lite.'
    'LiteSubscriptionAction.ordinal()" because the return value of "org.apache.rocketmq.common.lite.'
    'LiteSubscriptionDTO.getAction()" is null'
)
_NO_OFFSET: Final = (
    'java.lang.NullPointerException: Cannot invoke "org.apache.rocketmq.common.lite.'
    'OffsetOption$Type.ordinal()" because the return value of "org.apache.rocketmq.common.lite.'
    'OffsetOption.getType()" is null'
)


class LiteSubscriptionCtlProcessor:
    """Takes changes of subscriptions.

    Args:
        state: the broker's tables.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def control(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        """Answer LITE_SUBSCRIPTION_CTL, when the queues of its topics are known."""
        illegal = int(ResponseCode.ILLEGAL_OPERATION)
        if not request.body:
            return request.create_response(illegal, "Request body is null.")
        body = LiteSubscriptionCtlRequestBody.decode(request.body, self._state.release)
        changes = [one for one in body.subscription_set if _is_whole(one)]
        if not body.subscription_set:
            return request.create_response(illegal, "LiteSubscriptionCtlRequestBody is empty.")
        topics = list(dict.fromkeys(one.topic for one in changes))
        if not self._state.config.namesrv_addresses():
            topics = []
        self._ask(topics, connection, request, changes)
        return None

    def _ask(
        self,
        topics: list[str],
        connection: Peer,
        request: RemotingCommand,
        changes: list[LiteSubscriptionDTO],
    ) -> None:
        """Go on when the queues of these topics are known, or nobody can tell them."""
        if topics:
            first, *others = topics
            then = partial(self._ask, others, connection, request, changes)
            self._state.topic_routes.ask(first, lambda _: then())
            return
        code, remark = self._apply(connection, changes)
        connection.reply(request, request.create_response(code, remark))

    def _apply(
        self, connection: Peer, changes: list[LiteSubscriptionDTO]
    ) -> tuple[int, str | None]:
        """Make the changes, up to the first that can't be made; return the answer."""
        try:
            for change in changes:
                refused = self._apply_one(connection, change)
                if refused is not None:
                    return int(ResponseCode.SYSTEM_ERROR), refused
        except LiteQuotaError as error:
            logger.warning("lite subscriptions of %s: %s", connection.peer, error)
            exception = "org.apache.rocketmq.broker.lite.LiteQuotaException"
            quota = int(ResponseCode.LITE_SUBSCRIPTION_QUOTA_EXCEEDED)
            return quota, f"{exception}: {error}"
        except LiteStateError as error:
            logger.warning("lite subscriptions of %s: %s", connection.peer, error)
            remark = f"java.lang.IllegalStateException: {error}"
            return int(ResponseCode.ILLEGAL_OPERATION), remark
        return int(ResponseCode.SUCCESS), None

    def _apply_one(self, connection: Peer, change: LiteSubscriptionDTO) -> str | None:
        """Make one change; return Java's words if it can't be read."""
        registry = self._state.lite.subscriptions
        client, group, topic = change.client_id, change.group, change.topic
        lmqs = [lmq_name(topic, name) for name in change.lite_topic_set if name]
        if change.action is None:
            return _NO_ACTION
        if change.action in ("PARTIAL_ADD", "COMPLETE_ADD"):
            if not self._state.lite.metadata.may_consume(group):
                raise LiteStateError("Consumer group is not allowed to consume.")
            self._state.lite.notices.connections[client] = connection
        if change.action == "PARTIAL_ADD":
            if change.offset_option is not None and change.offset_option.type is None and lmqs:
                return _NO_OFFSET
            registry.add(client, group, topic, lmqs, change.offset_option)
        elif change.action == "PARTIAL_REMOVE":
            registry.remove(client, group, topic, lmqs)
        elif change.action == "COMPLETE_ADD":
            registry.replace(client, group, topic, lmqs)
        else:
            registry.remove_all(client)
        return None


def _is_whole(change: LiteSubscriptionDTO) -> bool:
    """Return whether a change names all that it is about; others are left out, as in Java."""
    whole = all(text and text.strip() for text in (change.client_id, change.group, change.topic))
    if not whole:
        logger.warning("lite subscription without client, group or topic: %s", change)
    return whole
