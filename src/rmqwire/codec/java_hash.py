"""Java's String.hashCode and what RocketMQ makes of it (tags code, index key hash)."""

from __future__ import annotations

from functools import lru_cache

_INT_MIN = -0x80000000


@lru_cache(maxsize=4096)
def string_hash(text: str) -> int:
    """Give ``String.hashCode``: over UTF-16 units, 32 bits, signed."""
    value = 0
    if text.isascii():
        for unit in text.encode("ascii"):
            value = (31 * value + unit) & 0xFFFFFFFF
    else:
        data = text.encode("utf-16-be", "surrogatepass")
        for i in range(0, len(data), 2):
            value = (31 * value + (data[i] << 8 | data[i + 1])) & 0xFFFFFFFF
    return value - 0x100000000 if value & 0x80000000 else value


def tags_code(tags: str | None) -> int:
    """Give the tagsCode of a consume queue unit (``MessageExtBrokerInner.tagsString2tagsCode``)."""
    return string_hash(tags) if tags else 0


def index_key_hash(key: str) -> int:
    """Give the hash of an index key (``IndexFile.indexKeyHashMethod``).

    Java takes the absolute value, which of the smallest int is negative still: that becomes 0.
    """
    value = string_hash(key)
    return 0 if value == _INT_MIN else abs(value)
