"""Which of this machine's addresses a broker announces (Java ``NetworkUtil.getLocalAddress``).

The rule: the first IPv4 address that isn't loopback and isn't private, else the last IPv4 one,
else the first IPv6 one that isn't private, else the first IPv6 one, else 127.0.0.1. Bridges and
interfaces that are down don't count. IPv6 addresses are announced in brackets.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LOCAL_V4 = re.compile(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL")
_LINK_LOCAL_SCOPE = "20"


def choose_local_address(addresses: Iterable[str]) -> str:
    """Choose the address to announce among ``addresses``, in the order they're given."""
    parsed = [ipaddress.ip_address(text.partition("%")[0]) for text in addresses]
    usable = [address for address in parsed if not address.is_loopback]
    v4 = [address for address in usable if address.version == 4]
    if v4:
        return str(next((a for a in v4 if not _is_internal_v4(str(a))), v4[-1]))
    if usable:
        chosen = next((a for a in usable if not a.is_private and not a.is_link_local), usable[0])
        return f"[{chosen}]"
    return "127.0.0.1"


def _is_internal_v4(address: str) -> bool:
    """Return whether Java's ``UtilAll.isInternalIP`` calls the address internal."""
    first, second = (int(part) for part in address.split(".")[:2])
    return (
        first in (10, 127)
        or (first == 172 and 16 <= second <= 31)
        or (first == 192 and second == 168)
    )


def addresses_of_this_machine(proc: Path = Path("/proc/net")) -> list[str]:
    """List this machine's addresses as Linux shows them under ``proc``; [] where it doesn't.

    Files are read, rather than a socket opened, because only shells may open sockets.
    """
    try:
        fib = (proc / "fib_trie").read_text("ascii")
        routes = (proc / "route").read_text("ascii")
    except OSError:
        return []
    v4 = list(dict.fromkeys(_LOCAL_V4.findall(fib)))
    bridged = [address for address in v4 if _interface_of(address, routes) in _bridges()]
    return [address for address in v4 if address not in bridged] + list(_v6_addresses(proc))


def _interface_of(address: str, routes: str) -> str | None:
    """Name the interface whose network in the routing table holds ``address``."""
    number = int(ipaddress.IPv4Address(address))
    for row in routes.splitlines()[1:]:
        fields = row.split()
        network, mask = (_host_order(fields[column]) for column in (1, 7))
        if mask and number & mask == network:
            return fields[0]
    return None


def _host_order(word: str) -> int:
    """Turn a word of ``/proc/net/route`` (hexadecimal, machine order) into a number."""
    return int.from_bytes(bytes.fromhex(word), "little")


def _bridges(net: Path = Path("/sys/class/net")) -> set[str]:
    return {folder.parent.name for folder in net.glob("*/bridge")}


def _v6_addresses(proc: Path) -> Iterator[str]:
    try:
        text = (proc / "if_inet6").read_text("ascii")
    except OSError:
        return
    for row in text.splitlines():
        digits, _index, _prefix, scope = row.split()[:4]
        if scope != _LINK_LOCAL_SCOPE:
            yield str(ipaddress.IPv6Address(bytes.fromhex(digits)))
