"""Bind a TCP port, and say which one it was when that fails."""

from __future__ import annotations

import trio

ANY = "0.0.0.0"  # noqa: S104  bindAddress, Java's default


async def listen(host: str, port: int, backlog: int | None = None) -> list[trio.SocketListener]:
    """Return listeners on an address, bound and listening.

    Args:
        host: address to bind, ``""`` or ``0.0.0.0`` for all.
        port: port to bind, 0 for a free one.
        backlog: connections that may wait to be accepted; None for trio's choice.

    Raises:
        OSError: the address can't be bound; ``filename`` names it.
    """
    try:
        return await trio.open_tcp_listeners(port, host=host or ANY, backlog=backlog)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{host or ANY}:{port}") from error
