"""The settings that a server holds: typed where code reads them, as text where it doesn't."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.codec.release import Release
    from rmqwire.settings.key import ConfigKey
    from rmqwire.settings.values import Value


class HeldSettings:
    """Finds and sets the value of any key of a table.

    Args:
        release: whose keys there are.
        properties: what the file and the command line said, as text.
        holders: the objects with the attributes that code reads.
    """

    def __init__(self, release: Release, properties: Mapping[str, str], *holders: object) -> None:
        self._release = release
        self._properties = properties
        self._holders = holders

    def value(self, key: ConfigKey) -> Value:
        """Return a value: as it's held, else as the file says, else the default."""
        for holder in self._holders:
            if hasattr(holder, key.attribute):
                value: Value = getattr(holder, key.attribute)
                return value
        return self._properties.get(key.name, key.default(self._release))

    def set(self, key: ConfigKey, value: Value) -> None:
        """Set a value at every holder that has it."""
        for holder in self._holders:
            if hasattr(holder, key.attribute):
                setattr(holder, key.attribute, value)

    def shown(self, keys: Mapping[str, ConfigKey]) -> dict[str, Value]:
        """Return every key that the release has, with its value, in the table's order."""
        return {
            name: self.value(key)
            for name, key in keys.items()
            if self._release.name in key.defaults
        }
