"""Sends that nobody waits for, and transactions, in an asyncio program.

Its twin for threads is written from it by ``tools/make_faces.py``.
"""

from __future__ import annotations

from asyncio import Future, wait
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from rmqwire.aio.face import Face
from rmqwire.bridge.engine import Held, shared_engine
from rmqwire.bridge.sends import SendCall
from rmqwire.errors import UsageError
from rmqwire.producer.producer import Producer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from typing import Unpack

    from rmqwire.bridge.sends import SendOptions
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.codec.message import Message
    from rmqwire.producer.outgoing import Messages
    from rmqwire.producer.results import SendResult
    from rmqwire.producer.selector import MessageQueueSelector
    from rmqwire.producer.transaction import Transaction, TransactionProducer

GIVEN_UP = "the program gave the local transaction up"


class Sending(Face[Producer]):
    """Futures in place of handles."""

    def send_soon(
        self,
        message: Messages,
        *,
        queue: MessageQueue | None = None,
        key: object = None,
        selector: MessageQueueSelector | None = None,
        arg: object = None,
        timeout_ms: int | None = None,
    ) -> Future[SendResult]:
        """Send without waiting now, and return a future of the result.

        An attempt without an answer is repeated at another broker, up to
        retryTimesWhenSendAsyncFailed; what a broker refuses isn't. Any number may be under way:
        ``await producer.ready()`` before each keeps it within limits.

        Args:
            message: one message, or several of the same topic.
            queue: send to this queue, once.
            key: send to the queue of this key, as ``send`` does.
            selector: choose the queue, once; called with (queues, message, ``arg``).
            arg: for the selector.
            timeout_ms: for all of it, look-ups and retries included; None for sendMsgTimeout.
        """
        options: SendOptions = {
            "queue": queue,
            "key": key,
            "selector": selector,
            "arg": arg,
            "timeout_ms": timeout_ms,
        }
        return self._soon(SendCall(self._inner, message, options, soon=True))

    async def _send(
        self, timeout: float | None, message: Messages, **options: Unpack[SendOptions]
    ) -> SendResult:
        """Send, and wait until it is stored; within ``timeout`` seconds, None for as long as it takes."""
        if timeout is not None:
            return await self._wait(timeout, self._inner.send, message, **options)
        return await self._done(SendCall(self._inner, message, options, soon=False))

    async def send_many(
        self,
        messages: Iterable[Message],
        *,
        in_flight: int = 64,
        key: Callable[[Message], object] | None = None,
    ) -> AsyncIterator[Future[SendResult]]:
        """Send any number of messages, some of them at a time, and tell how each went.

        ::

            async for sent in producer.send_many(messages):
                print(sent.exception() or sent.result())

        Args:
            messages: taken from as there is room.
            in_flight: how many are under way at the same time.
            key: tells the key of a message, for those that must stay in order. Its order is kept as
                long as sends succeed; a single one in flight keeps it always.

        Yields:
            the futures of sends that have ended, in the order of the messages.

        Raises:
            UsageError: less than one in flight.
        """
        if in_flight < 1:
            raise UsageError("in_flight < 1")
        window: deque[Future[SendResult]] = deque()
        for message in messages:
            while len(window) >= in_flight:
                if not window[0].done():
                    await wait([window[0]])
                yield window.popleft()
            window.append(self.send_soon(message, key=None if key is None else key(message)))
        while window:
            if not window[0].done():
                await wait([window[0]])
            yield window.popleft()


class Transacting(Sending):
    """The block of a transaction."""

    @property
    def _transacting(self) -> TransactionProducer:
        return cast("TransactionProducer", self._inner)

    @asynccontextmanager
    async def transaction(self, message: Message) -> AsyncIterator[Transaction]:
        """Send a half message; commit it on leaving, roll it back on an exception.

        Args:
            message: which consumers shall see if the block is left normally.

        Raises:
            UsageError: a message that no broker takes, or a delayed one.
            RmqError: the half message couldn't be sent, or isn't safe: it is rolled back.
        """
        engine, held = shared_engine(), Held(self._transacting.transaction(message))
        transaction = await self._wait(None, engine.enter, held)
        try:
            yield transaction
        except Exception as error:
            await self._wait(None, engine.leave, held, error)
            raise
        except BaseException:  # cancelled, or Ctrl-C
            await self._wait(None, engine.leave, held, UsageError(GIVEN_UP))
            raise
        await self._wait(None, engine.leave, held)
