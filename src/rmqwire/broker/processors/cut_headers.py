"""Headers of requests that come many at a time, read by their bytes as ``plain_headers.py`` reads those of sends.

Those of one sender differ in some fields and the opaque. A header is cut at these where one of its length
was cut before, and known by everything else in it. One that is not known is read as any other.
"""

from __future__ import annotations

from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from rmqwire.codec.command import JSON, ROCKETMQ
from rmqwire.codec.header_binary import decode_binary_header
from rmqwire.codec.header_json import decode_json_header, encode_json_header
from rmqwire.errors import BadHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rmqwire.codec.header_json import HeaderValues

K = TypeVar("K")

LEARN_EVERY: Final = 8  # headers that are not known: to learn one costs as much as to read it
LONGEST: Final = 1024  # bytes of a header that is kept ...
KEPT: Final = 4096  # ... and how many are: what is in them is the users'
_CUTS: Final = 8  # ways to cut headers of one length
_FIXED: Final = 21  # bytes before the entries of a ROCKETMQ header
_OPAQUE: Final = (5, 9)  # where it stands in one
_INT_MAX: Final = 2**31 - 1
_BACKSLASH: Final = b"\\"


class CutHeaders(Generic[K]):
    """Reads the headers of one request.

    Args:
        varying: the fields that differ; a header need not have all of them.
        kind_of: returns what a header says besides, told whether it is ROCKETMQ's; None: it isn't plain.
    """

    def __init__(
        self, varying: Sequence[str], kind_of: Callable[[HeaderValues, bool], K | None]
    ) -> None:
        self._varying = varying
        self._kind_of = kind_of
        self._cuts: dict[int, list[tuple[Callable[..., tuple[bytes, ...]], Any]]] = {}
        self._known: dict[tuple[bytes, ...], K] = {}
        self._misses = 0

    def read(
        self, data: bytes, position: int, end: int, word: int
    ) -> tuple[K, int, tuple[bytes, ...]] | None:
        """Return kind, opaque, and the values that differ, in order; None when it is not plain.

        Those of a JSON header are as they stand in it, but without escapes.

        Args:
            data: in which the header stands from ``position`` to ``end``.
            position: behind the frame's two words.
            end: where the header ends.
            word: serialize type and header length.
        """
        is_binary = word >> 24 == ROCKETMQ
        for cut, pick in self._cuts.get(word, ()):
            parts = cut(data, position)
            kind = self._known.get(parts[::2])
            if kind is not None:
                opaque, *values = pick(parts)
                if is_binary:
                    return kind, int.from_bytes(opaque, "big", signed=True), tuple(values)
                number = int(opaque) if opaque.isdigit() else -1
                if 0 <= number <= _INT_MAX and b"%d" % number == opaque and _are_plain(values):
                    return kind, number, tuple(values)
                break
        return self._read_slowly(data[position:end], word, is_binary=is_binary)

    def _read_slowly(
        self, header: bytes, word: int, *, is_binary: bool
    ) -> tuple[K, int, tuple[bytes, ...]] | None:
        if not is_binary and word >> 24 != JSON:
            return None
        try:
            values = decode_binary_header(header) if is_binary else decode_json_header(header)
            ext = values[6] or {}
            found = tuple([ext[name].encode() for name in self._varying if name in ext])
        except (BadHeader, UnicodeEncodeError, AttributeError):
            return None
        kind = self._kind_of(values, is_binary)
        if kind is None:
            return None
        self._misses += 1
        if not self._misses % LEARN_EVERY and len(header) <= LONGEST:
            spans = self._spans(header, ext) if is_binary else self._json_spans(header, values, ext)
            if spans:
                self._learn(header, word, spans, kind)
        return kind, values[3], found

    def _learn(self, header: bytes, word: int, spans: dict[str, tuple[int, int]], kind: K) -> None:
        """Keep how this header is cut, and by what those like it are known."""
        if len(self._known) >= KEPT or len(self._cuts) >= KEPT:
            self._known.clear()
            self._cuts.clear()
        layout, position, order = ">", 0, sorted(spans, key=spans.__getitem__)
        for begin, end in sorted(spans.values()):
            layout += f"{begin - position}s{end - begin}s"
            position = end
        cut = Struct(f"{layout}{len(header) - position}s").unpack_from
        wanted = ["opaque", *[name for name in self._varying if name in spans]]
        self._known[cut(header, 0)[::2]] = kind
        cuts = self._cuts.setdefault(word, [])
        cuts.insert(0, (cut, itemgetter(*[2 * order.index(name) + 1 for name in wanted])))
        del cuts[_CUTS:]

    def _spans(self, header: bytes, ext: dict[str, str]) -> dict[str, tuple[int, int]]:
        """Return where the values that differ stand in a ROCKETMQ header; none when a name comes twice."""
        spans, position, count = {"opaque": _OPAQUE}, _FIXED, 0
        while position < len(header):
            name_end = position + 2 + int.from_bytes(header[position : position + 2], "big")
            value = name_end + 4
            end = value + int.from_bytes(header[name_end:value], "big")
            name = header[position + 2 : name_end].decode()
            if name in self._varying:
                spans[name] = value, end
            position = end
            count += 1
        return spans if count == len(ext) else {}

    def _json_spans(
        self, header: bytes, values: HeaderValues, ext: dict[str, str]
    ) -> dict[str, tuple[int, int]]:
        """Return the same of a JSON header; none when it isn't written as Java writes it."""
        if encode_json_header(values) != header:
            return {}
        spans = {}
        marks = [(n, b'"%b":"' % n.encode(), b'"') for n in self._varying if n in ext]
        for name, mark, behind in [*marks, ("opaque", b'"opaque":', b",")]:
            begin = header.find(mark) + len(mark)
            end = header.find(behind, begin)
            if header.count(mark) != 1 or _BACKSLASH in header[begin:end]:
                return {}
            spans[name] = begin, end
        return spans


def _are_plain(values: Sequence[bytes]) -> bool:
    """Return whether texts of a JSON header stand there as they are."""
    joined = b"".join(values)
    return (
        joined.isascii()
        and _BACKSLASH not in joined
        and b'"' not in joined
        and joined.decode().isprintable()
    )
