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
from rmqwire.codec.native import is_native
from rmqwire.codec.properties import find_property
from rmqwire.codec.record import MAX_TOPIC_V1, MESSAGE_MAGIC_V1, MIN_RECORD_SIZE
from rmqwire.codec.record_views import KEYS_VIEW
from rmqwire.codec.sys_flag import (
    BORNHOST_V6_FLAG,
    STOREHOSTADDRESS_V6_FLAG,
    TRANSACTION_PREPARED_TYPE,
    TRANSACTION_ROLLBACK_TYPE,
    transaction_type,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.record import RecordPosition
    from rmqwire.store.index.slots import Key

TAG_TYPE = "T"
_UNIQUE_KEY = PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX.encode()
_KEYS = PROPERTY_KEYS.encode()
_TAGS = PROPERTY_TAGS.encode()
_TAIL = 4  # characters of a key hashed apart: the counter of a unique key, the last of a number
_POWERS = tuple(pow(31, length, 1 << 32) for length in range(_TAIL + 1))
_KEPT = 4096  # topics and beginnings of keys whose hash is kept
_KEPT_TAILS = 0x10000
_STRANGE = BORNHOST_V6_FLAG | STOREHOSTADDRESS_V6_FLAG | TRANSACTION_PREPARED_TYPE


def native_walk(*, tags: bool) -> Callable[[bytes, int, int, int], tuple[list[Key], int, int]]:
    """Return the native twin of ``KeyHasher.walk_in_python``.

    Raises:
        ImportError: ``rmqwire_speedups`` is not there.
    """
    from rmqwire_speedups import walk_keys  # noqa: PLC0415  a distribution of its own

    return lambda data, pos, base, most: walk_keys(data, pos, base, most, tags)


class KeyHasher:
    """Hash the keys of records; what comes again and again is hashed once.

    Args:
        tags: tags are keys too (5.5.0).

    Attributes:
        walk: hashes the keys of many records, by the native lane if there is one.
    """

    __slots__ = ("_heads", "_tags", "_tails", "_topics", "walk")

    def __init__(self, *, tags: bool) -> None:
        self.walk = native_walk(tags=tags) if is_native() else self.walk_in_python
        self._tags = tags
        self._topics: dict[bytes, int] = {}  # by length byte and name, as a record has them
        self._heads: dict[tuple[int, bytes], int] = {}
        self._tails: dict[bytes, int] = {}

    def walk_in_python(
        self, data: bytes, pos: int, base: int, most: int
    ) -> tuple[list[Key], int, int]:
        """Do what ``walk`` does: hash the keys of records as long as they are of the usual kind and there.

        Args:
            data: a part of the log.
            pos: where in it a record begins, bytes.
            base: the log's offset of its first byte.
            most: records wanted at most.

        Returns:
            The keys in Java's order, the position behind the last record, how many there were.
        """
        unpack, topics, limit = KEYS_VIEW.unpack_from, self._topics, len(data) - MIN_RECORD_SIZE
        keys: list[Key] = []
        count = 0
        while count < most and pos <= limit:
            size, magic, sys_flag, stored, length = unpack(data, pos)
            end, topic_at = pos + size, pos + KEYS_VIEW.size + length
            if (
                magic != MESSAGE_MAGIC_V1
                or sys_flag & _STRANGE
                or length < 0
                or not topic_at < end <= len(data)
            ):
                break
            begin = topic_at + data[topic_at] + 3
            topic = topics.get(data[topic_at : begin - 2])
            if (
                topic is None
                or begin > end
                or data[begin - 2] << 8 | data[begin - 1] != end - begin
            ):
                break
            keys += [(key, base + pos, stored) for key in self._hashes(topic, data, begin, end)]
            pos = end
            count += 1
        return keys, pos, count

    def hashes(self, found: RecordPosition) -> list[int]:
        """Return the hashes of any record's keys, in Java's order, and know its topic from now on."""
        if transaction_type(found.sys_flag) == TRANSACTION_ROLLBACK_TYPE:
            return []
        name = found.topic.encode()
        topic = continue_hash(0, name + b"#")
        if len(name) <= MAX_TOPIC_V1 and len(self._topics) < _KEPT:
            self._topics[bytes([len(name)]) + name] = topic
        return self._hashes(topic, found.properties, 0, len(found.properties))

    def _hashes(self, topic: int, data: bytes, begin: int, end: int) -> list[int]:
        """Return the hashes of the keys in the properties from ``begin`` to ``end``."""
        hashes = []
        unique_key = find_property(data, _UNIQUE_KEY, begin, end)
        if unique_key is not None:
            hashes.append(self._hash(topic, unique_key))
        keys = find_property(data, _KEYS, begin, end)
        if keys is not None:
            hashes += [self._hash(topic, key) for key in keys.split(b" ") if key]
        if self._tags and (tags := find_property(data, _TAGS, begin, end)) is not None:
            hashes.append(self._hash(continue_hash(topic, b"T#"), tags))
        return hashes

    def _hash(self, begin: int, key: bytes) -> int:
        """Go on with the hash of what comes before a key; its last characters are hashed apart."""
        if not key.isascii():
            return positive_hash(continue_hash(begin, key))
        head, tail = key[:-_TAIL], key[-_TAIL:]
        value = self._heads.get((begin, head))
        if value is None:
            if len(self._heads) >= _KEPT:
                self._heads.clear()
            value = self._heads[begin, head] = continue_hash(begin, head)
        last = self._tails.get(tail)
        if last is None:
            if len(self._tails) >= _KEPT_TAILS:
                self._tails.clear()
            last = self._tails[tail] = continue_hash(0, tail)
        return positive_hash((value * _POWERS[len(tail)] + last) & 0xFFFFFFFF)


def query_hash(topic: str, key: str, index_type: str | None) -> int:
    """Return the hash that a query looks for; types other than T are plain keys, as in Java."""
    return index_key_hash(index_key(topic, key, TAG_TYPE if index_type == TAG_TYPE else None))
