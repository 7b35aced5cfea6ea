"""Sends that nobody waits for at once (Java's async sends, with ``SendCallback``).

A send whose route and connection are there goes out within the call; each other one, and what is to be
done after a failure, is a task of its producer. They retry as Java's do: after a broken connection or a missing answer
at another broker, never after a broker's refusal. Nothing here imports trio: ``Tasks`` runs the sends.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, TypeVarTuple

import msgspec

from rmqwire.codec.message import Message
from rmqwire.errors import RmqError, TooManyRequests, UsageError
from rmqwire.remoting.channel import trio_ms
from rmqwire.wakeup import AnyThreadArrivals, Arrivals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rmqwire.client.tasks import Tasks
    from rmqwire.producer.accumulator import Accumulator
    from rmqwire.producer.config import ProducerConfig
    from rmqwire.producer.first_attempt import FirstAttempt
    from rmqwire.producer.how import How
    from rmqwire.producer.outgoing import Messages
    from rmqwire.producer.results import SendResult
    from rmqwire.producer.sender import Sender
    from rmqwire.remoting.loan import Borrower

Args = TypeVarTuple("Args")
logger = logging.getLogger(__name__)

CLOSED: Final = "the producer was closed before the send was answered"


class _Failure:
    """What a send has failed by. That handles have no ``__del__`` spares those that succeed its call."""

    __slots__ = ("error", "seen")

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.seen = False

    def __del__(self) -> None:
        if not self.seen:
            logger.warning("a send failed, and nobody has looked at it: %s", self.error)


class SendHandle(msgspec.Struct, eq=False, weakref=True):
    """One send under way.

    Attributes:
        message: what is sent, one message or a batch of them.
        done: whether it has ended.
        result: of a send that has succeeded.
        error: of one that has failed. A failure that nobody has looked at is logged when the handle
            is forgotten.
    """

    message: Messages
    done: bool = False
    result: SendResult | None = None
    _failure: _Failure | None = None
    _over: Arrivals | None = None
    _callbacks: list[Callable[[SendHandle], object]] | None = None
    borrower: ClassVar[Borrower | None] = None  # nobody waits for it in another thread

    @property
    def error(self) -> BaseException | None:
        """What the send has failed by; None while it is under way and when it has succeeded."""
        failure = self._failure
        if failure is None:
            return None
        failure.seen = True
        return failure.error

    async def wait(self) -> SendResult:
        """Wait until it has ended, and return its result.

        Raises:
            RmqError: as ``Producer.send`` does; an error of a selector as it is.
        """
        await self.settled()
        if self.result is None:
            raise self.error or UsageError(CLOSED)
        return self.result

    async def settled(self) -> None:
        """Wait until it has ended, however that is."""
        while not self.done:
            if self._over is None:
                self._over = Arrivals()
            await self._over.wait()

    def add_done_callback(self, callback: Callable[[SendHandle], object]) -> None:
        """Have ``callback`` called with this handle when it has ended, now if it has."""
        if self.done:
            callback(self)
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)

    def end(self, result: SendResult | None, error: BaseException | None) -> None:
        """Take the outcome; not for users."""
        self.result, self.done = result, True
        if error is not None:
            self._failure = _Failure(error)
        if self._over is not None:
            self._over.wake_all()
        if self._callbacks is not None:
            self._call_back(self._callbacks)

    def _call_back(self, callbacks: list[Callable[[SendHandle], object]]) -> None:
        self._callbacks = None
        for callback in callbacks:
            try:
                callback(self)
            except Exception:  # the user's code
                logger.exception("a callback of a send")


class Sent(Protocol):
    """Who hears of a send: a ``SendHandle``, or a call of another thread; hashed by identity."""

    @property
    def message(self) -> Messages:
        """What is sent."""

    @property
    def borrower(self) -> Borrower | None:
        """The thread that waits for it, if it can read the answer itself."""

    def end(self, result: SendResult | None, error: BaseException | None) -> None:
        """Take the outcome."""


class SoonSends:
    """The sends of one producer that are under way.

    Args:
        sender: sends.
        accumulator: puts messages together, where that is wanted.
        config: limits.
        tasks: where the sends run.
    """

    def __init__(
        self, sender: Sender, accumulator: Accumulator, config: ProducerConfig, tasks: Tasks
    ) -> None:
        self._sender = sender
        self._accumulator = accumulator
        self._config = config
        self._tasks = tasks
        self._sizes: dict[Sent, int] = {}  # those that aren't done, bytes of each
        self._begun_bytes = 0
        self._in_tasks = 0  # of them, those sent by a task: what comes after waits behind them
        self._sending = 0  # of those, the ones let through
        self._sending_bytes = 0
        self._left = AnyThreadArrivals()  # called for each that ends
        self._on_answer = self._answered  # made once, not for each of them

    def begin(self, handle: Sent, how: How) -> None:
        """Send; from a task of the loop."""
        mono_ms = int(self._tasks.now_s() * 1000)
        try:
            begun = self.begin_now(handle, how, mono_ms)
        except Exception as failure:  # noqa: BLE001  a selector is the user's code: the handle has it all
            handle.end(None, failure)
        else:
            if not begun:
                self._sizes[handle] = size = _size(handle.message)
                self._begun_bytes += size
                self._in_tasks += 1
                self._tasks.spawn(self._run, handle, how)

    def begin_now(
        self, handle: Sent, how: How, mono_ms: int, borrower: Borrower | None = None
    ) -> bool:
        """Make the first attempt without a task, if it has nothing and nobody to wait for.

        It takes no call of trio's then, unless faults are avoided; else nothing has happened.

        Args:
            handle: has the message.
            how: it is sent.
            mono_ms: the time, of trio's clock.
            borrower: the thread that does this in the loop's place, if it can read the answer itself.

        Raises:
            UsageError: a message that no broker takes, or a wrong queue; an error of a selector.
        """
        config, message, timeout_ms = self._config, handle.message, how.timeout_ms
        if self._in_tasks or (how.soon and config.enable_backpressure_for_async_mode):
            return False
        if timeout_ms is None:
            if config.auto_batch and self._accumulator.takes(message):
                return False
            timeout_ms = config.send_msg_timeout
        if not self._sender.send_now(
            message, how, timeout_ms, mono_ms, self._on_answer, handle, borrower
        ):
            return False
        size = len(message.body) or 1 if isinstance(message, Message) else _size(message)
        self._sizes[handle] = size
        self._begun_bytes += size
        return True

    def _answered(self, first: FirstAttempt) -> None:
        handle: Sent = first.owner
        if first.result is None:
            self._tasks.spawn(self._settle, handle, self._sender.finish, first)
        elif (size := self._sizes.pop(handle, None)) is not None:  # as in _end, for each send
            self._begun_bytes -= size
            handle.end(first.result, None)
            if self._left.waited_for:
                self._left.wake_all()

    def _end(self, handle: Sent, result: SendResult | None, error: BaseException | None) -> None:
        size = self._sizes.pop(handle, None)
        if size is not None:  # else the producer was closed meanwhile
            self._begun_bytes -= size
            handle.end(result, error)
            if self._left.waited_for:
                self._left.wake_all()

    def abandon(self) -> None:
        """End what is still under way: nobody hears its answer any more."""
        for handle in list(self._sizes):
            self._end(handle, None, _closed())

    async def ready(self) -> None:
        """Wait until there is room for another send; see ``Producer.ready``."""
        config = self._config
        while (
            len(self._sizes) >= config.back_pressure_for_async_send_num
            or self._begun_bytes >= config.back_pressure_for_async_send_size
        ):
            await self._left.wait()

    async def finish(self) -> None:
        """Wait until all have ended: each has a time limit."""
        while self._sizes:
            await self._left.wait()

    async def _run(self, handle: Sent, how: How) -> None:
        try:
            await self._settle(handle, self._send, handle, how)
        finally:
            self._in_tasks -= 1

    async def _settle(
        self,
        handle: Sent,
        send: Callable[[*Args], Awaitable[SendResult]],
        *args: *Args,
    ) -> None:
        """Send in some way; the handle has what comes of it."""
        result: SendResult | None = None
        error: BaseException | None = _closed()
        try:
            result, error = await send(*args), None
        except Exception as failure:  # noqa: BLE001  a selector is the user's code: the handle has it all
            error = failure
        finally:
            self._end(handle, result, error)

    async def _send(self, handle: Sent, how: How) -> SendResult:
        """Send in this task, once there is a permit."""
        config, message, timeout_ms = self._config, handle.message, how.timeout_ms
        admitted: int | None = None
        if timeout_ms is None:
            timeout_ms = config.send_msg_timeout
        began = trio_ms()
        try:
            if how.soon and config.enable_backpressure_for_async_mode:
                admitted = await self._admit(_size(message), began + timeout_ms)
            if how.timeout_ms is None and self._accumulator.takes(message):
                return await self._accumulator.send(message, how)
            left_ms = timeout_ms - (trio_ms() - began)
            return await self._sender.send(message, how.within(left_ms))
        finally:
            if admitted is not None:
                self._sending -= 1
                self._sending_bytes -= admitted

    async def _admit(self, size: int, deadline_ms: int) -> int:
        """Wait for a permit for ``size`` bytes, as Java's two semaphores give them; return the size.

        Raises:
            TooManyRequests: none in time.
        """
        config = self._config
        most, most_bytes = (
            config.back_pressure_for_async_send_num,
            config.back_pressure_for_async_send_size,
        )
        while self._sending >= most or self._sending_bytes + size > most_bytes:
            which = "Num" if self._sending >= most else "Size"
            if not await self._left.wait((deadline_ms - trio_ms()) / 1000):
                raise TooManyRequests(f"send message tryAcquire semaphoreAsync{which} timeout")
        self._sending += 1
        self._sending_bytes += size
        return size


def _size(message: Messages) -> int:
    if isinstance(message, Message):
        return len(message.body) or 1
    return sum(len(one.body) or 1 for one in message)


def _closed() -> RmqError:
    error = UsageError(CLOSED)
    error.maybe_stored = True
    return error
