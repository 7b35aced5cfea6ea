"""Bind a TCP port, and say which one it was when that fails."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

from rmqwire.remoting.transport import host_to_resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        at = host_to_resolve(host or ANY)
        return await trio.open_tcp_listeners(port, host=at, backlog=backlog)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{host or ANY}:{port}") from error


@contextmanager
def port_of(setting: str) -> Iterator[None]:
    """Say in errors of binding which setting the port came from, or that it's the address.

    Args:
        setting: name of the setting, such as ``haListenPort``.

    Raises:
        OSError: with the setting in ``filename``.
    """
    try:
        yield
    except OSError as error:
        blamed = setting if error.errno in (errno.EADDRINUSE, errno.EACCES) else "bindAddress"
        raise OSError(error.errno, error.strerror, f"{error.filename} ({blamed})") from error
