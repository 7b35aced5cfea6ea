"""What a server's table says of one request code, whichever server it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.codes import RequestCode
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.release import Release
    from rmqwire.remoting.handler import Handler, Peer

P = TypeVar("P")


class RequestRow(msgspec.Struct, Generic[P], frozen=True):
    """One row.

    Args:
        code: the code.
        handler: finds the method that answers it among a server's processors.
        access: what the sender must be allowed to do, and to what: the actions and resources of
            Java's ``RocketMQAction`` and ``RocketMQResource``; "": it must only be known.
        since: ordinal of the first release that knows it (``MQVersion``).
        until: ordinal of the first release that knows it no more; 0: all later ones do.
    """

    code: RequestCode
    handler: Callable[[P], Handler]
    access: str = ""
    since: int = 0
    until: int = 0

    def known_to(self, release: Release) -> bool:
        """Return whether a release has this code."""
        version = release.mq_version
        return self.since <= version and not 0 < self.until <= version


class FirstUse:
    """A handler that is looked for when its first request comes: it may have to be imported.

    Args:
        find: returns the handler.
    """

    __slots__ = ("_find", "_found")

    def __init__(self, find: Callable[[], Handler]) -> None:
        self._find = find
        self._found: Handler | None = None

    def __call__(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        """Answer a request."""
        if self._found is None:
            self._found = self._find()
        return self._found(connection, request)
