"""Which topics were deleted, and when (no Java counterpart).

The log keeps a deleted topic's records until its files go. Whatever is built from the log again, at
a start after a kill, for queues that are missing, on a slave, must leave them out, or messages that
somebody deleted are delivered once more. So a deletion is noted durably, with the log's end and the
time of that moment: the topic's records below and not after it are deleted; others belong to a topic
that was made again.

The offset alone would do while nobody else writes. But when the power goes, the log may end before
it, and a broker of Java's that is started on the folder then fills the gap: what it stored is newer
than the deletion. A cut of our own lowers the offset before anything is written behind it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from rmqwire.disk.table_file import ConfigFile, TableWriter, config_path
from rmqwire.errors import BadBody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.disk.files import FileLayer

NAME = "rmqwireDeletedTopics.json"
DELETIONS = "rmqwireDeletedTopics"  # field in which a slave of ours asks its master for the table
_TABLE = "deletedTopics"


class Deletion(msgspec.Struct, frozen=True):
    """When a topic was deleted.

    Args:
        below: the log's end at that moment, an offset in bytes.
        time_ms: the time of day, ms since the epoch.
    """

    below: int
    time_ms: int

    def covers(self, physical_offset: int, store_timestamp: int) -> bool:
        """Return whether a record of the topic was deleted."""
        return physical_offset < self.below and store_timestamp <= self.time_ms


class DeletedTopics:
    """The deletions of one store.

    Args:
        root: the store's folder.
        files: the disk.

    Attributes:
        table: topic -> its newest deletion.
        writer: writes the table; a broker lets the answer to a deletion wait for it.
    """

    def __init__(self, root: str, files: FileLayer) -> None:
        self.table: dict[str, Deletion] = {}
        self._file = ConfigFile(config_path(root, NAME), files, holds=_TABLE)
        self.writer = TableWriter(self._file, lambda: partial(_text, dict(self.table)))

    def below(self, topic: str) -> int:
        """Return the offset of the log before which records of a topic may be deleted."""
        found = self.table.get(topic)
        return found.below if found is not None else 0

    def covers(self, topic: str, physical_offset: int, store_timestamp: int) -> bool:
        """Return whether a record was deleted with its topic."""
        found = self.table.get(topic)
        return found is not None and found.covers(physical_offset, store_timestamp)

    def add(self, deletions: Mapping[str, Deletion]) -> None:
        """Note deletions; one that is older than what is known changes nothing.

        Raises:
            OSError: the table can't be written, where that isn't left to others.
        """
        new = {
            topic: deletion
            for topic, deletion in deletions.items()
            if deletion.below > self.below(topic)
        }
        if new:
            self.table |= new
            self.writer.write()

    def load(self, log_start: int) -> None:
        """Read the table, without the deletions of which the log has no records any more.

        Args:
            log_start: offset of the first byte of the log.

        Raises:
            StoreError: the table is there but can't be read.
        """
        self._file.load(self._decode)
        self.table = {topic: one for topic, one in self.table.items() if one.below > log_start}

    def cut(self, log_end: int) -> None:
        """Lower the offsets to where the log ends now, durably, before anything is written there.

        Raises:
            OSError: the disk failed; nothing may be written to the log.
        """
        high = [topic for topic, found in self.table.items() if found.below > log_end]
        if high:
            self.table |= {topic: Deletion(log_end, self.table[topic].time_ms) for topic in high}
            self._file.persist(self.encode())

    def encode(self) -> bytes:
        """Return the text of the file."""
        return _text(self.table)

    def _decode(self, data: bytes) -> None:
        self.table = decode_deletions(data)


def _text(table: Mapping[str, Deletion]) -> bytes:
    import json  # noqa: PLC0415  most brokers have no such table

    rows = {topic: msgspec.structs.asdict(found) for topic, found in table.items()}
    return json.dumps({_TABLE: rows}, indent=1).encode()


def decode_deletions(data: bytes) -> dict[str, Deletion]:
    """Return topic -> its deletion from the text of the file.

    Raises:
        BadBody: it isn't one.
    """
    import json  # noqa: PLC0415  most brokers have no such table

    try:
        rows = json.loads(data)[_TABLE]
        table = {topic: Deletion(**row) for topic, row in rows.items()}
        numbers = [number for one in table.values() for number in (one.below, one.time_ms)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadBody(f"not a table of deleted topics: {error}") from None
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise BadBody("not a table of deleted topics: a number is none")
    return table
