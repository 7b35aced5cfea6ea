"""Which values of a key make sense, and what becomes of the others.

A column of a row says it: ``LOW..HIGH`` (``LOW..``: up to the type's largest) for numbers,
``clamped LOW..HIGH`` where RocketMQ takes the nearest bound for a number outside (and so do we,
saying so), ``A|B|C`` for words, ``<form>`` for text of a form that :mod:`rmqwire.settings.forms`
knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from rmqwire.errors import ConfigError
from rmqwire.settings.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Callable

Value = str | int | float | bool | None
_CLAMPED: Final = "clamped "


class Checked(msgspec.Struct):
    """A value that is taken, and a note when it isn't the one that was given."""

    value: Value
    note: str | None = None


class Values(Protocol):
    """A set of values that make sense."""

    def check(self, name: str, value: Value, text: str) -> Checked:
        """Return the value to take for ``value``.

        Args:
            name: of the key, for errors.
            value: what was given, of the key's type.
            text: the same as it was given, for errors.

        Raises:
            ConfigError: it makes no sense; names key and value.
        """
        ...

    def __str__(self) -> str:
        """Show the set to a reader, ``""`` for every value."""
        ...


class Anything(msgspec.Struct, frozen=True):
    """Every value of the type."""

    def check(self, name: str, value: Value, text: str) -> Checked:
        """Take the value."""
        del name, text
        return Checked(value)

    def __str__(self) -> str:
        """Say nothing: there is nothing to say."""
        return ""


ANY: Final = Anything()


class Range(msgspec.Struct, frozen=True):
    """Numbers between two bounds, both of them included; with ``clamps`` others go to a bound."""

    low: int
    high: int
    clamps: bool = False

    def check(self, name: str, value: Value, text: str) -> Checked:
        """Take a number within the bounds, or the nearest bound where the key clamps."""
        if not isinstance(value, int) or self.low <= value <= self.high:
            return Checked(value)
        if not self.clamps:
            raise ConfigError(f"{name}={text}: outside {self.low} to {self.high}")
        taken = min(max(value, self.low), self.high)
        return Checked(taken, f"{name}={text}: taken as {taken}, as RocketMQ does")

    def __str__(self) -> str:
        """Show the bounds."""
        text = f"{self.low} to {self.high}"
        return f"{text}, others as the nearest" if self.clamps else text


class Words(msgspec.Struct, frozen=True):
    """Some words."""

    words: tuple[str, ...]

    def check(self, name: str, value: Value, text: str) -> Checked:
        """Take one of the words."""
        if value not in self.words:
            raise ConfigError(f"{name}={text}: not one of {', '.join(self.words)}")
        return Checked(value)

    def __str__(self) -> str:
        """Show the words."""
        return ", ".join(self.words)


class Form(msgspec.Struct, frozen=True):
    """Text of a form; ``read`` returns it as it is to be held."""

    name: str
    read: Callable[[str], str]

    def check(self, name: str, value: Value, text: str) -> Checked:
        """Take text of the form."""
        try:
            return Checked(self.read(str(value)))
        except ConfigError as error:
            raise ConfigError(f"{name}={text}: {error}") from None

    def __str__(self) -> str:
        """Name the form."""
        return self.name


def parse_values(text: str, highest: int) -> Values:
    """Read a column of a row.

    Args:
        text: the column.
        highest: the largest number of the key's type.
    """
    if text.startswith("<"):
        name = text.strip("<>")
        return Form(name, FORMS[name])
    if ".." not in text:
        return Words(tuple(text.split("|")))
    low, _, high = text.removeprefix(_CLAMPED).partition("..")
    return Range(int(low), int(high) if high else highest, clamps=text.startswith(_CLAMPED))
