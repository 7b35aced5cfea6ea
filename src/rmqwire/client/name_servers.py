"""Which name server to ask (the choice in Java's ``NettyRemotingClient``).

A client starts with a random one, stays with it, and goes to the next when it fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from random import Random

_NOT_IN_HOSTS = frozenset(", \t/")


def parse_addresses(text: str) -> list[str]:
    """Split ``host:port;host:port``.

    Raises:
        UsageError: a part that is no ``host:port``.
    """
    addresses = [part.strip() for part in text.split(";") if part.strip()]
    for address in addresses:
        host, _, port = address.rpartition(":")
        if (
            not host
            or set(host) & _NOT_IN_HOSTS
            or not (port.isascii() and port.isdigit())
            or not 0 < int(port) < 65536
        ):
            raise UsageError(f"name server address {address!r} is no host:port")
    return list(dict.fromkeys(addresses))


class NameServers:
    """The name servers of one client and the one it talks to.

    Args:
        addresses: ``host:port`` of each; none while an address server hasn't named any.
        rng: chooses the first one, so that clients spread.
    """

    __slots__ = ("_index", "addresses")

    def __init__(self, addresses: list[str], rng: Random) -> None:
        self.addresses = addresses
        self._index = rng.randrange(len(addresses)) if addresses else 0

    @property
    def current(self) -> str:
        """The one to ask first."""
        return self.addresses[self._index]

    def take(self, addresses: list[str]) -> None:
        """Take other name servers, and stay with the one asked last if it is among them."""
        current = self.current if self.addresses else ""
        self._index = addresses.index(current) if current in addresses else 0
        self.addresses = addresses

    def failed(self, address: str) -> None:
        """Go on to the next one, unless somebody has done so since ``address`` was taken."""
        if address == self.current:
            self._index = (self._index + 1) % len(self.addresses)
