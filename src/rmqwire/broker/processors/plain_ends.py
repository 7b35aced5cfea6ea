"""The headers of END_TRANSACTION that producers send by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rmqwire.broker.processors.cut_headers import CutHeaders
from rmqwire.codec.codes import ONEWAY_FLAG, RequestCode
from rmqwire.codec.message_const import PROPERTY_PRODUCER_GROUP
from rmqwire.codec.sys_flag import TRANSACTION_COMMIT_TYPE, TRANSACTION_ROLLBACK_TYPE

if TYPE_CHECKING:
    from rmqwire.codec.header_json import HeaderValues

_DIGITS: Final = 18  # more may not fit
_NAMES: Final = ("msgId", "transactionId")  # they say nothing to a broker
_VARYING: Final = ("commitLogOffset", "tranStateTableOffset", *_NAMES)
_HOW, _GROUP = "commitOrRollback", "producerGroup"
_KNOWN: Final = {*_VARYING, _HOW, _GROUP, "topic", "bname", "fromTransactionCheck"}
_NEEDED: Final = {*_VARYING[:3], _HOW}
_USUAL: Final = {
    "fromTransactionCheck": {"false"},
    _HOW: {str(TRANSACTION_COMMIT_TYPE), str(TRANSACTION_ROLLBACK_TYPE)},
}


class EndKind(NamedTuple):
    """What the ends of one producer's transactions have in common.

    Attributes:
        how: they were committed or rolled back.
        member: an entry that the property string of their half messages has, in separators.
    """

    how: int
    member: bytes


class EndHeaders:
    """Reads the headers of ends that have no answer and are no answer to a check."""

    def __init__(self) -> None:
        self._read = CutHeaders(_VARYING, _kind).read

    def read(
        self, data: bytes, position: int, end: int, word: int
    ) -> tuple[EndKind, int, int] | None:
        """Return kind, offset in the log and offset in the half queue; None when it is not plain.

        Args:
            data: in which the header stands from ``position`` to ``end``.
            position: behind the frame's two words.
            end: where the header, and with it the frame, ends.
            word: serialize type and header length.
        """
        found = self._read(data, position, end, word)
        if found is None:
            return None
        kind, _, (place, offset, *names) = found
        if (
            place.isdigit()
            and offset.isdigit()
            and len(place) <= _DIGITS
            and len(offset) <= _DIGITS
            and all(map(bytes.isalnum, names))
        ):
            return kind, int(place), int(offset)
        return None


def _kind(values: HeaderValues, is_binary: bool) -> EndKind | None:
    """Return what a header says besides the fields that differ; None when it is not plain."""
    code, _, _, _, flag, remark, ext = values
    if code != RequestCode.END_TRANSACTION or flag != ONEWAY_FLAG or remark is not None or not ext:
        return None
    if (
        not _NEEDED <= ext.keys() <= _KNOWN
        or not ext.get(_GROUP)
        or any(ext[name] not in usual for name, usual in _USUAL.items() if name in ext)
    ):
        return None
    try:
        member = f"\x02{PROPERTY_PRODUCER_GROUP}\x01{ext[_GROUP]}\x02".encode()
    except UnicodeEncodeError:
        return None
    return EndKind(int(ext[_HOW]), member)
