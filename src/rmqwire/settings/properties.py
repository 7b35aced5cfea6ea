"""Java's properties files, read and written: the one place that knows their syntax.

As ``java.util.Properties`` reads them: ISO 8859-1, ``\\uXXXX``, the last of two equal keys counts.
A byte order mark, which some editors put in front and Java takes for a part of the first key, is
skipped.

Most files have no escapes. They are read here, because ``javaproperties``, which does everything else,
brings XML and HTTP with it: a twentieth of a server's start.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rmqwire.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

# A line: blanks, a key, then blanks with at most one sign among them, the value. Comments are none.
_LINE: Final = re.compile(
    r"^[ \t\f]*(?![#! \t\f\n]|\Z)([^=: \t\f\n]*)[ \t\f]*[=:]?[ \t\f]*([^\n]*)", re.MULTILINE
)
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: str) -> str:
    """Return the text of a file.

    Raises:
        ConfigError: it can't be read, or isn't a properties file; names it.
    """
    try:
        return _text(Path(path).read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse(text: str) -> dict[str, str]:
    """Return the keys and values of a text.

    Raises:
        ConfigError: an escape that is none.
    """
    if "\\" not in text:
        return dict(_LINE.findall(text.replace("\r", "\n")))
    try:
        return dict(_javaproperties().loads(text))
    except ValueError as error:
        raise ConfigError(f"not a properties file: {error}") from None


def changed(data: bytes, changes: Mapping[str, str]) -> bytes:
    """Return a file's bytes with some keys set; comments, order and all else stay.

    Raises:
        ConfigError: the bytes aren't properties.
    """
    try:
        content = _javaproperties().PropertiesFile.loads(_text(data))
    except ValueError as error:
        raise ConfigError(f"not a properties file: {error}") from None
    for name, value in changes.items():
        content[name] = value
    text: str = content.dumps()
    return text.encode("iso-8859-1")


def dump(values: Mapping[str, str]) -> str:
    """Write a file of these values."""
    text: str = _javaproperties().dumps(values, timestamp=False)
    return text


def _javaproperties() -> ModuleType:
    import javaproperties  # noqa: PLC0415  see above

    return javaproperties


def _text(data: bytes) -> str:
    if data.startswith(_WIDE):
        raise ConfigError("not a properties file: it's UTF-16; save it as UTF-8 or ISO 8859-1")
    return data.removeprefix(codecs.BOM_UTF8).decode("iso-8859-1")
