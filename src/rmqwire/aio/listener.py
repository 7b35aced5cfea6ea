"""Listeners of an asyncio program: called in its loop, though a trio consumer calls them.

A batch of messages crosses once, its status comes back once.
"""

from __future__ import annotations

import asyncio
import inspect
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import trio

from rmqwire.aio.crew import LoopCrew
from rmqwire.aio.returns import returns_of
from rmqwire.bridge.engine import EngineStopped, shared_engine
from rmqwire.consumer.working.elsewhere import Elsewhere
from rmqwire.consumer.working.listener_call import takes_context
from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextvars import Context

    from rmqwire.consumer.working.elsewhere import Hiring


class Loop:
    """The asyncio loop of a face; known once the face is entered. Listeners are called in it."""

    def __init__(self) -> None:
        self.found: asyncio.AbstractEventLoop | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        """Return it.

        Raises:
            UsageError: the face was never entered.
        """
        if self.found is None:
            raise UsageError("the consumer is not open, use it inside `async with`")
        return self.found

    def crew(self, hiring: Hiring) -> LoopCrew:
        """Return workers in it.

        Raises:
            UsageError: the face was never entered.
        """
        return LoopCrew(self, self.get(), hiring)


def in_loop(listener: Callable[..., Any], loop: Loop) -> Elsewhere:
    """Return a listener for the trio consumer that is called in the asyncio loop.

    Args:
        listener: plain or async, of messages or of messages and a context; it sees the context
            variables of whoever subscribed.
        loop: where to call it.

    Raises:
        UsageError: it can't be called so.
    """
    takes_context(listener)
    return Elsewhere(listener, across(listener, loop), copy_context(), loop)


def across(function: Callable[..., Any], loop: Loop) -> Callable[..., Awaitable[Any]]:
    """Return an async function for trio that calls ``function`` in the asyncio loop.

    Args:
        function: plain or async; it sees the context variables of now.
        loop: where to call it.
    """
    variables = copy_context()

    async def call(*args: object) -> object:
        return await _Crossing(function, args, variables).made(loop.get())

    return call


class _Crossing:
    """One call of a function, from the trio thread to the asyncio loop and back."""

    def __init__(
        self, function: Callable[..., Any], arguments: tuple[object, ...], variables: Context
    ) -> None:
        self._function = function
        self._arguments = arguments
        self._variables = variables
        self._over = trio.Event()
        self._back = shared_engine().post
        self._task: asyncio.Task[None] | None = None
        self._result: object = None
        self._error: BaseException | None = None

    async def made(self, loop: asyncio.AbstractEventLoop) -> object:
        """Make it; return what the function returns, raise what it raises."""
        there = returns_of(loop).put
        there(self._start)
        try:
            await self._over.wait()
        except trio.Cancelled:
            there(self._cancel)
            raise
        if self._error is not None:
            raise self._error
        return self._result

    def _start(self) -> None:
        variables = self._variables.copy()
        self._task = asyncio.get_running_loop().create_task(self._call(), context=variables)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _call(self) -> None:
        try:
            result = self._function(*self._arguments)
            self._result = await result if inspect.isawaitable(result) else result
        except asyncio.CancelledError:
            self._error = UsageError("the function was cancelled")
            raise
        except Exception as error:  # noqa: BLE001  raised in the consumer
            self._error = error
        finally:
            with suppress(EngineStopped):  # the consumer has ended
                self._back(self._over.set)
