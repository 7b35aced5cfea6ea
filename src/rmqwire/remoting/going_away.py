"""A server that is about to end sends its clients elsewhere (``NettyRemotingAbstract.isShuttingDown``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec.codes import ResponseCode
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.codec.command import RemotingCommand

V5_3_1: Final = 475  # MQVersion: clients up to here don't know the code


class GoingAway:
    """A hook that carries no request out: its sender connects again, to another server if there is one.

    Older clients, which would take the answer for a failure, are served to the end, as by Java.
    """

    def before_request(self, addr: str, request: RemotingCommand) -> None:
        """Refuse a request.

        Raises:
            Reject: GO_AWAY; nothing was done.
        """
        del addr
        if request.version > V5_3_1:
            raise Reject(ResponseCode.GO_AWAY, "please go away")

    def after_response(
        self, addr: str, request: RemotingCommand, response: RemotingCommand | None
    ) -> None:
        """Do nothing: there is nothing to add to an answer."""
