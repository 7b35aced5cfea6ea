"""The forms of text values: one function each, which returns the text as it is to be held.

All raise ConfigError with the reason alone; key and value are added by the caller.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_network
from typing import TYPE_CHECKING, Final

from rmqwire.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MAX_PORT: Final = 65_535
_MAX_TEXT: Final = 4096  # characters of one value
_LAST_HOUR: Final = 23
_NAME: Final = re.compile(r"[%|a-zA-Z0-9_.:@#$-]{1,255}")  # a broker is named after its host
_DELAY: Final = re.compile(r"[0-9]{1,9}[smhd]")
_HOUR: Final = re.compile(r"[0-9]{1,2}")
_SHELL_WORD: Final = re.compile(r"^~|\$\{[^}]*\}?|\$[A-Za-z_]\w*")


def text(value: str) -> str:
    """Take one line of text without control characters."""
    if len(value) > _MAX_TEXT or any(ord(char) < 0x20 or char == "\x7f" for char in value):
        raise ConfigError("too long, or a control character in it")
    return value


def name(value: str) -> str:
    """Take a broker's or cluster's name: both become topics, and so folders of the store."""
    if _NAME.fullmatch(value) is None or ".." in value:
        raise ConfigError("a name has 1 to 255 of the characters a-z A-Z 0-9 _ - . : @ # $ % |")
    return value


def delays(value: str) -> str:
    """Take the list of delays by level."""
    words = value.split()
    if not words or not all(_DELAY.fullmatch(word) for word in words):
        raise ConfigError("not a list of delays such as 1s 5m 2h")
    return value


def hours(value: str) -> str:
    """Take hours of the day with ``;`` between them (``UtilAll.isItTimeToDo``).

    Java's cleaning fails every time at text that is no number, and waits for ever for hour 25.
    """
    words = [word.strip() for word in value.split(";")]
    if not all(_HOUR.fullmatch(word) and int(word) <= _LAST_HOUR for word in words):
        raise ConfigError("not an hour from 00 to 23, or several with ; between them")
    return ";".join(words)


def path(value: str) -> str:
    """Take a path as it's written.

    Variables and ``~`` are refused: nothing replaces them, so with Java they become folders of
    that name.
    """
    text(value)
    word = _SHELL_WORD.search(value)
    if word is not None:
        raise ConfigError(f"{word[0]} isn't replaced by anything in this file: write the path out")
    return value


def folder(value: str) -> str:
    """Take the path of a folder that a store has for itself."""
    if not value.strip("/"):
        raise ConfigError("not a folder that a store can have for itself")
    return path(value)


def log_folder(value: str) -> str:
    """Take the folder of the commit log."""
    if "," in value:
        raise ConfigError("a commit log in several folders is not supported: name one")
    return folder(value)


def host(value: str) -> str:
    """Take an address or a name to tell others; IPv6 addresses get the brackets they need."""
    if re.search(r"[\s,;/]", value):
        raise ConfigError("not one address or host name")
    try:
        return f"[{IPv6Address(value.partition('%')[0])}]"
    except ValueError:
        return value


def addresses(value: str) -> str:
    """Take a list ``host:port;host:port``; the remark is Java's."""
    if not value:
        return value
    for addr in value.rstrip(";").split(";"):
        host_text, _, port = addr.strip().rpartition(":")
        good = bool(host_text) and port.isascii() and port.isdigit() and int(port) <= _MAX_PORT
        if not good or re.search(r"[\s,]", host_text):
            raise ConfigError(
                f"The Name Server Address[{value}] illegal, please set it as follows, "
                '"127.0.0.1:9876;192.168.0.1:9876"'
            )
    return value


def networks(value: str) -> str:
    """Take IP addresses and networks with commas or semicolons between them."""
    for entry in re.split("[,;]", value):
        try:
            if entry.strip():
                ip_network(entry.strip(), strict=False)
        except ValueError as error:
            raise ConfigError(str(error)) from None
    return value


FORMS: Final[Mapping[str, Callable[[str], str]]] = {
    "text": text,
    "name": name,
    "delays": delays,
    "hours": hours,
    "path": path,
    "folder": folder,
    "log folder": log_folder,
    "host": host,
    "addresses": addresses,
    "networks": networks,
}
