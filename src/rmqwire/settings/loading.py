"""Reading a configuration by its table of keys: what is refused, what is warned of, values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.errors import ConfigError
from rmqwire.settings.key import HONOURED, MEANINGLESS, REFUSED
from rmqwire.settings.secret import shown
from rmqwire.settings.values import ANY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.codec.release import Release
    from rmqwire.settings.key import ConfigKey
    from rmqwire.settings.values import Value


def judge(
    properties: Mapping[str, str], keys: Mapping[str, ConfigKey], release: Release
) -> list[str]:
    """Refuse what must be refused; return one warning line per kind of ignored key.

    Args:
        properties: key -> text, of the file and the command line.
        keys: the table.
        release: whose defaults make no difference.

    Raises:
        ConfigError: a refused key; names it and says why.
    """
    warnings, unknown, meaningless = [], [], []
    for name, text in properties.items():
        key = keys.get(name)
        if key is None:
            unknown.append(name)
        elif key.kind == HONOURED or not _differs(key, text, release):
            continue
        elif key.kind == REFUSED:
            raise ConfigError(f"{name}={shown(name, text.strip())}: refused: {key.reason}")
        elif key.kind == MEANINGLESS:
            meaningless.append(name)
        else:
            warnings.append(f"{name}={shown(name, text.strip())}: no effect yet: {key.reason}")
    if unknown:
        warnings.append(f"unknown keys, ignored: {', '.join(sorted(unknown))}")
    if meaningless:
        warnings.append(f"keys without meaning here, ignored: {', '.join(sorted(meaningless))}")
    return warnings


def _differs(key: ConfigKey, text: str, release: Release) -> bool:
    """Return whether a key that no code reads was set to something other than its default."""
    try:
        value = key.parse(text)
        if value == key.default(release):
            return False
        if key.kind != REFUSED or key.values is ANY:
            return True
        key.values.check(key.name, value, text)
    except ConfigError:  # nobody reads it: a value that is none stops nothing but a refused key
        return True
    return False


def value_of(
    key: ConfigKey, properties: Mapping[str, str], release: Release, warnings: list[str]
) -> Value:
    """Return the value of a key: what the properties say, else the default.

    Args:
        key: the key.
        properties: key -> text.
        release: whose default it is.
        warnings: gets a line where another value than the given one is taken.

    Raises:
        ConfigError: a value that can't be used; names key and value.
    """
    if key.name not in properties:
        return key.default(release)
    checked = key.read(properties[key.name])
    if checked.note is not None:
        warnings.append(checked.note)
    return checked.value
