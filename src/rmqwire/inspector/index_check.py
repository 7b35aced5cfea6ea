"""Index files against the keys that the log says they must hold, and each file against itself.

The entries of all files are split into runs of ascending log offsets: one run, and one more for
each time a recovery indexed records again. Each run is then read beside the log, so the whole is
compared as a set with little in memory.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.codec.index_file import (
    ENTRY_SIZE,
    ENTRY_STRUCT,
    HEADER_SIZE,
    SLOT_SIZE,
    IndexHeader,
    entry_position,
    index_key,
)
from rmqwire.codec.java_hash import index_key_hash
from rmqwire.codec.message_const import (
    INDEX_TAG_TYPE,
    KEY_SEPARATOR,
    PROPERTY_KEYS,
    PROPERTY_TAGS,
    PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX,
)
from rmqwire.codec.properties import find_property
from rmqwire.codec.sys_flag import TRANSACTION_ROLLBACK_TYPE, transaction_type
from rmqwire.errors import BadRecord, StoreError
from rmqwire.inspector.files import open_file
from rmqwire.inspector.findings import NOTE, PROBLEM
from rmqwire.inspector.index import guess_slots, index_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rmqwire.codec.record import RecordPosition
    from rmqwire.inspector.findings import Findings

    _Entry = tuple[int, int, int, int]  # key hash, log offset, time difference, previous

PART = "index"
_ENTRIES = 4096  # entries read at once
_MAX_RUNS = 1000  # more of them: the offsets are in no order at all
_UNIQ = PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX.encode()
_KEYS = PROPERTY_KEYS.encode()
_TAGS = PROPERTY_TAGS.encode()
_INT_MAX = 0x7FFFFFFF


@dataclass(slots=True)
class _File:
    """One index file: what its header says."""

    path: Path
    slots: int
    header: IndexHeader

    def entries(self, first: int = 1) -> Iterator[_Entry]:
        """Return (key hash, log offset, time difference, previous) from number ``first`` on."""
        with open_file(self.path) as file:
            file.seek(entry_position(first, self.slots))
            left = self.header.index_count - first
            while left > 0:
                count = min(_ENTRIES, left)
                data = file.read(count * ENTRY_SIZE)
                yield from ENTRY_STRUCT.iter_unpack(data[: len(data) - len(data) % ENTRY_SIZE])
                left -= count


class _Run:
    """Entries in ascending order of their log offsets, ``count`` of them from a place on."""

    __slots__ = ("_left", "_next", "head")

    def __init__(self, files: list[_File], index: int, number: int, count: int) -> None:
        self._next = _across(files, index, number)
        self._left = count
        self.head: _Entry | None = None
        self.advance()

    def advance(self) -> None:
        """Go to the next entry; ``head`` is None behind the last one."""
        self.head = next(self._next, None) if self._left else None
        self._left -= 1


def _across(files: list[_File], index: int, number: int) -> Iterator[_Entry]:
    for file in files[index:]:
        yield from file.entries(number)
        number = 1


def expected_hashes(found: RecordPosition) -> list[int]:
    """Return the hashes under which a record must be found, as ``IndexService.buildIndex`` puts them."""
    if transaction_type(found.sys_flag) == TRANSACTION_ROLLBACK_TYPE:
        return []
    keys = []
    unique = find_property(found.properties, _UNIQ)
    if unique:
        keys.append(unique.decode("utf-8", "replace"))
    several = find_property(found.properties, _KEYS)
    if several:
        keys += [key for key in several.decode("utf-8", "replace").split(KEY_SEPARATOR) if key]
    return [index_key_hash(index_key(found.topic, key)) for key in keys]


def tag_hashes(found: RecordPosition) -> list[int]:
    """Return the hash of the tags, under which 5.5.0 (and no older release) puts a record too."""
    tags = find_property(found.properties, _TAGS)
    if not tags:
        return []
    text = tags.decode("utf-8", "replace")
    return [index_key_hash(index_key(found.topic, text, INDEX_TAG_TYPE))]


class IndexCheck:
    """Compare the index files of a store with its log.

    Args:
        root: the store's folder.
        findings: where findings go.
        slots: maxHashSlotNum of the broker; guessed from a file's size when None.
        lag: level of what the next start puts right.
        log_start: where the log begins, in bytes. Entries before it are no fault: their file goes
            when the records of all its entries have gone.
    """

    def __init__(
        self, root: Path, findings: Findings, *, slots: int | None, lag: str, log_start: int
    ) -> None:
        self._findings = findings
        self._log_start = log_start
        self._lag = lag
        self._files: list[_File] = []
        self._runs: list[_Run] = []
        self._first = self._last = -1  # log offsets of the index's first and last entry
        self._missing = [0, -1]  # count, first offset
        self._late = [0, -1]
        self._duplicates = 0
        self.entries = 0
        if (root / "index").is_dir() and any((root / "index").iterdir()):
            self._open_all(root, slots)

    def _open_all(self, root: Path, slots: int | None) -> None:
        try:
            paths = index_files(root / "index")
        except StoreError as error:
            self._findings.add(PROBLEM, PART, "files", root / "index", None, str(error))
            return
        for path in paths:
            file = self._opened(path, slots)
            if file is not None:
                self._files.append(file)
                _check_chains(file, self._findings)
        self._find_runs()

    def _opened(self, path: Path, slots: int | None) -> _File | None:
        size = path.stat().st_size
        number = slots or guess_slots(size)
        if number is None:
            text = f"tell maxHashSlotNum (--slots): {size} bytes don't show it"
            self._findings.add(NOTE, PART, "slots", path, None, text)
            return None
        with open_file(path) as file:
            data = file.read(HEADER_SIZE)
        try:
            header = IndexHeader.decode(data)
        except BadRecord as error:
            self._findings.add(PROBLEM, PART, "header", path, 0, str(error))
            return None
        if not 0 <= header.index_count <= (size - entry_position(0, number)) // ENTRY_SIZE:
            text = f"indexCount {header.index_count} in a file of {size} bytes"
            self._findings.add(PROBLEM, PART, "header", path, 36, text)
            return None
        return _File(path, number, header)

    def _find_runs(self) -> None:
        """Find where the log offsets of the entries go back."""
        starts: list[list[int]] = []  # file, number, count
        last = _INT_MAX << 32
        for index, file in enumerate(self._files):
            for number, (_, place, _, _) in enumerate(file.entries(), 1):
                if place < last:
                    starts.append([index, number, 0])
                starts[-1][2] += 1
                last = place
            if starts:
                self._last = max(self._last, last)
            self.entries += max(file.header.index_count - 1, 0)
            if len(starts) > _MAX_RUNS:
                text = "the entries' log offsets are in no order"
                self._findings.add(PROBLEM, PART, "order", file.path, None, text)
                return
        self._runs = [_Run(self._files, *start) for start in starts]
        heads = [run.head[1] for run in self._runs if run.head is not None]
        self._first = min(heads, default=-1)

    # --- record by record --------------------------------------------------------------------

    def take(self, found: RecordPosition) -> None:
        """Compare the entries that a record must have, and may have."""
        if not self._runs:
            return
        place = found.physical_offset
        expected = expected_hashes(found)
        seen: list[int] = []
        for run in self._runs:
            while run.head is not None and run.head[1] <= place:
                if run.head[1] < place:
                    self._lead_nowhere(run.head[1])
                else:
                    seen.append(run.head[0])
                run.advance()
        tags = tag_hashes(found)
        if seen not in (expected, expected + tags):  # the usual cases need no counting
            self._count(place, Counter(expected), Counter(expected) | Counter(tags), Counter(seen))

    def _count(
        self, place: int, expected: Counter[int], allowed: Counter[int], seen: Counter[int]
    ) -> None:
        for key_hash in seen - allowed:
            if key_hash in allowed:
                self._duplicates += seen[key_hash] - allowed[key_hash]
            else:
                text = f"key hash {key_hash}, which the record doesn't have"
                self._findings.add(PROBLEM, PART, "extra", "index", place, text)
        lacking = sum(1 for key_hash in expected if key_hash not in seen)
        if lacking and place >= self._first:
            target = self._late if place > self._last else self._missing
            target[0] += lacking
            target[1] = place if target[1] < 0 else target[1]

    def _lead_nowhere(self, place: int) -> None:
        if place < self._log_start:
            return
        text = "an entry leads to no whole record"
        self._findings.add(PROBLEM, PART, "nowhere", "index", place, text)

    def finish(self, log_end: int) -> None:
        """Report; ``log_end`` is the end of the log in bytes."""
        for run in self._runs:
            while run.head is not None:
                text = f"an entry leads behind the log's end {log_end}"
                place = run.head[1]
                self._findings.add(self._lag, PART, "dangling", "index", place, text)
                run.advance()
        add = self._findings.add
        if not self._runs:
            add(NOTE, PART, "none", "index", None, "no index entries: nothing to compare")
        if self._missing[0]:
            count, first = self._missing
            add(PROBLEM, PART, "missing", "index", first, "a key has no entry", count)
        if self._late[0]:
            count, first = self._late
            text = "keys at the log's end have no entry yet"
            add(self._lag, PART, "late", "index", first, text, count)
        if self._duplicates:
            text = "entries stand twice: a recovery indexed their records again (as Java does)"
            add(NOTE, PART, "twice", "index", None, text, self._duplicates)
        if self._first >= 0 and self._log_start < self._first:
            text = f"records before {self._first} may have no entry: the index begins there"
            add(NOTE, PART, "begin", "index", self._first, text)


def _check_chains(file: _File, findings: Findings) -> None:
    """Follow every entry: it must name the one before it in its slot, the slot names the last."""
    heads = array("i", bytes(4 * file.slots))
    for number, (key_hash, _, _, previous) in enumerate(file.entries(), 1):
        slot = key_hash % file.slots
        if previous != heads[slot]:
            text = f"entry {number} names {previous} as the one before, not {heads[slot]}"
            findings.add(PROBLEM, PART, "chain", file.path, number, text)
        heads[slot] = number
    heads.byteswap()
    expected = heads.tobytes()
    with open_file(file.path) as opened:
        opened.seek(HEADER_SIZE)
        if opened.read(len(expected)) != expected:
            text = "a slot doesn't name its newest entry"
            findings.add(PROBLEM, PART, "slots", file.path, HEADER_SIZE, text)
    used = len(expected) // SLOT_SIZE - heads.count(0)
    if used != file.header.hash_slot_count:
        text = f"hashSlotCount {file.header.hash_slot_count}, {used} slots are in use"
        findings.add(PROBLEM, PART, "count", file.path, 32, text)
