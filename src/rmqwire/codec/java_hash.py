"""Java's String.hashCode and what RocketMQ makes of it (tags code, index key hash)."""

from __future__ import annotations

from functools import lru_cache
from operator import mul

_INT_MIN = -0x80000000
_CHUNK = 256  # characters hashed at once
_KNOWN_TAGS = 10_000
_LONGEST_KNOWN = 255  # bytes: the tags are the users'
_POWERS = tuple(pow(31, n, 1 << 32) for n in range(_CHUNK, -1, -1))  # 31**256 ... 31**0


@lru_cache(maxsize=4096)
def string_hash(text: str) -> int:
    """Return ``String.hashCode``: over UTF-16 units, 32 bits, signed."""
    value = 0
    if text.isascii():
        for unit in text.encode("ascii"):
            value = (31 * value + unit) & 0xFFFFFFFF
    else:
        data = text.encode("utf-16-be", "surrogatepass")
        for i in range(0, len(data), 2):
            value = (31 * value + (data[i] << 8 | data[i + 1])) & 0xFFFFFFFF
    return value - 0x100000000 if value & 0x80000000 else value


def continue_hash(value: int, data: bytes) -> int:
    """Go on with a hash over more text; for texts that rarely come twice (nothing is kept).

    Args:
        value: hash of the text before it, as an unsigned number; 0 at the beginning.
        data: UTF-8; what is no UTF-8 counts as U+FFFD.

    Returns:
        The hash of both, unsigned: ``string_hash`` modulo 2**32.
    """
    if not data.isascii():
        units = str(data, "utf-8", "replace").encode("utf-16-be")
        for high, low in zip(units[::2], units[1::2], strict=True):
            value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
        return value
    for begin in range(0, len(data), _CHUNK):
        chunk = data[begin : begin + _CHUNK]
        shift = _CHUNK - len(chunk)
        value = (value * _POWERS[shift] + sum(map(mul, chunk, _POWERS[shift + 1 :]))) & 0xFFFFFFFF
    return value


def tags_code(tags: str | None) -> int:
    """Return the tagsCode of a consume queue unit (``MessageExtBrokerInner.tagsString2tagsCode``)."""
    return string_hash(tags) if tags else 0


class TagsCodes(dict[bytes, int]):
    """The hashes of tags seen: computing one is a loop over characters."""

    def __missing__(self, tags: bytes) -> int:
        """Compute what isn't known."""
        code = tags_code(tags.decode("utf-8", "replace"))
        if len(self) < _KNOWN_TAGS and len(tags) <= _LONGEST_KNOWN:
            self[tags] = code
        return code


def index_key_hash(key: str) -> int:
    """Return the hash of an index key (``IndexFile.indexKeyHashMethod``).

    Java takes the absolute value, which of the smallest int is negative still: that becomes 0.
    """
    value = string_hash(key)
    return 0 if value == _INT_MIN else abs(value)


def positive_hash(value: int) -> int:
    """Return the index key hash for a hash that ``continue_hash`` gave."""
    if value < 0x80000000:
        return value
    return 0x100000000 - value if value > 0x80000000 else 0
