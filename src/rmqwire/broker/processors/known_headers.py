"""Headers known by their bytes: all of them but the fields that differ from one request to the next.

A header is cut where one of its length was cut before, with one ``unpack``, and known by what stands between
the fields that differ.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from rmqwire.codec.command import ROCKETMQ
from rmqwire.codec.header_json import encode_json_header

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.codec.header_json import HeaderValues

K = TypeVar("K")

LEARN_EVERY: Final = 8  # headers that are not known: to learn one costs as much as to read it
LONGEST: Final = 1024  # bytes of a header that is kept ...
KEPT: Final = 4096  # ... and how many are: their names are the users'
_CUTS: Final = 16  # ways to cut headers of one length: names of users share it in many ways
_FIXED: Final = 21  # bytes before the entries of a ROCKETMQ header
_BACKSLASH: Final = b"\\"[0]


class KnownHeaders(Generic[K]):
    """What headers like those that were learnt say.

    Args:
        kept: how many are known at most.

    Attributes:
        cuts: by a frame's second word; each gives known and differing bytes in turn.
        kinds: what the known bytes say.
    """

    __slots__ = ("_kept", "_misses", "cuts", "kinds")

    def __init__(self, kept: int = KEPT) -> None:
        self.cuts: dict[int, list[Callable[[bytes, int], tuple[bytes, ...]]]] = {}
        self.kinds: dict[tuple[bytes, ...], K] = {}
        self._kept = kept
        self._misses = 0

    def learn(
        self, values: HeaderValues, header: bytes, word: int, names: Sequence[str], kind: K
    ) -> None:
        """Keep how some of the headers that were not known are cut, and by what they are known.

        Args:
            values: what the header says.
            header: its bytes.
            word: serialize type and header length.
            names: of the fields that differ, besides the opaque, as they follow one another.
            kind: what all headers like this one say.
        """
        self._misses += 1
        if self._misses % LEARN_EVERY or len(header) > LONGEST:
            return
        is_binary = word >> 24 == ROCKETMQ
        layout = (_binary_layout if is_binary else _json_layout)(values, header, names)
        if not layout:
            return
        if len(self.kinds) >= self._kept or len(self.cuts) >= self._kept:
            self.kinds.clear()
            self.cuts.clear()
        cut = Struct(layout).unpack_from
        self.kinds[cut(header, 0)[::2]] = kind
        cuts = self.cuts.setdefault(word, [])
        cuts.insert(0, cut)
        del cuts[_CUTS:]


def _binary_layout(_: HeaderValues, header: bytes, names: Sequence[str]) -> str:
    """Return how a ROCKETMQ header is cut, the opaque first; "" when its fields have another order."""
    layout, found, begin, position = ">5s4s", [], 9, _FIXED
    while position < len(header):
        name_end = position + 2 + int.from_bytes(header[position : position + 2], "big")
        value = name_end + 4
        end = value + int.from_bytes(header[name_end:value], "big")
        name = header[position + 2 : name_end].decode()
        if name in names:
            found.append(name)
            layout += f"{value - begin}s{end - value}s"
            begin = end
        position = end
    return f"{layout}{len(header) - begin}s" if found == list(names) else ""


def _json_layout(values: HeaderValues, header: bytes, names: Sequence[str]) -> str:
    """Return how a JSON header is cut, the opaque last; "" when it isn't written as Java writes it."""
    if encode_json_header(values) != header:
        return ""
    layout, position = ">", 0
    marks = [(b'"%b":"' % name.encode(), b'"') for name in names]
    for mark, behind in [*marks, (b',"opaque":', b",")]:
        begin = header.find(mark, position) + len(mark)
        end = header.find(behind, begin)
        if begin < position + len(mark) or header[end - 1] == _BACKSLASH:
            return ""
        layout += f"{begin - position}s{end - begin}s"
        position = end
    return f"{layout}{len(header) - position}s"
