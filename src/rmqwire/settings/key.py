"""One key of a configuration file: its type, its defaults, its values, and what is done with it.

The source of names, types and defaults is the configuration classes of the Java releases
(``BrokerConfig``, ``MessageStoreConfig``, ``NamesrvConfig``, ...). Java ignores values that it
can't parse and finds out later, or never, about those that can't work; here they're a ConfigError.

A row of a table has these columns, two blanks or more between them::

    name  type  4.9.7  5.5  values  live

``4.9.7`` and ``5.5`` are defaults: ``-`` is null, ``.`` says that the release doesn't have the
key, ``(x)`` that it doesn't and behaves as if it were x. ``values`` (see
:mod:`rmqwire.settings.values`) may be left out or ``-``: any value of the type. ``live`` says that
a running server takes a new value: ``live``, or ``live LOW..HIGH`` within narrower bounds.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.errors import ConfigError
from rmqwire.settings.values import ANY, Checked, Range, parse_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rmqwire.codec.release import Release
    from rmqwire.settings.values import Value, Values

HONOURED: Final = "honoured"  # code reads it
MEANINGLESS: Final = "meaningless"  # has no counterpart here, for the reason given
NOT_YET: Final = "not yet"  # its feature isn't there: one warning when not at the default
REFUSED: Final = "refused"  # going on would be dangerous: no start when not at the default

KINDS: Final = (HONOURED, MEANINGLESS, NOT_YET, REFUSED)

_TYPES: Final[Mapping[str, tuple[int, int]]] = {
    "int": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
}
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# What stands above a column of defaults, and the releases that it is of.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "4.9.7": ("4.9.7",),
    "5.5": ("5.5.0", "5.5.1"),
    "5.5.0": ("5.5.0",),
    "5.5.1": ("5.5.1",),
}


class ConfigKey(msgspec.Struct, frozen=True):
    """A row of the table of keys.

    Args:
        name: Java's name of the key.
        java_type: int, long, double, boolean, String or the name of a Java enum.
        defaults: the default as text by release; a release without the key is left out.
        implied: by release without the key, the value it behaves as if it had.
        kind: HONOURED, MEANINGLESS, NOT_YET or REFUSED.
        reason: why, or which feature it belongs to.
        values: which values make sense; of a refused key: which do no harm.
        live: which values a running server takes; None: it takes none.
    """

    name: str
    java_type: str
    defaults: Mapping[str, str]
    implied: Mapping[str, str]
    kind: str
    reason: str
    values: Values = ANY
    live: Values | None = None

    @property
    def attribute(self) -> str:
        """The name of the attribute that holds the value (``brokerIP1`` -> ``broker_ip1``)."""
        return attribute_of(self.name)

    def default(self, release: Release) -> Value:
        """The default in ``release``; of a key that it doesn't have: what it does instead."""
        text = self.defaults.get(release.name, self.implied.get(release.name))
        if text is None:
            text = next(iter(self.defaults.values()))
        if text == "-":
            return None
        return text if text.startswith("${") else self.parse("" if text == '""' else text)

    def read(self, text: str, *, live: bool = False) -> Checked:
        """Return the value of ``text``, and a note if another one is taken in its place.

        Args:
            text: as it stands in a file, on the command line or in an administrator's request.
            live: the server is running.

        Raises:
            ConfigError: it isn't a value of the key's type or makes no sense; names key and value.
        """
        values = self.live if live and self.live is not None else self.values
        return values.check(self.name, self.parse(text), text.strip())

    def parse(self, text: str) -> Value:
        """Return the value of ``text`` by the key's type alone.

        Raises:
            ConfigError: the text isn't a value of the type; names key and value.
        """
        text = text.strip()
        if self.java_type in _TYPES:
            return self._integer(text)
        if self.java_type == "boolean":
            return self._boolean(text)
        if self.java_type == "double":
            return self._double(text)
        return text

    def _integer(self, text: str) -> int:
        low, high = _TYPES[self.java_type]
        if re.fullmatch(r"[+-]?[0-9]{1,20}", text) is None:
            raise ConfigError(f"{self.name}={text}: not a whole number")
        value = int(text)
        if not low <= value <= high:
            raise ConfigError(f"{self.name}={text}: outside {low} to {high}")
        return value

    def _boolean(self, text: str) -> bool:
        lowered = text.lower()
        if lowered not in ("true", "false"):
            raise ConfigError(f"{self.name}={text}: not true or false")
        return lowered == "true"

    def _double(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ConfigError(f"{self.name}={text}: not a number")
        return value


@cache
def attribute_of(name: str) -> str:
    """Turn Java's name of a key into ours: ``registerBrokerTimeoutMills`` becomes snake case."""
    return _CAMEL.sub("_", name).replace(".", "_").lower()


def group(
    kind: str, reason: str, rows: str, columns: tuple[str, ...] = ("4.9.7", "5.5")
) -> Iterator[ConfigKey]:
    """Read rows that share a kind and a reason; ``columns`` are those of their defaults."""
    for row in rows.strip().splitlines():
        name, java_type, *rest = re.split(r"\s{2,}", row.strip())
        texts, more = rest[: len(columns)], rest[len(columns) :]
        defaults: dict[str, str] = {}
        implied: dict[str, str] = {}
        for column, text in zip(columns, texts, strict=True):
            for release in COLUMNS[column]:
                if text.startswith("(") and text.endswith(")"):
                    implied[release] = text[1:-1]
                elif text != ".":
                    defaults[release] = text
        highest = _TYPES.get(java_type, (0, 0))[1]
        values = parse_values(more[0], highest) if more and more[0] != "-" else ANY
        live = _live(more[1], values, highest) if len(more) > 1 else None
        yield ConfigKey(name, java_type, defaults, implied, kind, reason, values, live)


def _live(text: str, values: Values, highest: int) -> Values:
    """Read the last column: ``live``, or ``live LOW..HIGH``."""
    bounds = text.removeprefix("live").strip()
    if not bounds:
        return values
    narrower = parse_values(bounds, highest)
    if isinstance(narrower, Range) and isinstance(values, Range):
        return Range(narrower.low, narrower.high, clamps=values.clamps)
    return narrower


def java_text(value: Value) -> str:
    """Write a value as Java's ``Properties`` of a config object show it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
