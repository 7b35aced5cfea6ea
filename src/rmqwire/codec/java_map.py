"""The order in which a Java ``HashMap`` walks over its keys; RocketMQ's headers are written in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.java_hash import string_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_CAPACITY = 16


def bucket(key: str, capacity: int) -> int:
    """Return the bucket of a key in a map of this capacity (a power of two)."""
    value = string_hash(key) & 0xFFFFFFFF
    return (value ^ (value >> 16)) & (capacity - 1)


def grown(capacity: int, count: int) -> int:
    """Return the capacity a map has after ``count`` keys: it doubles when it is three quarters full."""
    while count > capacity * 3 // 4:
        capacity *= 2
    return capacity


def hash_map_order(keys: Iterable[str], capacity: int = DEFAULT_CAPACITY) -> list[str]:
    """Return distinct keys, put in this order, as the map walks over them.

    Args:
        keys: in the order of insertion, which shows between keys of one bucket.
        capacity: the initial capacity.
    """
    inserted = list(keys)
    size = grown(capacity, len(inserted))
    return sorted(inserted, key=lambda key: bucket(key, size))


def in_hash_map_order(fields: dict[str, str], capacity: int = DEFAULT_CAPACITY) -> dict[str, str]:
    """Return the same fields in the order of a Java map filled in the order of the dict."""
    return {key: fields[key] for key in hash_map_order(fields, capacity)}
