"""What the tables of topics and of groups have in common (Java ``ConfigManager``'s subclasses).

A table has a version that advances with each change, a file that holds it whole, and entries whose
attributes are changed one by one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from rmqwire.broker.tables.attributes import alter_attributes
from rmqwire.broker.tables.versions import advance, first_version
from rmqwire.codec import java_json
from rmqwire.codec.message_const import LMQ_PREFIX
from rmqwire.disk.table_file import TableWriter
from rmqwire.disk.table_text import EntryTexts, TrackedTable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from contextlib import AbstractContextManager

    from rmqwire.broker.tables.attributes import Attribute
    from rmqwire.clock import WallMs
    from rmqwire.codec.bodies import DataVersion
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile, MakeText
    from rmqwire.disk.table_text import Changes


class Entry(Protocol):
    """What a table holds."""

    attributes: dict[str, str]


E = TypeVar("E", bound=Entry)


class ConfigTable(ABC, Generic[E]):
    """Entries by name, their version and their file.

    Args:
        attributes: which attributes an entry may have.
        release: what the JSON holds.
        file: where the table is kept.
        wall_ms: epoch milliseconds.
        changed: called with the names of entries that were created or changed.
        light_queues: ``enableLmq``: light queues and groups have entries without being in the table.

    Attributes:
        table: name -> entry.
        data_version: when and how often the table changed.
        writer: writes the file.
    """

    def __init__(
        self,
        attributes: Mapping[str, Attribute],
        release: Release,
        file: ConfigFile,
        wall_ms: WallMs,
        changed: Callable[[Collection[str]], None],
        *,
        light_queues: bool,
    ) -> None:
        self.table: TrackedTable[E] = TrackedTable()
        self.data_version: DataVersion = first_version(wall_ms())
        self.writer = TableWriter(file, self.snapshot)
        self.light_queues = light_queues
        self._tell_changed = changed
        self._attributes = attributes
        self._release = release
        self._file = file
        self._wall_ms = wall_ms
        self._texts: EntryTexts[E] = EntryTexts(self._entry_text)

    @abstractmethod
    def name_of(self, entry: E) -> str:
        """Return the name under which an entry stands."""

    @abstractmethod
    def _content(self) -> dict[str, Any]:
        """Return what the file holds, in its order: copies, and None for the entries."""

    @abstractmethod
    def _decode(self, data: bytes) -> None:
        """Add what the text of a file holds.

        Raises:
            ProtocolError: it is no such table.
        """

    def is_light(self, name: str) -> bool:
        """Return whether a name is a light queue's: it has an entry as soon as somebody asks."""
        return self.light_queues and name.startswith(LMQ_PREFIX)

    # --- changes -------------------------------------------------------------------------------

    def update(self, entry: E) -> None:
        """Create or replace an entry; its attributes are the *changes* to the current ones.

        Raises:
            UsageError: an attribute can't be changed so; nothing has changed.
        """
        self.update_list([entry])

    def update_list(self, entries: Iterable[E]) -> None:
        """Create or replace several entries, and write the table once.

        Raises:
            UsageError: an attribute of one can't be changed so; nothing has changed.
        """
        kept = [entry for entry in entries if not self.is_light(self.name_of(entry))]
        ready = [(entry, self._new_attributes(entry)) for entry in kept]
        for entry, attributes in ready:
            entry.attributes = attributes
            self.table[self.name_of(entry)] = entry
            advance(self.data_version, self._wall_ms())
        self._written([self.name_of(entry) for entry in kept])

    def _new_attributes(self, entry: E) -> dict[str, str]:
        current = self.table.get(self.name_of(entry))
        return alter_attributes(
            self._attributes,
            None if current is None else dict(current.attributes or {}),
            entry.attributes or {},
        )

    def _changed(self, name: str) -> None:
        """Count the change of an entry, write the table, tell of it."""
        advance(self.data_version, self._wall_ms())
        self._written([name])

    def _written(self, names: Collection[str]) -> None:
        self.persist()
        self._tell_changed(names)

    # --- the file ------------------------------------------------------------------------------

    def load(self) -> bool:
        """Add what the file holds to the system's own; False when there is no file yet.

        Raises:
            StoreError: there is a table, but neither it nor its backup can be read.
        """
        return self._file.load(self._decode)

    def snapshot(self) -> MakeText:
        """Return what makes the text of the file as the table is now."""
        changes = self._texts.take(self.table, copy)
        return partial(self._text, changes, self._content())

    def _entry_text(self, name: str, entry: E) -> str:
        return java_json.write_entry(name, entry, self._release, 2)

    def _text(self, changes: Changes[E], content: dict[str, Any]) -> bytes:
        self._texts.apply(changes)
        entries = java_json.Written(self._texts.texts)
        filled = {name: entries if value is None else value for name, value in content.items()}
        return java_json.dumps(filled, self._release, pretty=True)

    def persist(self) -> None:
        """Write the table to its file, whole or not at all."""
        self.writer.write()

    def written_together(self) -> AbstractContextManager[None]:
        """Write the file once, at the end, for all changes made inside."""
        return self.writer.together()
