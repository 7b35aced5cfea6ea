"""Message traces as text (``TraceDataEncoder``): what became of a message, in RMQ_SYS_TRACE_TOPIC.

Fields end in 0x01, records in 0x02. Java writes a missing value as ``null``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from rmqwire.codec.message_const import KEY_SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Iterable

FIELD: Final = "\x01"  # CONTENT_SPLITOR
RECORD: Final = "\x02"  # FIELD_SPLITOR


class MessageType(IntEnum):
    """What kind of message is sent; the number stands in the trace."""

    NORMAL = 0
    HALF = 1
    COMMITTED = 2
    DELAYED = 3
    ORDERED = 4


class ReturnType(IntEnum):
    """How a listener's call went (``ConsumeReturnType``); the number stands in the trace."""

    SUCCESS = 0
    TIME_OUT = 1
    EXCEPTION = 2
    RETURNNULL = 3
    FAILED = 4


@dataclass(slots=True)
class TracedMessage:
    """What a trace says of one message (``TraceBean``).

    Args:
        topic: where it was sent to, or is from.
        msg_id: its UNIQ_KEY; of a batch all of them, joined by commas.
        tags: None without.
        keys: None without.
        retry_times: deliveries before this one.
        broker_addr: who stored it.
        body_length: bytes on the wire.
        kind: of message.
        offset_msg_id: the broker's id of the record.
    """

    topic: str
    msg_id: str
    tags: str | None = None
    keys: str | None = None
    retry_times: int = 0
    broker_addr: str = ""
    body_length: int = 0
    kind: MessageType = MessageType.NORMAL
    offset_msg_id: str = ""

    def names(self) -> Iterable[str]:
        """Return the keys under which the trace is found: the id and the message's own keys."""
        yield self.msg_id
        yield from (key for key in (self.keys or "").split(KEY_SEPARATOR) if key)


def _record(*values: object) -> str:
    return FIELD.join(_text(value) for value in values) + RECORD


def _text(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def encode_pub(
    message: TracedMessage,
    *,
    timestamp: int,
    region: str,
    group: str,
    cost_ms: int,
    success: bool,
) -> str:
    """Return the trace of a send.

    Args:
        message: what was sent.
        timestamp: when the send began, ms since the epoch.
        region: MSG_REGION of the answer.
        group: the producer group.
        cost_ms: until the answer.
        success: whether it is as safe as the broker is set to.
    """
    return _record(
        "Pub", timestamp, region, group, message.topic, message.msg_id, message.tags, message.keys,
        message.broker_addr, message.body_length, cost_ms, int(message.kind),
        message.offset_msg_id, success,
    )  # fmt: skip


def encode_sub_before(
    messages: Iterable[TracedMessage],
    *,
    timestamp: int,
    region: str | None,
    group: str,
    request_id: str,
) -> str:
    """Return the traces of messages that a listener gets.

    Args:
        messages: of one call.
        timestamp: when it began, ms since the epoch.
        region: MSG_REGION of the messages.
        group: the consumer group.
        request_id: of the call; the trace of its end has the same.
    """
    return "".join(
        _record("SubBefore", timestamp, region, group, request_id, one.msg_id, one.retry_times, one.keys)
        for one in messages
    )  # fmt: skip


def encode_sub_after(
    messages: Iterable[TracedMessage],
    *,
    timestamp: int,
    group: str,
    request_id: str,
    cost_ms: int,
    success: bool,
    kind: ReturnType,
) -> str:
    """Return the traces of messages that a listener has had.

    Args:
        messages: of one call.
        timestamp: when it ended, ms since the epoch.
        group: the consumer group.
        request_id: of the call.
        cost_ms: of one of the messages.
        success: whether they were consumed.
        kind: how the call went.
    """
    return "".join(
        _record("SubAfter", request_id, one.msg_id, cost_ms, success, one.keys, int(kind), timestamp, group)
        for one in messages
    )  # fmt: skip
