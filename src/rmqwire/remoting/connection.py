"""One connection without its socket: commands in, commands out, what waits for what.

The three verbs of a core without I/O: ``receive_data`` takes what was read, ``data_to_send`` gives
what is to be written, ``expire`` tells the time. Server and client use the same class, because
RocketMQ's brokers send requests to their clients too (transaction checks, rebalance notices).

It never raises for what a peer does. Bytes that are no command close the connection with one
log line; a readable command with bad fields is answered by dispatch.py, opaque and all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire import clock
from rmqwire.codec.codes import ONEWAY_FLAG, RESPONSE_FLAG
from rmqwire.codec.command import decode_frame, encode_command
from rmqwire.codec.host import pack_address
from rmqwire.errors import (
    ProtocolError,
    RemotingTimeout,
    RmqError,
    SendFailed,
    TooManyRequests,
)
from rmqwire.remoting.dispatch import SYSTEM_ERROR, HandlerTable
from rmqwire.remoting.frame_reader import FrameReader
from rmqwire.remoting.limits import DEFAULT_LIMITS, Limits
from rmqwire.remoting.open_requests import Asked, OpenRequests
from rmqwire.remoting.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.stored_answers import ReadStored
    from rmqwire.remoting.handler import OnReply, Taken
    from rmqwire.remoting.open_requests import OpenRequest


class Connection:
    """The state of one connection.

    Args:
        handlers: what answers the peer's requests.
        peer: ``ip:port`` of the other side.
        local: ``ip:port`` of this side.
        limits: sizes, counts, silences.
        mono_ms: monotonic clock, asked only when a request of ours needs a deadline.

    Attributes:
        peer_host: the peer packed as records hold it: IP and port, 8 or 20 bytes.
        closed: nothing is received or accepted for sending any more.
        corked: the shell is in a pass and sends at its end, so nobody needs to be woken; it is not
            reading either.
        shaking_hands: nothing can be said yet: the handshake of TLS isn't over.
        if_silent: what to think of a peer that ends the connection without ever a word.
        requests: ours without an answer yet.
        read_stored: finds the answers to sends, at a client; None: all frames are read one by one.
        on_wake: called when a shell should send, or should see that the connection is closed.
        on_deadline: called when a request of ours begins to wait for its answer.
    """

    __slots__ = (
        "_active", "_handed", "_held", "_limits", "_mono_ms", "_oneways", "_outbox", "_patience", "_reader",
        "close_reason", "closed", "corked", "frames_received", "handlers", "if_silent", "local",
        "on_deadline", "on_wake", "outbox_size", "peer", "peer_host", "peer_v6", "read_stored", "requests",
        "shaking_hands",
    )  # fmt: skip

    def __init__(
        self,
        handlers: HandlerTable,
        peer: str = "",
        *,
        local: str = "",
        limits: Limits = DEFAULT_LIMITS,
        mono_ms: clock.MonoMs = clock.mono_ms,
    ) -> None:
        self.handlers = handlers
        self.peer = peer
        self.peer_host = pack_address(peer)
        self.peer_v6 = len(self.peer_host) > 8
        self.local = local
        self.closed, self.close_reason = False, ""
        self.corked = False
        self.if_silent = ""
        self.read_stored: ReadStored | None = None
        self.on_wake: Callable[[], None] | None = None
        self.on_deadline: Callable[[], None] | None = None
        self.outbox_size = 0
        self.frames_received = 0
        self._limits = limits
        self._mono_ms = mono_ms
        self._reader = FrameReader(limits.max_frame)
        self._held: list[memoryview] = []
        self._outbox: list[bytes] = []
        self._oneways = 0  # oneway requests in the outbox
        self.requests = OpenRequests()
        self._handed = 0  # number of the last request that was handed out for writing
        self._active = True  # something moved since the last expire()
        self._patience = Patience(limits)
        self.shaking_hands = False

    def __repr__(self) -> str:
        return f"<Connection {self.peer}{' closed' if self.closed else ''}>"

    # --- receiving

    def receive_data(self, data: bytes) -> None:
        """Take what was read: answer requests, hand responses to their waiters. Never raises.

        But for what a lane raises: it has taken nothing then, and the connection is to be ended.
        """
        offered = self.offer(data)
        if offered:
            self.go_on(offered, None)

    def offer(self, data: bytes) -> bytes:
        """Take what was read, but for what a lane is to see first: that is returned, for ``go_on``."""
        if self.closed:
            return b""
        self._active = True
        handlers = self.handlers
        try:
            free = not self._held and self.outbox_size <= self._limits.pause_bytes
            if free and handlers.lane is not None and not handlers.hooks:
                return self._reader.join(data)
            if free and self.read_stored is not None:
                self._take_stored(self._reader.join(data), self.read_stored)
                return b""
            frames = self._reader.receive_data(data)
        except ProtocolError as error:
            self.refuse(error)
        else:
            self._answer(frames)
        return b""

    def go_on(self, data: bytes, taken: Taken | None) -> None:
        """Let a lane take what it can of joined bytes, and answer what it hands back.

        Args:
            data: what ``offer`` has returned.
            taken: what the lane has taken of it with those of others; None: ask it.
        """
        lane, size = self.handlers.lane, len(data)
        assert lane is not None
        position = 0
        while True:
            count, position, stop, _ = taken or lane.take([(self, data, position)])[0]
            taken = None
            self.frames_received += count
            if stop > position:
                try:
                    self._process(self._reader.split(data, position, stop))
                except ProtocolError as error:
                    self.refuse(error)
                position = stop
            elif not count:
                break
            if self.closed:
                return
            if position == size or self._held or self.is_full:
                break
        if position < size:  # no lane is asked about it
            try:
                self._answer(self._reader.split(data, position))
            except ProtocolError as error:
                self.refuse(error)

    def _take_stored(self, data: bytes, read: ReadStored) -> None:
        """Hand the plain answers of joined bytes to those who wait for them, and answer all others."""
        found, end = read(data)
        requests = self.requests
        waiting = requests.waiting
        for one in found:
            if (
                self._held
                or len(one) == 2
                or (request := waiting.get(one[2])) is None
                or (on_stored := request.on_stored) is None
            ):
                self._answer([memoryview(data)[one[0] : one[1]]])
            else:
                del waiting[one[2]]
                self.frames_received += 1
                try:
                    on_stored(one)
                except Exception as error:  # noqa: BLE001  as in _call, and the next one is to be told
                    self._callback_failed(error)
            if self.closed:
                return
        if end < len(data):
            self._answer(self._reader.split(data, end))

    def take_stored(self, data: bytes) -> bool:
        """Take what was read if it is nothing but plain answers to sends, else do nothing."""
        read, requests = self.read_stored, self.requests
        if self.closed or self._held or self._reader.pending or read is None:
            return False
        found, end = read(data)
        wanted = requests.who_want(found) if end == len(data) else []
        for on_stored, one in wanted:
            if self.closed:
                break  # by who was told before: all others are told of that
            self._active = True
            self.frames_received += 1
            self._call(on_stored, one)
            requests.waiting.pop(one[2], None)  # not before: it may be interrupted
        return bool(wanted)

    def _answer(self, frames: list[memoryview]) -> None:
        """Answer frames, behind those that are held back."""
        if self._held:
            self._held += frames
        elif frames:
            self._process(frames)

    @property
    def is_full(self) -> bool:
        """So many answers wait to be sent that no more requests are to be answered now."""
        return self.outbox_size > self._limits.pause_bytes

    @property
    def room(self) -> int:
        """Bytes of answers that may yet come before it is full, below 0 when it is."""
        return self._limits.pause_bytes - self.outbox_size

    @property
    def paused(self) -> bool:
        """Requests are held back until the answers before them are sent."""
        return bool(self._held)

    def resume(self) -> None:
        """Go on with the requests that were held back; the shell calls it after it has sent."""
        frames, self._held = self._held, []
        self._process(frames)

    def _process(self, frames: list[memoryview]) -> None:
        handle, pause = self.handlers.handle, self._limits.pause_bytes
        done = 0
        for frame in frames:
            if self.closed:
                return
            if self.outbox_size > pause:
                self._held = frames[done:]
                break
            done += 1
            try:
                command = decode_frame(frame)
            except ProtocolError as error:
                self.refuse(error)
                return
            if command.flag & RESPONSE_FLAG:
                self._deliver(command)
                continue
            response = handle(self, command)
            if response is not None:
                self.reply(command, response)
        self.frames_received += done
        if self._reader.error is not None and not self._held:
            self.refuse(self._reader.error)

    def _deliver(self, command: RemotingCommand) -> None:
        request = self.requests.waiting.pop(command.opaque, None)
        if request is None:
            self.handlers.tell_unmatched(command, self.peer)
        else:
            self._call(request.on_reply, command)

    def _call(self, on_reply: Callable[[Any], None], outcome: object) -> None:
        try:
            on_reply(outcome)
        except Exception as error:  # noqa: BLE001  one answer is the border
            self._callback_failed(error)

    def _callback_failed(self, error: Exception) -> None:
        self.handlers.notices.error(
            "callback", "the callback of a request to %s failed", self.peer, exc=error
        )

    def refuse(self, error: ProtocolError, event: str = "bad frame") -> None:
        """Close the connection for what its peer sent, with one line of the kind ``event``."""
        self.handlers.notices.warning(event, "%s is closed: %s", self.peer, error)
        self.close(str(error))

    # --- sending

    def reply(self, request: RemotingCommand, response: RemotingCommand) -> None:
        """Send the answer to ``request``, now or later; dropped for a oneway request.

        The answer gets the request's opaque and this release's version and language.
        """
        if request.flag & ONEWAY_FLAG or self.closed:
            return
        response.opaque = request.opaque
        response.flag |= RESPONSE_FLAG
        handlers = self.handlers
        response.version = handlers.version
        response.language = handlers.language
        try:
            frame = encode_command(response)
        except RmqError as error:
            handlers.notices.error("bad answer", "answer to %s: %s", self.peer, error)
            frame = encode_command(request.create_response(SYSTEM_ERROR, str(error)))
        self.send_frame(frame)

    def send_frame(self, frame: bytes) -> None:
        """Send a whole frame; dropped when the connection is closed."""
        if self.closed:
            return
        self._outbox.append(frame)
        self.outbox_size += len(frame)
        if self.outbox_size > self._limits.outbox_bytes:
            self._overflow()
        elif not self.corked and self.on_wake is not None:
            self.on_wake()

    def request(
        self, command: RemotingCommand, on_reply: OnReply, timeout_ms: int, silence_ms: int = 0
    ) -> None:
        """Send a request; ``on_reply`` is called once, with the answer or with what went wrong.

        Args:
            command: the request.
            on_reply: gets the answer, a RemotingTimeout or a SendFailed; may run inside this call.
            timeout_ms: how long to wait for the answer.
            silence_ms: what to say that nothing came for, when nothing did while it waited: the
                connection is closed then. 0: it isn't.

        Raises:
            TooManyRequests: too many wait for answers.
            UsageError: a request with this opaque is waiting.
            ProtocolError: the command can't be encoded.
        """
        frame, deadline = encode_command(command), self._mono_ms() + timeout_ms
        if not self.closed:
            self.requests.check(command.opaque, self._limits.async_requests, self.peer)
            if self.request_frame(command.opaque, frame, Asked(on_reply, deadline, silence_ms)):
                return
            self._overflow()
        self._call(on_reply, self._send_failed(maybe_stored=False))

    def request_frame(self, opaque: int, frame: bytes, request: OpenRequest) -> bool:
        """Send what is written already if it ``can_request``; tell whether it did. Else nothing has happened."""
        limits, size = self._limits, self.outbox_size + len(frame)
        if self.closed or size > limits.outbox_bytes:
            return False
        if not self.requests.add(opaque, request, self.frames_received, limits.async_requests):
            return False
        if self.on_deadline is not None:
            self.on_deadline()
        self._outbox.append(frame)
        self.outbox_size = size
        if not self.corked and self.on_wake is not None:
            self.on_wake()
        return True

    def can_request(self, opaque: int, size: int) -> bool:
        """Return whether a request of so many bytes is accepted and leaves the outbox within limits."""
        limits = self._limits
        room = not self.closed and self.outbox_size + size <= limits.outbox_bytes
        return room and self.requests.accepts(opaque, limits.async_requests)

    def break_off(self, reason: str) -> None:
        """End the connection in the middle of a frame, perhaps: nothing more is sent.

        Those who wait hear of it once its shell says that the connection is lost.
        """
        self.closed = True
        self.close_reason = self.close_reason or reason
        self._held = []
        self._clear_outbox()

    def forget(self, opaque: int) -> None:
        """Stop waiting for an answer; its callback is not called any more."""
        self.requests.waiting.pop(opaque, None)

    def send_oneway(self, command: RemotingCommand) -> None:
        """Send a request that has no answer; dropped when the connection is closed.

        Raises:
            TooManyRequests: too many are unsent.
            ProtocolError: the command can't be encoded.
        """
        if self.closed:
            return
        if self._oneways >= self._limits.oneway_requests:
            raise TooManyRequests(
                f"send request too fast: {self._oneways} oneway requests are unsent", self.peer
            )
        command.mark_oneway()
        self._oneways += 1
        self.send_frame(encode_command(command))

    def _overflow(self) -> None:
        size = self.outbox_size
        self._clear_outbox()
        self.handlers.notices.warning(
            "slow reader", "%s is closed: %s bytes wait, it does not read", self.peer, size
        )
        self.close("the peer does not read")

    def data_to_send(self) -> bytes:
        """Return everything that is to be written now, and forget it."""
        outbox = self._outbox
        if not outbox:
            return b""
        data = outbox[0] if len(outbox) == 1 else b"".join(outbox)
        self._clear_outbox()
        self._handed = self.requests.last
        self._active = True
        return data

    def _clear_outbox(self) -> None:
        self._outbox = []
        self.outbox_size = 0
        self._oneways = 0

    # --- time and end

    @property
    def restless(self) -> bool:
        """Something besides silence may soon be due: an answer, a frame's rest, a handshake's end."""
        return bool(self.requests.waiting) or self.shaking_hands or bool(self._reader.pending)

    def expire(self, mono_ms: int) -> None:
        """Let run out what is due: requests without answer, an idle connection, a frame too slow."""
        if self.closed:
            return
        for request in self.requests.take_due(mono_ms):
            self._call(request.on_reply, RemotingTimeout("no answer in time from", self.peer))
            if request.silence_ms and self.frames_received == request.frames:
                self.close(f"nothing came for {request.silence_ms} ms")
        overdue = self._patience.overdue(
            mono_ms,
            self.frames_received,
            active=self._active,
            in_handshake=self.shaking_hands,
            in_frame=bool(self._reader.pending) and not self.corked,
        )
        self._active = False
        if overdue is not None and not self.closed:
            event, reason = overdue
            self.handlers.notices.info(event, "%s is closed: %s", self.peer, reason)
            self.close(reason)

    def close(self, reason: str = "closed") -> None:
        """End the connection: what is in the outbox may still be sent, nothing else."""
        if self.closed:
            return
        self.closed = True
        self.close_reason = reason
        self._held = []
        self._fail_waiting()
        if self.on_wake is not None:
            self.on_wake()

    def connection_lost(self) -> None:
        """Tell that the stream is gone: all waiting requests fail with SendFailed."""
        if self.shaking_hands and not self.closed:
            self.handlers.notices.warning("TLS", "%s hung up in the handshake of TLS", self.peer)
        self.closed = True
        self._held = []
        self._clear_outbox()
        self._fail_waiting()

    def _fail_waiting(self) -> None:
        # what is in the outbox may still be sent
        handed = self.requests.last if self._outbox else self._handed
        for request in self.requests.take_all():
            failed = self._send_failed(maybe_stored=request.number <= handed)
            self._call(request.on_reply, failed)

    def _send_failed(self, *, maybe_stored: bool) -> SendFailed:
        reason = self.close_reason or ("" if self.frames_received else self.if_silent)
        reason = f" ({reason})" if reason else ""
        return SendFailed(
            f"the connection ended before the answer{reason}", self.peer, maybe_stored=maybe_stored
        )
