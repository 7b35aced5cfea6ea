"""What a client is answered to its sends, all answers of a buffer read in one call (``processSendResponse``).

A plain answer is one to a send that was stored, with the fields that every broker writes, each spelled as
Java does. All other frames are only found, and read one by one by whoever wants them. The native lane's
``SendAnswers`` does the same.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Final, TypeAlias

from rmqwire.codec.codes import LANGUAGE_CODES, RESPONSE_FLAG
from rmqwire.codec.command import ROCKETMQ, decode_frame
from rmqwire.codec.native import is_native
from rmqwire.errors import BadHeader

Bounds: TypeAlias = tuple[int, int]
Stored: TypeAlias = tuple[int, int, int, int, int, str, str | None, str | None, bool]
"""Begin and end of a frame behind its length word, opaque, queue id, queue offset, msgId, transactionId, MSG_REGION, TRACE_ON."""

ReadStored: TypeAlias = Callable[[bytes], tuple[list[Stored | Bounds], int]]
"""Gives what it has found in a buffer, and where its last whole frame ends."""

_LENGTH: Final = Struct(">i")
_PREFIX: Final = 4
_INT: Final = 1 << 31
_LONG: Final = 1 << 63
_KNOWN: Final = frozenset(
    ("queueId", "queueOffset", "msgId", "transactionId", "MSG_REGION", "TRACE_ON")
)


class StoredAnswers:
    """The reader without the native lane.

    Args:
        max_frame: bytes of the largest frame, its length word counted.
    """

    def __init__(self, max_frame: int) -> None:
        self._max_length = max_frame - _PREFIX

    def read(self, data: bytes) -> tuple[list[Stored | Bounds], int]:
        """Find the whole frames at the front of a buffer; see ``ReadStored``."""
        found: list[Stored | Bounds] = []
        position, size, unpack = 0, len(data), _LENGTH.unpack_from
        while size - position >= _PREFIX:
            (length,) = unpack(data, position)
            begin = position + _PREFIX
            end = begin + length
            if not _PREFIX <= length <= self._max_length or end > size:
                break
            found.append(_stored(data, begin, end) or (begin, end))
            position = end
        return found, position


def _stored(data: bytes, begin: int, end: int) -> Stored | None:
    if data[begin] > ROCKETMQ or int.from_bytes(data[begin + 1 : begin + 4], "big") != (
        end - begin - 4
    ):
        return None  # it has a body
    try:
        answer = decode_frame(data[begin:end])
    except BadHeader:
        return None
    fields = answer.ext_fields
    if answer.code or answer.flag != RESPONSE_FLAG or answer.remark is not None or not fields:
        return None
    if not fields.keys() <= _KNOWN or answer.language is None:
        return None
    queue_id, offset = (
        _number(fields.get("queueId"), _INT),
        _number(fields.get("queueOffset"), _LONG),
    )
    message_id = fields.get("msgId")
    if queue_id is None or offset is None or message_id is None:
        return None
    return (
        begin,
        end,
        answer.opaque,
        queue_id,
        offset,
        message_id,
        fields.get("transactionId"),
        fields.get("MSG_REGION") or None,
        fields.get("TRACE_ON") != "false",
    )


def _number(text: str | None, limit: int) -> int | None:
    """Read a number as Java writes it."""
    try:
        number = int(text or "")
    except ValueError:
        return None
    return number if str(number) == text and -limit <= number < limit else None


def stored_reader(max_frame: int) -> ReadStored:
    """Return what reads the answers to sends: the native lane's if there is one.

    Args:
        max_frame: bytes of the largest frame, its length word counted.

    Raises:
        ConfigError: the switch wants a lane that can't be used.
    """
    if not is_native():
        return StoredAnswers(max_frame).read
    from rmqwire_speedups import SendAnswers  # noqa: PLC0415  a distribution of its own

    return SendAnswers(list(LANGUAGE_CODES), max_frame).read
