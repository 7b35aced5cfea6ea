"""The remoting client's shell (Java ``NettyRemotingClient``): one connection per address, shared.

The first call for an address connects; calls that come meanwhile wait for the same attempt. When a
connection ends, all who wait for answers get SendFailed and the next call connects again. Requests
that a server sends us go to the handler table. trio's exceptions stop here.

A cancellation of the caller's block does not break the connections: they end when the block is
left, so that a client can say what it has to say (offsets, farewells) in shielded scopes first.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Self

import trio

from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import (
    RemotingCommand,
    decode_command,
    encode_command,
    next_opaque,
)
from rmqwire.errors import ConnectFailed, RemotingError, RemotingTimeout, SendFailed
from rmqwire.remoting.answer_waiter import AnswerWaiter, silence_after
from rmqwire.remoting.channel import Channel, trio_ms
from rmqwire.remoting.closing import close_scope
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.limits import DEFAULT_LIMITS, Limits
from rmqwire.remoting.open_requests import Asked
from rmqwire.remoting.tls_connect import TlsConnect
from rmqwire.remoting.transport import SocketTransport, format_address, open_tcp_stream
from rmqwire.wakeup import AnyThreadWakeup

if TYPE_CHECKING:
    from types import TracebackType

    from rmqwire.codec.stored_answers import ReadStored
    from rmqwire.remoting.handler import OnReply, RpcHook
    from rmqwire.remoting.loan import Borrower
    from rmqwire.remoting.open_requests import OpenRequest
    from rmqwire.settings.tls import ClientTls

logger = logging.getLogger(__name__)

TICK_MS = 1000  # longest sleep of the housekeeping

GO_AWAY = int(ResponseCode.GO_AWAY)
SUCCESS_ONLY = frozenset((int(ResponseCode.SUCCESS),))

Connect = Callable[[str, int], Awaitable[trio.abc.Stream]]


def expect(
    answer: RemotingCommand, addr: str, codes: frozenset[int] = SUCCESS_ONLY
) -> RemotingCommand:
    """Return an answer if its code is one of those wanted.

    Args:
        answer: what a server said.
        addr: its ``host:port``, for the error.
        codes: the response codes wanted.

    Raises:
        BrokerError: it has another code; raised as the class of that code.
    """
    if answer.code not in codes:
        from rmqwire.broker_errors import broker_error  # noqa: PLC0415  few answers say so

        raise broker_error(answer.code, answer.remark, addr)
    return answer


@contextmanager
def map_exceptions(addr: str, kind: type[RemotingError], what: str) -> Iterator[None]:
    """Turn what trio and the system raise into ``kind``."""
    try:
        yield
    except (trio.BrokenResourceError, trio.ClosedResourceError, OSError, ValueError) as error:
        reason = _reason(error)
        raise kind(f"{what}: {reason}" if reason else what, addr) from error


def _reason(error: BaseException) -> str:
    """Return the words of the system's own error, which trio wraps when it tried addresses in turn."""
    while error.__cause__ is not None:
        error = error.__cause__
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
    if not isinstance(error, OSError):
        return str(error)
    if error.errno is not None and error.errno > 0:  # trio's text repeats the address
        return os.strerror(error.errno)
    return error.strerror or str(error)


def split_address(addr: str) -> tuple[str, int]:
    """Split ``host:port``, IPv6 in brackets or not.

    Raises:
        ValueError: it is no address.
    """
    host, colon, port = addr.strip().rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() else -1
    if not colon or not host or not 0 < number < 65536:
        raise ValueError("not an address of the form host:port")
    return host.strip("[]"), number


async def connect_tcp(host: str, port: int) -> trio.abc.Stream:
    """Connect over plain TCP."""
    return SocketTransport.of(await open_tcp_stream(host, port))


class _Link:
    """What the client knows of one address: connecting, connected, or failed."""

    __slots__ = ("channel", "error", "scope", "settled")

    def __init__(self) -> None:
        self.scope = trio.CancelScope(shield=True)
        self.channel: Channel | None = None
        self.error: str = ""
        self.settled = trio.Event()


class RemotingClient:
    """Send commands to servers by address; use it as ``async with``.

    Args:
        handlers: what answers requests of servers; none means code 3 for all of them.
        limits: of each connection.
        on_connect: called with the address of every new connection.
        on_close: called with every connection that ended.
        version: MQVersion ordinal put into every command, None leaves the command's own.
        serialize_type: 0 JSON, 1 ROCKETMQ, put into every command; None leaves the command's own.
        tls: how to speak TLS; None: plainly.
        connect: how to get a stream to a host and port, e.g. a test's memory streams.
        hooks: see every request before it is sent, such as the one that signs.
        heeds_go_away: a server that is shutting down is left for another behind its address; else its
            answer is an answer like any other (``enableReconnectForGoAway``).

    Raises:
        ConfigError: a certificate can't be used.
    """

    def __init__(  # noqa: PLR0913 - one for each thing that leaves it
        self,
        handlers: HandlerTable | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        on_connect: Callable[[str], None] | None = None,
        on_close: Callable[[Connection], None] | None = None,
        version: int | None = None,
        serialize_type: int | None = None,
        tls: ClientTls | None = None,
        connect: Connect | None = None,
        hooks: Iterable[RpcHook] = (),
        heeds_go_away: bool = True,
    ) -> None:
        self._heeds_go_away = heeds_go_away
        self._handlers = HandlerTable() if handlers is None else handlers
        self._limits = limits
        self._on_connect = on_connect
        self._on_close = on_close
        self._version = version
        self._serialize_type = serialize_type
        self._stamps = version is not None or serialize_type is not None
        self._connect = connect or (connect_tcp if tls is None else TlsConnect(tls))
        self._links: dict[str, _Link] = {}
        self._leaving: list[_Link] = []  # used no more, not ended yet
        self._nursery_manager = trio.open_nursery()
        self._nursery: trio.Nursery | None = None
        self._tick_at = 0  # when the housekeeping wakes, ms
        self._housekeeping_scope = trio.CancelScope(shield=True)
        self.hooks = list(hooks)

    async def __aenter__(self) -> Self:
        self._earlier = AnyThreadWakeup()  # a deadline before the next tick came
        self._nursery = await self._nursery_manager.__aenter__()
        self._nursery.start_soon(self._housekeeping)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        nursery, self._nursery = self._nursery, None
        self._housekeeping_scope.cancel()
        for link in self._all_links():
            link.scope.cancel()
        if nursery is not None:
            nursery.cancel_scope.cancel()
        return await close_scope(self._nursery_manager, kind, error, traceback)

    @property
    def addresses(self) -> list[str]:
        """The addresses with a connection."""
        return [addr for addr, link in self._links.items() if link.channel is not None]

    # --- calls

    async def invoke(
        self, addr: str, command: RemotingCommand, timeout_ms: int = 3000
    ) -> RemotingCommand:
        """Send a request and wait for its answer, whatever its code.

        When none comes in time, nor anything else meanwhile, the connection is closed: its other end
        may be gone without a word, and the next call connects again. Java closes it as well when it
        is only this answer that is slow; the other requests on it would have to be sent twice.

        A server of 5.x that is shutting down answers GO_AWAY, and has done nothing: the request goes
        once more over a new connection, which may lead to another server behind the address. What
        that one answers is the answer.

        Args:
            addr: ``host:port`` of the server.
            command: the request; it is stamped with the client's version and serialization.
            timeout_ms: for connecting and answering together.

        Raises:
            ConnectFailed: no connection to the address.
            SendFailed: the connection ended before the answer.
            RemotingTimeout: no answer in time.
            TooManyRequests: too many wait for answers.
        """
        deadline = trio_ms() + timeout_ms
        channel, left_ms = await self._ready(addr, timeout_ms)
        self._stamp(addr, command)
        response = await self._ask(channel, command, left_ms)
        if response.code == GO_AWAY and self._heeds_go_away:
            self._leave(addr, channel)
            channel, left_ms = await self._ready(addr, deadline - trio_ms())
            again = copy(command)
            again.opaque = next_opaque()
            response = await self._ask(channel, again, left_ms)
            if response.code == GO_AWAY:
                self._leave(addr, channel)
        for hook in self.hooks:
            hook.after_response(addr, command, response)
        return response

    async def _ask(
        self, channel: Channel, command: RemotingCommand, left_ms: int
    ) -> RemotingCommand:
        connection = channel.connection
        waiter = AnswerWaiter(connection, command.opaque)
        self._watch(left_ms)
        connection.request(command, waiter.set, left_ms, silence_after(left_ms))
        return await waiter.wait()

    def _leave(self, addr: str, channel: Channel) -> None:
        """Use a connection for no more requests; those under way may still be answered."""
        link = self._links.get(addr)
        if link is not None and link.channel is channel:
            logger.info("%s is shutting down: connecting again", addr)
            self._leaving.append(self._links.pop(addr))

    async def invoke_async(
        self, addr: str, command: RemotingCommand, on_reply: OnReply, timeout_ms: int = 3000
    ) -> None:
        """Send a request; ``on_reply`` is called once with its answer, RemotingTimeout or SendFailed.

        Args:
            addr: ``host:port`` of the server.
            command: the request.
            on_reply: plain function, called from the connection's task.
            timeout_ms: for connecting and answering together.

        Raises:
            ConnectFailed: no connection to the address.
            RemotingTimeout: connecting took too long.
            TooManyRequests: too many wait for answers.
        """
        channel, left_ms = await self._ready(addr, timeout_ms)
        self._stamp(addr, command)
        self._watch(left_ms)
        channel.connection.request(command, on_reply, left_ms)

    def invoke_now(
        self,
        addr: str,
        opaque: int,
        frame: bytes,
        request: OpenRequest,
        borrower: Borrower | None = None,
    ) -> bool:
        """Send a request if that needs no waiting; tell whether it was sent.

        It isn't where there is no connection, and where too much is under way. A server's GO_AWAY is an
        answer like others. Another thread may do this while the loop sleeps.

        Args:
            addr: ``host:port`` of the server.
            opaque: of the request.
            frame: the whole request.
            request: hears of its answer, or of RemotingTimeout or SendFailed, from the connection's task. It
                waits for the plain answer to a send only if nobody else looks at answers.
            borrower: this thread, if it can read that answer itself (``loan.py``).
        """
        link = self._links.get(addr)
        if link is None or (channel := link.channel) is None:
            return False
        connection = channel.connection
        if self.hooks or self._stamps:
            if not connection.can_request(opaque, len(frame)):
                return False
            frame, request = self._stamped(addr, frame, request)
        elif connection.read_stored is None and request.on_stored is not None:
            connection.read_stored = self._stored_reader()
        if request.deadline_ms < self._tick_at:
            self._earlier()
        try:
            if borrower is not None and request.on_stored is not None:
                if not connection.can_request(opaque, len(frame)):
                    return False
                channel.lend(borrower)
            return connection.request_frame(opaque, frame, request)
        except Exception:
            raise
        except BaseException:  # Ctrl-C: nobody knows how much of the frame was sent
            channel.break_off("a send was interrupted")
            raise

    def _stamped(self, addr: str, frame: bytes, request: OpenRequest) -> tuple[bytes, OpenRequest]:
        """Return what every request gets, and whose answer hooks look at first."""
        command = decode_command(frame)
        self._stamp(addr, command)
        hear = partial(self._answered, addr, command, request.on_reply)
        return encode_command(command), Asked(hear, request.deadline_ms, request.silence_ms)

    def _stored_reader(self) -> ReadStored:
        from rmqwire.codec.stored_answers import stored_reader  # noqa: PLC0415  servers don't send

        return stored_reader(self._limits.max_frame)

    def _answered(
        self,
        addr: str,
        command: RemotingCommand,
        on_reply: OnReply,
        outcome: RemotingCommand | RemotingError,
    ) -> None:
        if isinstance(outcome, RemotingCommand):
            for hook in self.hooks:
                hook.after_response(addr, command, outcome)
        on_reply(outcome)

    async def invoke_oneway(
        self, addr: str, command: RemotingCommand, timeout_ms: int = 3000
    ) -> None:
        """Send a request that has no answer, and wait until the system took its bytes.

        Raises:
            ConnectFailed: no connection to the address.
            SendFailed: the connection broke meanwhile.
            RemotingTimeout: connecting or sending took too long.
            TooManyRequests: too many are unsent.
        """
        channel, left_ms = await self._ready(addr, timeout_ms)
        self._stamp(addr, command)
        channel.connection.send_oneway(command)
        with map_exceptions(addr, SendFailed, "send request failed"):
            with trio.move_on_after(left_ms / 1000) as scope:
                await channel.flush()
        if scope.cancelled_caught:
            raise RemotingTimeout("send request timeout", addr)

    def close_address(self, addr: str) -> None:
        """Close the connection to ``addr``; waiters for answers get SendFailed."""
        link = self._links.get(addr)
        if link is not None and link.channel is not None:
            link.channel.connection.close()

    def _stamp(self, addr: str, command: RemotingCommand) -> None:
        if self._version is not None:
            command.version = self._version
        if self._serialize_type is not None:
            command.serialize_type = self._serialize_type
        for hook in self.hooks:
            hook.before_request(addr, command)

    # --- connections

    async def _ready(self, addr: str, timeout_ms: int) -> tuple[Channel, int]:
        link = self._links.get(addr)
        if link is not None and link.channel is not None and not link.channel.connection.closed:
            return link.channel, timeout_ms
        begin = trio.current_time()
        with trio.move_on_after(timeout_ms / 1000):
            channel = await self._connected(addr)
            return channel, timeout_ms - int((trio.current_time() - begin) * 1000)
        raise RemotingTimeout(f"connect timeout, {timeout_ms} ms", addr, maybe_stored=False)

    async def _connected(self, addr: str) -> Channel:
        nursery = self._nursery
        if nursery is None:
            raise ConnectFailed("the client is closed", addr)
        link = self._links.get(addr)
        if link is None or (link.channel is not None and link.channel.connection.closed):
            link = self._links[addr] = _Link()
            nursery.start_soon(self._run_link, addr, link)
        await link.settled.wait()
        if link.channel is None:
            raise ConnectFailed(link.error, addr)
        return link.channel

    async def _run_link(self, addr: str, link: _Link) -> None:
        """Connect, then serve the connection until it ends; the border nothing of it passes."""
        try:
            with link.scope:
                stream = await self._open(addr)
                await self._serve(addr, link, stream)
        except ConnectFailed as error:
            link.error = error.args[0].removesuffix(f" <{addr}>")
        except Exception as error:
            logger.exception("connection to %s failed", addr)
            link.error = repr(error)
        finally:
            if self._links.get(addr) is link:
                del self._links[addr]
            if link in self._leaving:
                self._leaving.remove(link)
            link.error = link.error or "the client was closed"
            link.settled.set()

    async def _open(self, addr: str) -> trio.abc.Stream:
        connect_ms = self._limits.connect_ms
        with map_exceptions(addr, ConnectFailed, "connect failed"):
            host, port = split_address(addr)
            with trio.move_on_after(connect_ms / 1000):
                return await self._connect(host, port)
        raise ConnectFailed(f"connect failed: no connection within {connect_ms} ms", addr)

    async def _serve(self, addr: str, link: _Link, stream: trio.abc.Stream) -> None:
        transport = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
        local = transport.getsockname() if isinstance(transport, SocketTransport) else ""
        connection = Connection(
            self._handlers, addr, local=local, limits=self._limits, mono_ms=trio_ms
        )
        if transport is stream:
            connection.if_silent = "does the server want TLS?"
        channel = link.channel = Channel(stream, connection, self._limits)
        link.settled.set()
        if self._on_connect is not None:
            self._on_connect(addr)
        try:
            await channel.run()
        finally:
            if self._on_close is not None:
                self._on_close(connection)

    def _all_links(self) -> list[_Link]:
        return [*self._links.values(), *self._leaving]

    # --- time

    def _watch(self, timeout_ms: int) -> None:
        if trio_ms() + timeout_ms < self._tick_at:
            self._earlier()

    async def _housekeeping(self) -> None:
        with self._housekeeping_scope:
            while True:
                now = trio_ms()
                self._tick_at = wake = self._expire(now)
                await self._earlier.wait(wake / 1000 - trio.current_time())

    def _expire(self, now: int) -> int:
        """Tell every connection the time; give when to do it again."""
        wake = (now // TICK_MS + 1) * TICK_MS  # with whatever else has seconds
        for link in self._all_links():
            if link.channel is not None:
                if link.channel.loan is not None:
                    link.channel.loan.end()
                connection = link.channel.connection
                connection.expire(now)
                wake = min(wake, connection.requests.next_look(now) or wake)
        return wake


__all__ = ["RemotingClient", "connect_tcp", "format_address", "map_exceptions", "split_address"]
