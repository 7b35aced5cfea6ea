"""Which keys of a record go into the index (``IndexService.buildIndex``), as hashes.

``TOPIC#KEY`` for UNIQ_KEY and for each blank-separated word of KEYS; 5.5.0 adds ``TOPIC#T#TAG``.
Records of a rolled back transaction have none.
"""

from __future__ import annotations

import re
from itertools import count as count_from
from typing import TYPE_CHECKING

from rmqwire.codec.columns import Grid
from rmqwire.codec.index_file import index_key
from rmqwire.codec.java_hash import continue_hash, index_key_hash, positive_hash
from rmqwire.codec.native import is_native
from rmqwire.codec.record import MAX_TOPIC_V1, MESSAGE_MAGIC_V1, MIN_RECORD_SIZE
from rmqwire.codec.record_views import KEYS_VIEW
from rmqwire.codec.sys_flag import (
    BORNHOST_V6_FLAG,
    STOREHOSTADDRESS_V6_FLAG,
    TRANSACTION_PREPARED_TYPE,
    TRANSACTION_ROLLBACK_TYPE,
    transaction_type,
)
from rmqwire.store.index.key_layout import GROUPS, Layouts, find_values
from rmqwire.store.index.key_runs import LONGEST, POWERS, Shape
from rmqwire.store.index.record_rows import Rows, count_alike
from rmqwire.store.index.slots import KeyColumns, KeyRows, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.codec.record import RecordPosition
    from rmqwire.store.index.key_layout import FullMatch, Values
    from rmqwire.store.index.slots import Key, Keys

    Walk = Callable[[bytes, int, int, int], tuple[Keys, int, int]]

TAG_TYPE = "T"
# A key is hashed in three parts. In a unique key they are the client, the time, the counter's end.
_TAIL, _END = 3, 12  # characters of the last part, and of the last two
_KEPT = 4096  # tags and parts of keys whose hash is kept
_KEPT_TOPICS = 0x4000
_RUN = 8  # records that are worth being looked at together
_WIDEST = 16  # columns for each of them: more cost what a look at each alone does
_TAG_PREFIX = f"{TAG_TYPE}#".encode()
_NOTHING = re.compile(b"(?!)").fullmatch  # matches no property string
_STRANGE = BORNHOST_V6_FLAG | STOREHOSTADDRESS_V6_FLAG | TRANSACTION_PREPARED_TYPE


def native_walk(*, tags: bool) -> Walk:
    """Return the native twin of ``KeyHasher.walk_in_python``.

    Raises:
        ImportError: ``rmqwire_speedups`` is not there.
    """
    from rmqwire_speedups import walk_keys  # noqa: PLC0415  a distribution of its own

    return lambda data, pos, base, most: walk_keys(data, pos, base, most, tags)


class _Hashes(dict[bytes, int]):
    """The hashes of parts of keys, each computed once; ASCII only.

    Args:
        factor: what each is multiplied with, because of what follows the part.
    """

    __slots__ = ("_factor",)

    def __init__(self, factor: int) -> None:
        self._factor = factor

    def __missing__(self, part: bytes) -> int:
        """Compute what isn't known."""
        if len(self) >= _KEPT:
            self.clear()
        value = self[part] = continue_hash(0, part) * self._factor & 0xFFFFFFFF
        return value


class _Topic:
    """A topic that records were of.

    Args:
        begin: hash of its name and ``#``.

    Attributes:
        begin_of_tag: hash of what stands before a tag.
        match: finds the values in property strings like the last one's.
        shape: of the strings of the last run.
    """

    __slots__ = ("begin", "begin_of_tag", "match", "shape")

    def __init__(self, begin: int) -> None:
        self.begin = begin
        self.begin_of_tag = continue_hash(begin, _TAG_PREFIX)
        self.shape: Shape | None = None
        self.match: FullMatch = _NOTHING


class _Run:
    """Records in a row whose property strings have one length.

    Attributes:
        owners: their topics, each with the number of its first record.
    """

    __slots__ = ("offsets", "owners", "texts", "times")

    def __init__(self) -> None:
        self.owners: list[tuple[_Topic, int]] = []
        self.texts: list[bytes] = []  # the property strings
        self.offsets: list[int] = []
        self.times: list[int] = []

    def ends(self) -> bool:
        """Return whether it ends with its last topic: another's many records may be unlike this one's many."""
        return len(self.texts) - self.owners[-1][1] >= _RUN

    def topics(self) -> list[_Topic]:
        """Return the topic of each record."""
        begins = [begin for _, begin in self.owners]
        if begins == [*range(len(self.texts))]:
            return [topic for topic, _ in self.owners]
        ends = [*begins[1:], len(self.texts)]
        topics: list[_Topic] = []
        for (topic, begin), end in zip(self.owners, ends, strict=True):
            topics += [topic] * (end - begin)
        return topics


class KeyHasher:
    """Hash the keys of records; what comes again and again is hashed once.

    Java's hash of two texts in a row is ``h(a) * 31 ** len(b) + h(b)``. So that of ``TOPIC#KEY`` is a
    sum, of the topic's and of those of the parts of the key.

    Args:
        tags: tags are keys too (5.5.0).

    Attributes:
        walk: hashes the keys of many records, by the native lane if there is one.
    """

    __slots__ = (
        "_heads",
        "_layouts",
        "_middles",
        "_shape",
        "_tag_hashes",
        "_tags",
        "_tails",
        "_topics",
        "walk",
    )

    def __init__(self, *, tags: bool) -> None:
        self.walk: Walk = native_walk(tags=tags) if is_native() else self.walk_in_python
        self._tags = tags
        self._topics: dict[bytes, _Topic] = {}  # by length byte and name, as a record has them
        self._layouts = Layouts()
        self._shape: Shape | None = None  # of the last run's property strings
        self._heads = _Hashes(POWERS[_END])
        self._middles = _Hashes(POWERS[_TAIL])
        self._tails = _Hashes(1)
        self._tag_hashes = _Hashes(1)  # of what follows the topic's part

    def walk_in_python(
        self, data: bytes, pos: int, base: int, most: int
    ) -> tuple[KeyColumns, int, int]:
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
        keys, whole = KeyColumns(), len(data)
        run = _Run()
        head, width, length = b"", 0, -1  # what stands before a property string, and its length
        count = before = retry = 0
        while count < most and pos <= limit:
            size, magic, sys_flag, stored, body = unpack(data, pos)
            end, topic_at = pos + size, pos + KEYS_VIEW.size + body
            if (
                magic != MESSAGE_MAGIC_V1
                or sys_flag & _STRANGE
                or body < 0
                or not topic_at < end <= whole
            ):
                break
            begin = topic_at + width
            if not head or data[topic_at:begin] != head:
                begin = topic_at + data[topic_at] + 3
                topic = topics.get(data[topic_at : begin - 2])
                if topic is None or begin > end:
                    break
                last, length = length, data[begin - 2] << 8 | data[begin - 1]
                if length != last or run.ends():
                    self._hash_run(keys, run)
                    run = _Run()
                run.owners.append((topic, len(run.texts)))
                head, width = data[topic_at:begin], begin - topic_at
            if end - begin != length:
                break
            if (size == before or not count) and pos >= retry:
                some = count_alike(data, pos, size, most - count)
                retry = pos + some * size
                rows = Rows(data, pos, size, some, topic_at - pos, begin - pos)
                offsets = range(base + pos, base + retry, size)
                if some and (more := self._take_rows(keys, run, rows, offsets)) is not None:
                    pos, count, before, run = retry, count + some, size, more
                    head = data[pos - length - width : pos - length]
                    continue
            run.texts.append(data[begin:end])
            run.offsets.append(base + pos)
            run.times.append(stored)
            pos, count, before = end, count + 1, size
        self._hash_run(keys, run)
        return keys, pos, count

    def _take_rows(
        self, keys: KeyColumns, run: _Run, rows: Rows, offsets: Sequence[int]
    ) -> _Run | None:
        """Take records that follow a run, the first of them of its last topic, if they are alike.

        Returns:
            the run that goes on behind them; None when they are to be looked at one by one.
        """
        if not rows.are_alike():
            return None
        topic = run.owners[-1][0]
        if rows.have_one_topic():
            columns = self._columns(rows.grid_of_texts(), rows.text_length, [topic])
            if columns is not None:
                self._hash_run(keys, run)
                keys.rows.append(KeyRows(columns, offsets, rows.times()))
                run = _Run()
                run.owners.append((topic, 0))
                return run
        else:
            names = [one[:-2] for one in rows.heads()]
            try:
                topics = [*map(self._topics.__getitem__, names)]
            except KeyError:
                return None
            if run.owners[-1][1] == len(run.texts):  # the first one's
                run.owners.pop()
            run.owners += zip(topics, count_from(len(run.texts)), strict=False)
        run.texts += rows.texts()
        run.offsets += offsets
        run.times += rows.times()
        return run

    def _hash_run(self, keys: KeyColumns, run: _Run) -> None:
        """Add the keys of a run."""
        texts, offsets, times = run.texts, run.offsets, run.times
        if not texts:
            return
        if len(texts) >= _RUN:
            length, grid = len(texts[0]), Grid(b"".join(texts), len(texts[0]), len(texts))
            topics = run.topics() if len(run.owners) > 1 else [run.owners[0][0]]
            columns = self._columns(grid, length, topics)
            if columns is not None:
                keys.rows.append(KeyRows(columns, offsets, times))
                return
        alone: list[Key] = []
        for topic, text, offset, stored in zip(run.topics(), texts, offsets, times, strict=True):
            found = topic.match(text)
            values = found.group(*GROUPS) if found else self._values(topic, text)
            alone += [(one, offset, stored) for one in self._hashes(topic.begin, values)]
        keys.rows.append(rows_of(alone))

    def _columns(
        self, texts: Grid, length: int, topics: Sequence[_Topic]
    ) -> list[list[int]] | None:
        """Return the hashes of each key in many property strings; None where these are not alike.

        Args:
            texts: rows that begin with the strings,
            length: of each.
            topics: of each, or the one that all have.
        """
        found = self._shape_of(texts, length, topics[0])
        if found is None:
            return None
        shape, columns = found
        topics[0].shape = self._shape = shape
        begins = [topic.begin for topic in topics]
        hashes = [shape.hashes(columns, span, begins) for span in shape.keys]
        if self._tags:
            begins = [topic.begin_of_tag for topic in topics]
            hashes += [shape.hashes(columns, span, begins) for span in shape.tags]
        return hashes

    def _shape_of(
        self, texts: Grid, length: int, topic: _Topic
    ) -> tuple[Shape, list[bytes]] | None:
        """Return the shape that property strings have, with their columns."""
        if length > _WIDEST * texts.count:
            return None
        for shape in (topic.shape, self._shape):
            if shape is not None and shape.length == length:
                columns = shape.columns(texts)
                if columns is not None:
                    return shape, columns
        text = texts.first(0, length)
        match = self._layouts.of(text)
        found = match(text) if match is not None else None
        if found is None:
            return None
        shape = Shape(text, found)
        columns = shape.columns(texts)
        return None if columns is None else (shape, columns)

    def _values(self, topic: _Topic, text: bytes) -> Values:
        """Return the values in a property string that is not like the topic's last one."""
        match = self._layouts.of(text)
        found = match(text) if match is not None else None
        if match is None or found is None:
            return find_values(text, 0, len(text))
        topic.match = match
        return found.group(*GROUPS)

    def hashes(self, found: RecordPosition) -> list[int]:
        """Return the hashes of any record's keys, in Java's order, and know its topic from now on."""
        if transaction_type(found.sys_flag) == TRANSACTION_ROLLBACK_TYPE:
            return []
        name = found.topic.encode()
        begin = continue_hash(0, name + b"#")
        if len(name) <= MAX_TOPIC_V1 and len(self._topics) < _KEPT_TOPICS:
            self._topics[bytes([len(name)]) + name] = _Topic(begin)
        return self._hashes(begin, find_values(found.properties, 0, len(found.properties)))

    def _hashes(self, begin: int, values: Values) -> list[int]:
        """Return the hashes of keys, given what stands before each."""
        unique, words, tags = values
        heads, middles, tails, powers, hashes = self._heads, self._middles, self._tails, POWERS, []
        for key in (unique, *words.split(b" ")) if words else (unique,):
            if key.isascii() and len(key) <= LONGEST:
                if not key:
                    continue
                value = (
                    begin * powers[len(key)]
                    + heads[key[:-_END]]
                    + middles[key[-_END:-_TAIL]]
                    + tails[key[-_TAIL:]]
                )
                value &= 0xFFFFFFFF
            else:
                value = continue_hash(begin, key)
            hashes.append(value if value < 0x80000000 else -value & 0x7FFFFFFF)
        if tags and self._tags:
            tag = _TAG_PREFIX + tags
            if tag.isascii() and len(tag) <= LONGEST:
                value = begin * powers[len(tag)] + self._tag_hashes[tag] & 0xFFFFFFFF
            else:
                value = continue_hash(begin, tag)
            hashes.append(positive_hash(value))
        return hashes


def query_hash(topic: str, key: str, index_type: str | None) -> int:
    """Return the hash that a query looks for; types other than T are plain keys, as in Java."""
    return index_key_hash(index_key(topic, key, TAG_TYPE if index_type == TAG_TYPE else None))
