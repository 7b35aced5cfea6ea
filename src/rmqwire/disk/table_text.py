"""The text of a large table, of which only what changed is written again.

The event loop notes which entries change (:class:`TrackedTable`) and hands their values over; the
thread that meets the disk turns them into text and keeps the others' (:class:`EntryTexts`). So a change
costs the loop the same however large the table is. Java encodes the whole table at each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Self, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

V = TypeVar("V")


class Changes(msgspec.Struct, Generic[V]):
    """What has changed in a table since the last time.

    Args:
        anew: the table was emptied before; what was known of it counts no more.
        gone: entries that were removed, before any of ``entries`` was set.
        entries: values that nobody changes any more, in the order of the table.
    """

    anew: bool
    gone: set[str]
    entries: dict[str, V]


class TrackedTable(dict[str, V], Generic[V]):
    """A dict that knows which of its entries have changed.

    A value that is changed in place is told by :meth:`touch`.

    Attributes:
        version: another after each change.
    """

    def __init__(self, entries: Mapping[str, V] | Iterable[tuple[str, V]] = ()) -> None:
        super().__init__(entries)
        self._changed: dict[str, None] = dict.fromkeys(self)
        self._gone: set[str] = set()
        self._anew = True
        self.version = 0

    def touch(self, key: str) -> None:
        """Note that the value of ``key`` was changed in place."""
        self._changed[key] = None
        self.version += 1

    def __setitem__(self, key: str, value: V) -> None:
        self.touch(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._changed.pop(key, None)  # set again it stands at the end
        self._gone.add(key)
        self.version += 1

    def pop(self, key: str, default: V | None = None) -> V | None:  # type: ignore[override]
        """Remove an entry and return it, or ``default``."""
        found = self.get(key, default)
        if key in self:
            del self[key]
        return found

    def setdefault(self, key: str, default: V) -> V:
        """Return an entry, made of ``default`` when there was none."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, other: Mapping[str, V]) -> None:  # type: ignore[override]
        """Set all entries of another table."""
        for key, value in other.items():
            self[key] = value

    def __ior__(self, other: Mapping[str, V]) -> Self:  # type: ignore[override,misc]
        self.update(other)
        return self

    def popitem(self) -> tuple[str, V]:
        """Remove the last entry and return it."""
        key = next(reversed(self))
        value = self[key]
        del self[key]
        return key, value

    def clear(self) -> None:
        """Remove everything."""
        super().clear()
        self._changed.clear()
        self._gone.clear()
        self._anew = True
        self.version += 1

    def take(self, frozen: Callable[[V], V], *, everything: bool) -> Changes[V]:
        """Return the changes since the last time.

        Args:
            frozen: makes a copy that no later change reaches.
            everything: take all entries, as if nothing were known of the table.
        """
        everything = everything or self._anew
        names = self if everything else self._changed
        changes = Changes(everything, self._gone, {name: frozen(self[name]) for name in names})
        self._changed, self._gone, self._anew = {}, set(), False
        return changes


class EntryTexts(Generic[V]):
    """The text of each entry of a table, for one thread at a time.

    Args:
        encode: gives the text of an entry, its key in it; may raise.

    Attributes:
        texts: key -> text, in the order of the table.
    """

    def __init__(self, encode: Callable[[str, V], str]) -> None:
        self.texts: dict[str, str] = {}
        self._behind = False  # changes were taken, and not or not all of them turned into text
        self._encode = encode

    def take(self, table: TrackedTable[V], frozen: Callable[[V], V]) -> Changes[V]:
        """Return the changes of a table for :meth:`apply`, which is called before the next ones are taken.

        Args:
            table: whose texts these are.
            frozen: makes a copy of a value that no later change reaches.
        """
        changes = table.take(frozen, everything=self._behind)
        self._behind = True
        return changes

    def apply(self, changes: Changes[V]) -> None:
        """Follow the table. When it fails, or is left out, the next changes are all there is."""
        if changes.anew:
            self.texts = {}
        for name in changes.gone:
            self.texts.pop(name, None)
        for name, value in changes.entries.items():
            self.texts[name] = self._encode(name, value)
        self._behind = False
