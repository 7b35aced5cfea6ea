"""The headers of END_TRANSACTION, read by their bytes as ``plain_headers.py`` reads those of plain sends.

The ends of one producer differ in the offsets and names of their half messages. A header is cut at these
where one of its length was cut before, and known by everything else in it.
"""

from __future__ import annotations

from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from rmqwire.codec.codes import ONEWAY_FLAG, RequestCode
from rmqwire.codec.command import JSON, ROCKETMQ
from rmqwire.codec.header_binary import decode_binary_header
from rmqwire.codec.header_json import decode_json_header, encode_json_header
from rmqwire.codec.message_const import PROPERTY_PRODUCER_GROUP
from rmqwire.codec.sys_flag import TRANSACTION_COMMIT_TYPE, TRANSACTION_ROLLBACK_TYPE
from rmqwire.errors import BadHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rmqwire.codec.header_json import HeaderValues

LEARN_EVERY: Final = 8  # headers that are not known: to learn one costs as much as to read it
LONGEST: Final = 1024  # bytes of a header that is kept ...
KEPT: Final = 4096  # ... and how many are: their groups are the users'
_CUTS: Final = 4  # ways to cut headers of one length
_FIXED: Final = 21  # bytes before the entries of a ROCKETMQ header
_OPAQUE: Final = (5, 9)  # where it stands in one
_INT_MAX: Final = 2**31 - 1
_DIGITS: Final = 18  # more may not fit
_PLACE, _OFFSET = "commitLogOffset", "tranStateTableOffset"
_NAMES: Final = ("msgId", "transactionId")  # they say nothing to a broker
_VARYING: Final = (_PLACE, _OFFSET, *_NAMES)
_HOW, _GROUP = "commitOrRollback", "producerGroup"
_KNOWN: Final = {*_VARYING, _HOW, _GROUP, "topic", "bname", "fromTransactionCheck"}
_MOST: Final = {  # how an end is written that a producer sends by itself
    "fromTransactionCheck": {"false"},
    _HOW: {str(TRANSACTION_COMMIT_TYPE), str(TRANSACTION_ROLLBACK_TYPE)},
}


class EndKind(NamedTuple):
    """What the ends of one producer's transactions have in common.

    Attributes:
        how: they were committed or rolled back.
        member: an entry that the property string of their half messages has, in separators.
        is_binary: their headers are ROCKETMQ's.
    """

    how: int
    member: bytes
    is_binary: bool


class EndHeaders:
    """Reads the headers of ends that have no answer and are no answer to a check."""

    def __init__(self) -> None:
        self._cuts: dict[int, list[tuple[Callable[..., tuple[bytes, ...]], Any]]] = {}
        self._known: dict[tuple[bytes, ...], EndKind] = {}
        self._misses = 0

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
        for cut, pick in self._cuts.get(word, ()):
            parts = cut(data, position)
            kind = self._known.get(parts[::2])
            if kind is not None:
                place, offset, opaque, *names = pick(parts)
                if (
                    place.isdigit()
                    and offset.isdigit()
                    and (kind.is_binary or _is_opaque(opaque))
                    and all(map(bytes.isalnum, names))
                ):
                    return kind, int(place), int(offset)
                break
        return self._read_slowly(data[position:end], word)

    def _read_slowly(self, header: bytes, word: int) -> tuple[EndKind, int, int] | None:
        is_binary = word >> 24 == ROCKETMQ
        if not is_binary and word >> 24 != JSON:
            return None
        try:
            values = decode_binary_header(header) if is_binary else decode_json_header(header)
        except BadHeader:
            return None
        kind, ext = _kind(values, is_binary=is_binary), values[6] or {}
        if kind is None or not all(map(_is_number, (ext.get(_PLACE, ""), ext.get(_OFFSET, "")))):
            return None
        self._misses += 1
        if not self._misses % LEARN_EVERY and len(header) <= LONGEST:
            spans = _spans(header, ext) if is_binary else _json_spans(header, values, ext)
            if spans:
                self._learn(header, word, spans, kind)
        return kind, int(ext[_PLACE]), int(ext[_OFFSET])

    def _learn(
        self, header: bytes, word: int, spans: dict[str, tuple[int, int]], kind: EndKind
    ) -> None:
        """Keep how this header is cut, and by what those like it are known."""
        if len(self._known) >= KEPT or len(self._cuts) >= KEPT:
            self._known.clear()
            self._cuts.clear()
        layout, position, order = ">", 0, sorted(spans, key=spans.__getitem__)
        for begin, end in sorted(spans.values()):
            layout += f"{begin - position}s{end - begin}s"
            position = end
        cut = Struct(f"{layout}{len(header) - position}s").unpack_from
        wanted: Sequence[str] = (_PLACE, _OFFSET, "opaque", *[n for n in _NAMES if n in spans])
        self._known[cut(header, 0)[::2]] = kind
        cuts = self._cuts.setdefault(word, [])
        cuts.insert(0, (cut, itemgetter(*[2 * order.index(name) + 1 for name in wanted])))
        del cuts[_CUTS:]


def _kind(values: HeaderValues, *, is_binary: bool) -> EndKind | None:
    """Return what a header says besides the fields that differ; None when it is not plain."""
    code, _, _, _, flag, remark, ext = values
    if code != RequestCode.END_TRANSACTION or flag != ONEWAY_FLAG or remark is not None or not ext:
        return None
    if (
        not ext.keys() <= _KNOWN
        or not ext.get(_GROUP)
        or _HOW not in ext
        or "msgId" not in ext
        or not all(ext.get(name, "0").isalnum() and ext.get(name, "0").isascii() for name in _NAMES)
        or any(ext[name] not in usual for name, usual in _MOST.items() if name in ext)
    ):
        return None
    try:
        member = f"\x02{PROPERTY_PRODUCER_GROUP}\x01{ext[_GROUP]}\x02".encode()
    except UnicodeEncodeError:
        return None
    return EndKind(int(ext[_HOW]), member, is_binary)


def _spans(header: bytes, ext: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Return where the values that differ stand in a ROCKETMQ header; none when a name comes twice."""
    spans, position, count = {"opaque": _OPAQUE}, _FIXED, 0
    while position < len(header):
        name_end = position + 2 + int.from_bytes(header[position : position + 2], "big")
        value = name_end + 4
        end = value + int.from_bytes(header[name_end:value], "big")
        name = header[position + 2 : name_end].decode()
        if name in _VARYING:
            spans[name] = value, end
        position = end
        count += 1
    return spans if count == len(ext) else {}


def _json_spans(
    header: bytes, values: HeaderValues, ext: dict[str, str]
) -> dict[str, tuple[int, int]]:
    """Return where the values that differ stand in a JSON header; none when it isn't written as Java writes it."""
    if encode_json_header(values) != header:
        return {}
    spans = {}
    marks = [(name, b'"%b":"' % name.encode(), b'"') for name in _VARYING if name in ext]
    for name, mark, behind in [*marks, ("opaque", b'"opaque":', b",")]:
        if header.count(mark) != 1:
            return {}
        begin = header.find(mark) + len(mark)
        spans[name] = begin, header.find(behind, begin)
    return spans


def _is_number(text: str) -> bool:
    return len(text) <= _DIGITS and text.isascii() and text.isdigit()


def _is_opaque(text: bytes) -> bool:
    """Return whether a text is the number of a request as JSON has it."""
    return text.isdigit() and int(text) <= _INT_MAX and (text[0] != ord("0") or len(text) == 1)
