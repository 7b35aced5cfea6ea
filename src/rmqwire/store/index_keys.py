"""Which keys of a record go into the index (``IndexService.buildIndex``), as hashes.

``TOPIC#KEY`` for UNIQ_KEY and for each blank-separated word of KEYS; 5.5.0 adds ``TOPIC#T#TAG``.
Records of a rolled back transaction have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.index_file import index_key
from rmqwire.codec.java_hash import continue_hash, index_key_hash, positive_hash
from rmqwire.codec.message_const import (
    PROPERTY_KEYS,
    PROPERTY_TAGS,
    PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX,
)
from rmqwire.codec.properties import find_property
from rmqwire.codec.sys_flag import TRANSACTION_ROLLBACK_TYPE, transaction_type

if TYPE_CHECKING:
    from rmqwire.codec.record import RecordPosition

TAG_TYPE = "T"
_UNIQUE_KEY = PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX.encode()
_KEYS = PROPERTY_KEYS.encode()
_TAGS = PROPERTY_TAGS.encode()
_HEAD = 20  # characters of a unique key that its producer doesn't change: host, process, loader
_KEPT = 4096  # beginnings whose hash is kept


class KeyHasher:
    """Hash the keys of records; beginnings that come again and again are hashed once.

    Args:
        tags: tags are keys too (5.5.0).
    """

    __slots__ = ("_heads", "_tags", "_topics")

    def __init__(self, *, tags: bool) -> None:
        self._tags = tags
        self._heads: dict[tuple[int, bytes], int] = {}
        self._topics: dict[str, int] = {}

    def hashes(self, found: RecordPosition) -> list[int]:
        """Give the hashes of a record's keys, in Java's order."""
        if transaction_type(found.sys_flag) == TRANSACTION_ROLLBACK_TYPE:
            return []
        properties = found.properties
        begin = self._topic(found.topic)
        hashes = []
        unique_key = find_property(properties, _UNIQUE_KEY)
        if unique_key is not None:
            hashes.append(self._hash(begin, unique_key))
        keys = find_property(properties, _KEYS)
        if keys is not None:
            hashes += [self._hash(begin, key) for key in keys.split(b" ") if key]
        if self._tags and (tags := find_property(properties, _TAGS)) is not None:
            hashes.append(self._hash(self._begin(begin, b"T#"), tags))
        return hashes

    def _hash(self, begin: int, key: bytes) -> int:
        if len(key) > _HEAD and key.isascii():
            begin, key = self._begin(begin, key[:_HEAD]), key[_HEAD:]
        return positive_hash(continue_hash(begin, key))

    def _topic(self, topic: str) -> int:
        known = self._topics.get(topic)
        if known is None:
            if len(self._topics) >= _KEPT:
                self._topics.clear()
            known = self._topics[topic] = continue_hash(0, f"{topic}#".encode())
        return known

    def _begin(self, value: int, head: bytes) -> int:
        known = self._heads.get((value, head))
        if known is None:
            if len(self._heads) >= _KEPT:
                self._heads.clear()
            known = self._heads[value, head] = continue_hash(value, head)
        return known


def query_hash(topic: str, key: str, index_type: str | None) -> int:
    """Give the hash that a query looks for; types other than T are plain keys, as in Java."""
    return index_key_hash(index_key(topic, key, TAG_TYPE if index_type == TAG_TYPE else None))
