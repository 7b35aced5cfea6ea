"""Requests of this client that wait for the answer of another (``RequestFutureHolder``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.client.message_ext import MessageExt
from rmqwire.codec import message_const as const
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.properties import decode_properties
from rmqwire.errors import BadHeader
from rmqwire.remoting.limited_log import printable
from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.headers import ReplyMessageRequestHeader

logger = logging.getLogger(__name__)


class PendingReply:
    """One request that waits (``RequestResponseFuture``).

    Attributes:
        message: its answer; None before it has come.
        arrived: woken when it has.
    """

    __slots__ = ("arrived", "message")

    def __init__(self) -> None:
        self.message: MessageExt | None = None
        self.arrived = Wakeup()


class ReplyTable:
    """Requests by correlation id."""

    def __init__(self) -> None:
        self._pending: dict[str, PendingReply] = {}

    def begin(self, correlation_id: str) -> PendingReply:
        """Wait for the answer to a request from now on."""
        pending = self._pending[correlation_id] = PendingReply()
        return pending

    def end(self, correlation_id: str) -> None:
        """Wait for it no longer."""
        self._pending.pop(correlation_id, None)

    def received(self, message: MessageExt) -> None:
        """Give an answer to the request that waits for it; one that comes too late is logged."""
        correlation_id = message.properties.get(const.PROPERTY_CORRELATION_ID, "")
        pending = self._pending.pop(correlation_id, None)
        if pending is None:
            logger.warning(
                "receive reply message, but not matched any request, CorrelationId: %s, "
                "reply from host: %s",
                printable(correlation_id),
                message.born_host,
            )
            return
        pending.message = message
        pending.arrived()


def reply_message(
    header: ReplyMessageRequestHeader, push: RemotingCommand, wall_ms: int
) -> MessageExt:
    """Return the answer that a broker pushes (``ClientRemotingProcessor.receiveReplyMessage``).

    Args:
        header: of the push.
        push: its body is the answer's.
        wall_ms: when it came, ms since the epoch.

    Raises:
        BadHeader: a host is no ``ip:port``.
    """
    properties = decode_properties(header.properties or "")
    properties[const.PROPERTY_REPLY_MESSAGE_ARRIVE_TIME] = str(wall_ms)
    stored = StoredMessage(
        header.topic,
        bytes(push.body),
        properties,
        header.queue_id,
        flag=header.flag,
        sys_flag=header.sys_flag,
        born_timestamp=header.born_timestamp,
        store_timestamp=header.store_timestamp,
        born_host=_host(header.born_host),
        store_host=_host(header.store_host),
        reconsume_times=header.reconsume_times or 0,
    )
    return MessageExt.of(stored, "")


def _host(text: str) -> tuple[str, int]:
    ip, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit()):
        raise BadHeader(f"{text!r} is no ip:port")
    return ip.strip("[]"), int(port)
