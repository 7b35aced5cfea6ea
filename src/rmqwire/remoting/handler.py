"""What a handler of requests is, and what it may ask of the connection that brought one.

The ground of this room: whoever answers requests needs no more than this, and no ``Connection``.
RocketMQ: ``NettyRequestProcessor``, ``RPCHook``, and the part of ``ChannelHandlerContext`` in use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.stored_answers import Stored
    from rmqwire.errors import RemotingError

NOT_SET = "not set any response code"  # createResponseCommand(null) leaves it in an answer

OnReply = Callable[["RemotingCommand | RemotingError"], None]
OnStored = Callable[["Stored"], None]  # takes the plain answer to a send


class Peer(Protocol):
    """The other side of a connection, as a handler sees it; hashed by identity.

    Attributes:
        peer: its ``ip:port``.
        peer_host: the same packed as records hold it: IP and port, 8 or 20 bytes.
        closed: nothing is received or accepted for sending any more.
        is_full: so many answers wait to be sent that no more requests are to be answered now.
        room: bytes of answers that may yet come before it is, below 0 when it is.
    """

    peer: str
    peer_host: bytes
    closed: bool

    @property
    def is_full(self) -> bool: ...  # noqa: D102  an attribute

    @property
    def room(self) -> int: ...  # noqa: D102  an attribute

    def reply(self, request: RemotingCommand, response: RemotingCommand) -> None:
        """Send the answer to ``request``, now or later; dropped for a oneway request."""

    def send_frame(self, frame: bytes) -> None:
        """Send an answer that is encoded already; not to be called for a oneway request."""

    def request(self, command: RemotingCommand, on_reply: OnReply, timeout_ms: int) -> None:
        """Send a request; ``on_reply`` is called once, with the answer or with what went wrong."""

    def send_oneway(self, command: RemotingCommand) -> None:
        """Send a request that has no answer."""

    def close(self, reason: str = "closed") -> None:
        """End the connection: what waits to be sent may still leave, nothing else."""


Handler = Callable[[Peer, "RemotingCommand"], "RemotingCommand | None"]


class Patience(Protocol):
    """Who wants to hear of requests that have waited in their socket, because the loop was busy.

    Attributes:
        least_ms: of shorter waits nobody wants to hear.
    """

    @property
    def least_ms(self) -> int: ...  # noqa: D102  an attribute

    def waited(self, waited_ms: int) -> None:
        """Hear how long the requests have waited that are handled next; 0 when they are."""


Input = tuple[Peer, bytes, int]
Taken = tuple[int, int, int, bytes]


class Lane(Protocol):
    """A shorter way for some requests; the handlers answer whatever it hands back.

    What it takes gets the same answers, and leaves the same behind, as if the handlers had it.
    """

    def take(self, inputs: Sequence[Input]) -> Sequence[Taken]:
        """Take the requests that it can at the front of what each connection has brought.

        Args:
            inputs: connections with joined bytes, frames with their length words, the last one perhaps
                incomplete, and where in them the first begins.

        Returns:
            for each connection how many it took; where the first frame begins that it has not
            taken; where those end that it leaves to the handlers before it wants to be asked again, the
            same when no whole frame is left; the answers that leave when all of them are stored.
        """


class Reject(RmqError):
    """A handler's refusal: the request is answered with ``code``, ``remark`` and ``ext_fields``."""

    def __init__(
        self, code: int, remark: str | None = None, ext_fields: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"CODE: {code}  DESC: {remark or ''}")
        self.code = code
        self.remark = remark
        self.ext_fields = ext_fields


class RpcHook(Protocol):
    """What looks at every request before and every answer after it (Java ``RPCHook``)."""

    def before_request(self, addr: str, request: RemotingCommand) -> None:
        """See or change a request; :class:`Reject` answers it without its handler."""

    def after_response(
        self, addr: str, request: RemotingCommand, response: RemotingCommand | None
    ) -> None:
        """See or change an answer; None when it comes later."""
