"""All index files of a store (Java ``IndexService``): built from the log, asked by key.

The index follows the log: ``build`` reads the records behind ``position`` in slices that the
service spreads over time, so a send pays nothing for it, and after a start the same way fills
what is missing. What a query could miss for that is built before it is answered.

With the native lane a thread of the service's builds (``take``, then ``add`` there), on another core:
a lock keeps it and the loop apart, which waits for no more than one ``add`` or ``write``.
"""

from __future__ import annotations

import logging
import sys
from contextlib import nullcontext
from time import localtime, strftime
from typing import TYPE_CHECKING

import msgspec

from rmqwire.codec.native import is_native
from rmqwire.codec.record import read_position
from rmqwire.errors import BadRecord
from rmqwire.store.index.index_file import IndexFile
from rmqwire.store.index.index_keys import KeyHasher, query_hash
from rmqwire.store.index.log_part import LogPart, read_part
from rmqwire.store.index.slots import slots_lane

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rmqwire.clock import WallMs
    from rmqwire.disk.files import FileLayer
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.folder.checkpoint import CheckpointFile
    from rmqwire.store.index.slots import Keys
    from rmqwire.store.log.commit_log import CommitLog

logger = logging.getLogger(__name__)
# Records built at once, a third of a millisecond: a send may have to wait for them.
SLICE = 256
_WINDOW = 96 * 1024  # bytes of the log read at once
_THREAD_WINDOW = 1 << 20  # given to a thread at once
_ALL = sys.maxsize
_NAME_DIGITS = 17  # yyyyMMddHHmmssSSS


class IndexAnswer(msgspec.Struct):
    """What a key leads to (``QueryOffsetResult``).

    Args:
        offsets: of the log, bytes.
        last_update_timestamp: store time (ms) of the newest record in the index.
        last_update_phyoffset: its offset.
    """

    offsets: list[int] = msgspec.field(default_factory=list)
    last_update_timestamp: int = 0
    last_update_phyoffset: int = 0


class IndexService:
    """Build, keep and ask the index files.

    Args:
        config: ``maxHashSlotNum``, ``maxIndexNum`` and which of it is wanted.
        log: where records are.
        checkpoint: knows up to which time the index is on disk.
        files: the disk.
        wall_ms: wall clock, names new files.
        tags: tags are keys too (5.5.0).

    Attributes:
        in_thread: a thread is to build, as it doesn't keep the loop from running.
        lock: held by whoever changes or asks the index; whose thread builds or writes gives one.
        files: all index files, the last one is appended to.
        position: offset of the log up to which all records are in the index.
    """

    def __init__(
        self,
        config: StoreConfig,
        log: CommitLog,
        checkpoint: CheckpointFile,
        files: FileLayer,
        wall_ms: WallMs,
        *,
        tags: bool,
    ) -> None:
        self._config = config
        self._log = log
        self._checkpoint = checkpoint
        self._disk = files
        self._wall_ms = wall_ms
        self._hasher = KeyHasher(tags=tags)
        self._make_slots = slots_lane()
        self.in_thread = is_native()
        self.lock: AbstractContextManager[object] = nullcontext()
        self._taken: LogPart | None = None
        self._folder = f"{config.store_path_root_dir}/index"
        self._full: list[IndexFile] = []  # to be synced, then known to the checkpoint
        self.files: list[IndexFile] = []
        self.position = 0

    @property
    def enabled(self) -> bool:
        """Whether new records are indexed."""
        return self._config.message_index_enable and self._config.index_file_write_enable

    # --- opening and closing -------------------------------------------------------------------

    def load(self, *, clean: bool) -> list[str]:
        """Take up the files that can be trusted and remove the others: the log gives them back.

        Args:
            clean: the store had been closed in good order. Otherwise only files that are full
                and known to be on disk are kept.

        Returns:
            A sentence for each file removed.

        Raises:
            OSError: the disk failed.
        """
        notes: list[str] = []
        for name in self._disk.list(self._folder):
            if len(name) != _NAME_DIGITS or not (name.isascii() and name.isdigit()):
                continue
            file = self._new_file(name)
            fault = f"{notes[0]}" if notes else self._fault(file, clean=clean)
            if not fault:
                self.files.append(file)
                continue
            notes.append(f"index file {name} is built again: {fault}" if not notes else fault)
            file.remove()
        self.position = self._indexed_to()
        return notes[:1]

    def _new_file(self, name: str) -> IndexFile:
        config = self._config
        path = f"{self._folder}/{name}"
        slot_num, index_num = config.max_hash_slot_num, config.max_index_num
        return IndexFile(path, slot_num, index_num, self._disk, self._make_slots)

    def _fault(self, file: IndexFile, *, clean: bool) -> str:
        """Say why a file can't be used, "" if it can."""
        try:
            file.load()
        except BadRecord as error:
            return str(error)
        header = file.header
        if not clean:
            known = self._checkpoint.values.index_msg_timestamp
            if not file.is_full or header.end_timestamp > known:
                return "it is not known to be on disk"
        if header.index_count <= 1:
            return ""
        if self.files and header.begin_phy_offset < self.files[-1].header.end_phy_offset:
            return f"it begins at {header.begin_phy_offset}, before the end of the one before it"
        ends = (
            ("first", header.begin_phy_offset, header.begin_timestamp),
            ("last", header.end_phy_offset, header.end_timestamp),
        )
        for which, offset, timestamp in ends:
            if offset >= self._log.min_offset and self._stored_at(offset) != timestamp:
                return f"its {which} record, {offset}, is not in the log"
        return ""

    def _stored_at(self, offset: int) -> int:
        """Return the store time (ms) of the record at an offset, -1 if none is there."""
        record = self._log.record_at(offset)
        return self._log.store_timestamp(offset, len(record)) if record is not None else -1

    def _indexed_to(self) -> int:
        """Return where building goes on: behind the last record that is in the index.

        The last record of a full file may have had further keys that went into a file removed
        since: it is indexed once more. Entries that are there twice do no harm.
        """
        begin = self._log.min_offset
        used = [file for file in self.files if file.header.index_count > 1]
        if not used:
            return begin
        end = used[-1].header.end_phy_offset
        record = self._log.record_at(end) if end >= begin else None
        if record is None:
            return begin
        return end if used[-1].is_full else end + len(record)

    def close(self) -> None:
        """Write and sync everything.

        Raises:
            OSError: the disk failed; the last file can't be trusted any more.
        """
        self.write()
        for file in self.files:
            file.sync()
        self.full_files_synced(self._full)

    def release(self) -> None:
        """Close all files; what was not written is forgotten."""
        for file in self.files:
            file.close()
        self.files = []
        self._full = []

    # --- building ------------------------------------------------------------------------------

    def build(self, limit: int, records: int = 0) -> bool:
        """Index the next records.

        Args:
            limit: end of what may be indexed, an offset of the log where a record ends.
            records: how many at most; 0 = as many as a send may have to wait for.

        Returns:
            Whether there are more.

        Raises:
            OSError: the disk failed; nothing is lost, the next call tries again.
        """
        with self.lock:
            self._taken = None
            left = records or SLICE
            while left > 0 and self._is_behind(limit):
                part = read_part(self._log, self.position, limit, _WINDOW)
                left -= self._index(part, left)
            return self._is_behind(limit)

    def _is_behind(self, limit: int) -> bool:
        """Tell whether there is something to index before ``limit``."""
        begin = self._log.min_offset if self.enabled else limit
        self.position = max(self.position, begin)
        return self.position < limit

    def take(self, limit: int) -> LogPart | None:
        """Read some records for ``add``; None when there are none.

        Args:
            limit: as for ``build``.

        Raises:
            OSError: the disk failed.
        """
        with self.lock:
            if not self._is_behind(limit):
                return None
            self._taken = read_part(self._log, self.position, limit, _THREAD_WINDOW)
            return self._taken

    def add(self, part: LogPart) -> None:
        """Index what was taken, unless the index has gone on or the log was cut meanwhile.

        Raises:
            OSError: the disk failed; nothing is lost.
        """
        with self.lock:
            if part is self._taken:
                self._taken = None
                self._index(part, _ALL)

    def _index(self, part: LogPart, records: int) -> int:
        """Index records of a part of the log, which begins at ``position``; give how many."""
        data, start = part.data, part.start
        pos = total = 0
        while total < records:
            keys, after, count = self._hasher.walk(data, pos, start, records - total)
            if not count:
                keys, after, count = self._one(data, pos, start)
            if not count:
                break
            self._add(keys)
            pos, total = after, total + count
            self.position = start + pos
        if not total:
            text = "records of the log from %d to %d can not be indexed"
            logger.warning(text, start, part.stop)
            self.position = part.stop
        return total or 1

    def _one(self, data: bytes, pos: int, start: int) -> tuple[Keys, int, int]:
        """Hash the keys of the record at a place, of whatever kind, as ``walk`` does."""
        try:
            found = read_position(data, pos)
        except BadRecord:  # damaged, or cut off
            return [], pos, 0
        hashes = [] if found.is_blank else self._hasher.hashes(found)
        keys = [(one, start + pos, found.store_timestamp) for one in hashes]
        return keys, pos + found.total_size, 1

    def _add(self, keys: Keys) -> None:
        """Append keys to the last file, and to new ones when it is full."""
        done = 0
        while done < len(keys):
            file = self.files[-1] if self.files else None
            try:
                if file is None or file.is_full:
                    file = self._next_file(file)
                before = file.header.index_count
                try:
                    file.extend(keys, done)
                finally:
                    done += file.header.index_count - before
            except OSError:
                self.position = keys[done][1]  # the record goes on, with the keys it has already
                raise

    def _next_file(self, last: IndexFile | None) -> IndexFile:
        """Make the file for the next key; the one before it is full."""
        if last is None:
            self._disk.makedirs(self._folder)
        else:
            last.write()
            if last not in self._full:
                self._full.append(last)
        file = self._new_file(self._next_name())
        file.create(last.header if last is not None else None)
        self.files.append(file)
        return file

    def _next_name(self) -> str:
        """Return the time as a name; a millisecond has one file only."""
        seconds, milliseconds = divmod(self._wall_ms(), 1000)
        name = f"{strftime('%Y%m%d%H%M%S', localtime(seconds))}{milliseconds:03d}"
        last = self.files[-1].path.rpartition("/")[2] if self.files else ""
        return name if name > last else str(int(last) + 1)

    @property
    def unwritten(self) -> int:
        """Bytes of entries that are in memory only."""
        return self.files[-1].unwritten if self.files else 0

    def write(self) -> None:
        """Put what is only in memory into the files.

        Raises:
            OSError: the disk failed; it stays in memory.
        """
        with self.lock:
            for file in self.files[-1:]:
                file.write()

    def full_files(self) -> list[IndexFile]:
        """Return the files that became full and are not known to be on disk."""
        return [*self._full]

    def full_files_synced(self, files: list[IndexFile]) -> None:
        """Book that full files are on disk: a start may trust them now."""
        for file in [*files]:
            if file not in self._full:  # the log was cut meanwhile
                continue
            self._full.remove(file)
            values = self._checkpoint.values
            values.index_msg_timestamp = max(values.index_msg_timestamp, file.header.end_timestamp)

    def cut(self, log_end: int) -> None:
        """Remove files with records that are cut off the log: what is left is indexed again.

        Args:
            log_end: where the log will end.

        Raises:
            OSError: the disk failed.
        """
        with self.lock:
            self._taken = None
            for file in [file for file in self.files if file.header.end_phy_offset >= log_end]:
                self.files.remove(file)
                if file in self._full:
                    self._full.remove(file)
                file.remove()
            self.position = self._indexed_to()

    # --- asking --------------------------------------------------------------------------------

    def query(
        self, topic: str, key: str, max_num: int, begin: int, end: int, index_type: str | None
    ) -> IndexAnswer:
        """Return the log offsets a key leads to (``queryOffset``).

        Hashes may collide: who reads the messages compares their keys.

        Args:
            topic: the topic.
            key: the key.
            max_num: offsets wanted, ``maxMsgsNumBatch`` at most.
            begin: earliest store time, ms.
            end: latest store time, ms.
            index_type: ``T`` asks for a tag; None or another: a key.

        Raises:
            OSError: the disk failed.
        """
        with self.lock:
            return self._query(topic, key, max_num, begin, end, index_type)

    def _query(
        self, topic: str, key: str, max_num: int, begin: int, end: int, index_type: str | None
    ) -> IndexAnswer:
        answer = IndexAnswer()
        if not self.files or not self._config.index_file_read_enable:
            return answer
        newest = self.files[-1].header
        answer.last_update_timestamp = newest.end_timestamp
        answer.last_update_phyoffset = newest.end_phy_offset
        limit = min(max_num, self._config.max_msgs_num_batch)
        key_hash = query_hash(topic, key, index_type)
        for file in reversed(self.files):
            if file.is_time_matched(begin, end):
                file.select(key_hash, begin, end, limit, answer.offsets)
            if file.header.begin_timestamp < begin or len(answer.offsets) >= limit:
                break
        return answer

    # --- cleaning ------------------------------------------------------------------------------

    def delete_expired(self, min_offset: int) -> int:
        """Remove files whose records are all gone from the log, but never the last one.

        Args:
            min_offset: first offset the log still has.

        Returns:
            How many files were removed.

        Raises:
            OSError: the disk failed.
        """
        count = 0
        with self.lock:
            while len(self.files) > 1 and self.files[0].header.end_phy_offset < min_offset:
                if self.files[0] in self._full:  # a thread may be syncing it
                    break
                self.files[0].remove()
                del self.files[0]
                count += 1
        return count
