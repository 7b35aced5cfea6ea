"""White lists of addresses (Java ``RemoteAddressStrategyFactory`` and its five strategies).

::

    *  *.*.*.*  *:*:*:*:*:*:*:*    every address
    127.0.0.1  fe80::1             one
    127.0.0.1,fe80::1              several
    192.168.0.{1,100}  fe80::{1,a} several that differ in the last part
    192.168.1.*  192.168.1-9.*     a part, or a range of it; what stands behind is not looked at
    2::ac5:78:1-200:*              the last part of IPv6, or the last but one

The rules are Java's text by text, oddities included; where matching fails with an exception there
(``*.0.0.1`` accepts nothing and breaks every request) the pattern matches nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import msgspec

from rmqwire.errors import AclError

Matcher = Callable[[str], bool]

EVERY = frozenset(("*", "*.*.*.*", "*:*:*:*:*:*:*:*"))
GROUPS = 8  # of an IPv6 address
DIGITS = 4  # of a group
_JAVA_INT = re.compile(r"[+-]?[0-9a-fA-F]{1,8}", re.ASCII)


def address_matcher(pattern: str | None) -> Matcher:
    """Return what tells whether an address, without its port, is on a white list.

    Raises:
        AclError: it is no pattern.
    """
    if pattern is None or not pattern.strip():
        return _never
    if pattern in EVERY:
        return _always
    if pattern.endswith("}"):
        return _Several(_completed(pattern)).match
    if "," in pattern:
        return _Several(_split(pattern, ",")).match
    if "*" in pattern or "-" in pattern:
        found = _range_6(pattern) if ":" in pattern else _range_4(pattern)
        return _never if found is None else found.match
    if not (_is_4(pattern) or _is_6(pattern)):
        raise AclError(f"Netaddress examine Exception netaddress is {pattern}")
    return _One(expand_ip(pattern, GROUPS)).match


def host_of(peer: str) -> str:
    """Return the address of ``ip:port`` as the patterns see it: no port, no brackets, no ``::ffff:``."""
    host = (peer.rpartition(":")[0] or peer).strip("[]")
    mapped = host.lower().removeprefix("::ffff:")
    return mapped if "." in mapped else host


def expand_ip(address: str, parts: int) -> str:
    """Return an IPv6 address with all its parts and their zeros, in capitals (``expandIP``)."""
    address = address.upper()
    missing = parts - address.count(":")
    if missing > 0:
        address = address.replace("::", ":" * (missing + 1))
    return ":".join(part.rjust(DIGITS, "0") for part in address.split(":"))


def _always(_: str) -> bool:
    return True


def _never(_: str) -> bool:
    return False


class _One(msgspec.Struct, frozen=True):
    """One address, expanded."""

    address: str

    def match(self, address: str) -> bool:
        return expand_ip(address, GROUPS) == self.address


class _Several:
    """A set of addresses; IPv6 expanded."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = set()
        for address in addresses:
            if _is_4(address):
                self._addresses.add(address)
            elif _is_6(address):
                self._addresses.add(expand_ip(address, GROUPS))
            else:
                raise AclError(f"Netaddress examine Exception netaddress is {address}")

    def match(self, address: str) -> bool:
        if _is_6(address):
            address = expand_ip(address, GROUPS)
        return address in self._addresses


def _completed(pattern: str) -> list[str]:
    """Return the addresses of ``192.168.0.{1,100}``."""
    colon = ":" in pattern
    parts = _split(pattern, ":" if colon else ".")
    if not colon and len(parts) < 4:
        raise AclError("MultipleRemoteAddressStrategy has got a/some wrong format IP(s) ")
    if not parts[-1].startswith("{"):
        raise AclError(
            "MultipleRemoteAddressStrategy netaddress examine scope Exception netaddress"
        )
    head = pattern[: pattern.index("{")]
    return [head + tail for tail in _split(parts[-1][1:-1], ",")]


class _Range(msgspec.Struct, frozen=True):
    """A range of one part of the addresses that begin with ``head``."""

    head: str
    start: int
    end: int
    index: int

    def match(self, address: str) -> bool:
        if _is_4(address):
            if not address.startswith(self.head):
                return False
            number = int(address.split(".")[self.index])
        elif _is_6(address):
            expanded = expand_ip(address, GROUPS)
            begin = (DIGITS + 1) * self.index
            text = expanded[begin : begin + DIGITS]
            if not expanded.startswith(self.head) or not _JAVA_INT.fullmatch(text):
                return False
            number = int(text, 16)
        else:
            return False
        return self.start <= number <= self.end


def _range_4(pattern: str) -> _Range | None:
    parts = _split(pattern, ".")
    for index in (1, 2, 3):
        if index >= len(parts):
            raise _scope(pattern)
        found = _bounds(parts[index].strip(), 10, 0xFF)
        if found is None:
            continue
        if len(parts) != 4 or any(
            not 0 <= _int(part.strip()) <= 0xFF for part in parts[: index - 1]
        ):
            raise _scope(pattern)
        head = "".join(part.strip() + "." for part in parts[:index])
        return _Range(head, *found, index)
    return None


def _range_6(pattern: str) -> _Range | None:
    _check_6(pattern)
    parts = _split(pattern, ":")
    for index in range(1, len(parts)):
        found = _bounds(parts[index].strip(), 16, 0xFFFF)
        if found is None:
            continue
        groups = _split(expand_ip(pattern, GROUPS), ":")[: index - 1]
        if any(
            not _JAVA_INT.fullmatch(part) or not 0 <= int(part, 16) <= 0xFFFF for part in groups
        ):
            raise _scope(pattern)
        head = _head_6(pattern)
        return _Range(head, *found, len(_split(head, ":")))
    return None


def _bounds(value: str, base: int, most: int) -> tuple[int, int] | None:
    """Return the range that a part stands for; None when it is no range, or ends at 0 as in Java."""
    if value == "*":
        return 0, most
    if "-" not in value:
        return None
    if value.startswith("-"):
        raise AclError(
            f"RangeRemoteAddressStrategy netaddress examine scope Exception value {value} "
        )
    bounds = _split(value, "-")
    if len(bounds) < 2:
        raise _scope(value)
    start, end = _int(bounds[0], base), _int(bounds[1], base)
    if not 0 <= start <= end <= most:
        raise AclError(
            "RangeRemoteAddressStrategy netaddress examine scope Exception "
            f"start is {start} , end is {end}"
        )
    return (start, end) if end > 0 else None


def _check_6(pattern: str) -> None:
    """Refuse a ``*`` that isn't the end, and a range before the part before it (``IPv6AddressCheck``)."""
    star, minus = pattern.find("*"), pattern.find("-")
    if star > -1 and star != len(pattern) - 1:
        raise _scope(pattern)
    if minus > -1:
        last = pattern.rfind(":")
        if minus <= (last if star == -1 else pattern.rfind(":", 0, last)):
            raise _scope(pattern)


def _head_6(pattern: str) -> str:
    """Return what stands before the range, expanded (``v6ipProcess``)."""
    head = pattern.rpartition(":")[0]
    if "*" in pattern and "-" in pattern:
        return expand_ip(head.rpartition(":")[0], 6)
    return expand_ip(head, 7)


def _scope(pattern: str) -> AclError:
    return AclError(f"Netaddress examine scope Exception netaddress is {pattern}")


def _split(text: str, separator: str) -> list[str]:
    """Split as ``StringUtils.split`` does: no empty parts."""
    return [part for part in text.split(separator) if part]


def _int(text: str, base: int = 10) -> int:
    try:
        return int(text, base) if _JAVA_INT.fullmatch(text) else int("")
    except ValueError:
        raise AclError(f'For input string: "{text}"') from None


def _is_4(address: str) -> bool:
    try:
        IPv4Address(address)
    except ValueError:
        return False
    return True


def _is_6(address: str) -> bool:
    try:
        IPv6Address(address)
    except ValueError:
        return False
    return True
