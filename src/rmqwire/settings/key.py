"""One key of ``broker.conf``: its type, its default and what this broker does with it.

The source of names, types and defaults is the configuration classes of the Java releases
(``BrokerConfig``, ``MessageStoreConfig``, ``AuthConfig``, ``NettyServerConfig``,
``NettyClientConfig``). Java ignores values that it can't parse; here they're a ConfigError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rmqwire.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rmqwire.codec.release import Release

HONOURED: Final = "honoured"  # code reads it
MEANINGLESS: Final = "meaningless"  # has no counterpart here, for the reason given
NOT_YET: Final = "not yet"  # its feature isn't there: one warning when not at the default
REFUSED: Final = "refused"  # going on would be dangerous: no start when not at the default

KINDS: Final = (HONOURED, MEANINGLESS, NOT_YET, REFUSED)

_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "int": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
}
# Java's enum types that come as plain names.
_ENUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "BrokerRole": ("ASYNC_MASTER", "SYNC_MASTER", "SLAVE"),
    "FlushDiskType": ("SYNC_FLUSH", "ASYNC_FLUSH"),
    "CorruptionPolicy": ("refuse", "readonly", "java"),
    "DivergencePolicy": ("stop", "truncate"),
    "HaTlsMode": ("disabled", "permissive", "enforcing"),
    "MessageRequestMode": ("PULL", "POP"),
    "MetricsExporterType": ("DISABLE", "OTLP_GRPC", "PROM", "LOG"),
}
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_RELEASES: Final = ("4.9.7", "5.5.0")

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """A row of the table of keys.

    Args:
        name: Java's name of the key.
        java_type: int, long, double, boolean, String or the name of a Java enum.
        defaults: the default as text by release; a release without the key is left out.
        kind: HONOURED, MEANINGLESS, NOT_YET or REFUSED.
        reason: why, or which feature it belongs to.
    """

    name: str
    java_type: str
    defaults: Mapping[str, str]
    kind: str
    reason: str

    @property
    def attribute(self) -> str:
        """The name of the attribute that holds the value (``brokerIP1`` -> ``broker_ip1``)."""
        return attribute_of(self.name)

    def default(self, release: Release) -> Value:
        """The default in ``release``; a key the release doesn't have takes the other's."""
        text = self.defaults.get(release.name)
        if text is None:
            text = next(iter(self.defaults.values()))
        return None if text == "-" else self.parse("" if text == '""' else text)

    def parse(self, text: str) -> Value:
        """Return the value of ``text``.

        Raises:
            ConfigError: the text isn't a value of the key's type; names key and value.
        """
        text = text.strip()
        if self.java_type in _RANGES:
            return text if text.startswith("${") else self._integer(text)
        if self.java_type == "boolean":
            return self._boolean(text)
        if self.java_type == "double":
            return self._double(text)
        names = _ENUMS.get(self.java_type)
        if names is not None and text not in names:
            raise ConfigError(f"{self.name}={text}: not one of {', '.join(names)}")
        return text

    def _integer(self, text: str) -> int:
        low, high = _RANGES[self.java_type]
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
            return float(text)
        except ValueError:
            raise ConfigError(f"{self.name}={text}: not a number") from None


def attribute_of(name: str) -> str:
    """Turn Java's name of a key into ours: ``registerBrokerTimeoutMills`` becomes snake case."""
    return _CAMEL.sub("_", name).lower()


def group(kind: str, reason: str, rows: str) -> Iterator[ConfigKey]:
    """Read rows of ``name type release default`` that share a kind and a reason."""
    for row in rows.strip().splitlines():
        name, java_type, release, text = row.split(maxsplit=3)
        names = _RELEASES if release == "both" else (release,)
        texts = text.split(" | ") if " | " in text else [text] * len(names)
        yield ConfigKey(name, java_type, dict(zip(names, texts, strict=True)), kind, reason)


def java_text(value: Value) -> str:
    """Write a value as Java's ``Properties`` of a config object show it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
