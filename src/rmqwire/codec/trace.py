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


@dataclass(frozen=True, slots=True)
class TraceView:
    """What a trace tells of one message (``TraceView``).

    Args:
        kind: Pub, SubBefore, SubAfter, EndTransaction or Recall.
        msg_id: of the message.
        group: the producer's or consumer's; None where an old consumer doesn't say.
        timestamp: ms since the epoch; 0 where an old consumer doesn't say.
        cost_ms: of the send, or of the listener.
        success: whether it went well.
    """

    kind: str
    msg_id: str
    group: str | None
    timestamp: int
    cost_ms: int = 0
    success: bool = True


def decode_traces(text: str) -> list[TraceView]:
    """Read the body of a message of a trace topic (``decoderFromTraceDataString``).

    Records of another kind, or with fields that can't be read, are left out: anyone can write there.
    """
    return [view for record in text.split(RECORD) if (view := _view(record.split(FIELD)))]


def _view(fields: list[str]) -> TraceView | None:
    try:
        return _READERS[fields[0]](fields) if fields[0] in _READERS else None
    except (IndexError, ValueError):
        return None


def _pub(at: list[str]) -> TraceView:
    ok = at[13 if len(at) >= 14 else 12]
    return TraceView("Pub", at[5], at[3], int(at[1]), int(at[10]), ok.lower() == "true")


def _sub_before(at: list[str]) -> TraceView:
    return TraceView("SubBefore", at[5], at[3], int(at[1]))


def _sub_after(at: list[str]) -> TraceView:
    group, time = (at[8], int(at[7])) if len(at) >= 9 else (None, 0)
    return TraceView("SubAfter", at[2], group, time, int(at[3]), at[4].lower() == "true")


def _end_transaction(at: list[str]) -> TraceView:
    return TraceView("EndTransaction", at[5], at[3], int(at[1]))


def _recall(at: list[str]) -> TraceView:
    return TraceView("Recall", at[5], at[3], int(at[1]), 0, at[6].lower() == "true")


_READERS: Final = {
    "Pub": _pub,
    "SubBefore": _sub_before,
    "SubAfter": _sub_after,
    "EndTransaction": _end_transaction,
    "Recall": _recall,
}
