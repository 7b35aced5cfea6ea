"""The headers of plain acks: of one message, answered, and of no lite topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rmqwire.broker.processors.cut_headers import CutHeaders
from rmqwire.codec.codes import RequestCode

if TYPE_CHECKING:
    from rmqwire.codec.header_json import HeaderValues

_QUEUE_DIGITS, _DIGITS = 9, 18  # more may not fit
_VARYING: Final = ("queueId", "extraInfo", "offset")
_GROUP, _TOPIC = "consumerGroup", "topic"
_NEEDED: Final = {*_VARYING, _GROUP, _TOPIC}
_KNOWN: Final = {*_NEEDED, "bname"}


class AckKind(NamedTuple):
    """What the acks of one group have in common."""

    group: str
    topic: str


PlainAck = tuple[AckKind, int, int, bytes, int]
"""Kind, opaque, queue id, handle, queue offset."""


class AckHeaders:
    """Reads them."""

    def __init__(self) -> None:
        self._read = CutHeaders(_VARYING, _kind).read

    def read(self, data: bytes, position: int, end: int, word: int) -> PlainAck | None:
        """Return what a header says; None when it is not plain.

        Args:
            data: in which the header stands from ``position`` to ``end``.
            position: behind the frame's two words.
            end: where the header, and with it the frame, ends.
            word: serialize type and header length.
        """
        found = self._read(data, position, end, word)
        if found is None:
            return None
        kind, opaque, (queue_id, handle, offset) = found
        if not (
            queue_id.isdigit()
            and offset.isdigit()
            and len(queue_id) <= _QUEUE_DIGITS
            and len(offset) <= _DIGITS
        ):
            return None
        return kind, opaque, int(queue_id), handle, int(offset)


def _kind(values: HeaderValues, is_binary: bool) -> AckKind | None:
    """Return what a header says besides the fields that differ; None when it is not plain."""
    code, _, _, _, flag, remark, ext = values
    if is_binary or code != RequestCode.ACK_MESSAGE or flag or remark is not None or not ext:
        return None
    if not _NEEDED <= ext.keys() <= _KNOWN or not ext[_GROUP] or not ext[_TOPIC]:
        return None
    return AckKind(ext[_GROUP], ext[_TOPIC])
