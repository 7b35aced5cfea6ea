"""Headers of requests that come many at a time, whichever of their fields there are and in whatever order.

Those of one sender differ in some fields and the opaque, and are known by everything else (``KnownHeaders``).
One that is not known is read as any other.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from rmqwire.broker.processors.known_headers import KnownHeaders
from rmqwire.codec.command import JSON, ROCKETMQ
from rmqwire.codec.header_binary import decode_binary_header
from rmqwire.codec.header_json import decode_json_header
from rmqwire.errors import BadHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.codec.header_json import HeaderValues

K = TypeVar("K")

_INT_MAX: Final = 2**31 - 1
_OPAQUE: Final = "opaque"


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
        self._known: KnownHeaders[tuple[K, Callable[[tuple[bytes, ...]], Any]]] = KnownHeaders()

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
        kinds = self._known.kinds
        for cut in self._known.cuts.get(word, ()):
            parts = cut(data, position)
            known = kinds.get(parts[::2])
            if known is not None:
                kind, pick = known
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
        if found:
            self._learn(values, header, word, kind, is_binary=is_binary)
        return kind, values[3], found

    def _learn(
        self, values: HeaderValues, header: bytes, word: int, kind: K, *, is_binary: bool
    ) -> None:
        ext = values[6] or {}
        names = [name for name in ext if name in self._varying]
        order = [_OPAQUE, *names] if is_binary else [*names, _OPAQUE]
        wanted = [_OPAQUE, *[name for name in self._varying if name in ext]]
        pick = itemgetter(*[2 * order.index(name) + 1 for name in wanted])
        self._known.learn(values, header, word, names, (kind, pick))


def _are_plain(values: Sequence[bytes]) -> bool:
    """Return whether texts of a JSON header stand there as they are."""
    joined = b"".join(values)
    return (
        joined.isascii()
        and b"\\" not in joined
        and b'"' not in joined
        and joined.decode().isprintable()
    )
