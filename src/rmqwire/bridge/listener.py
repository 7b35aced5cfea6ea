"""Listeners of other threads, as a trio consumer calls them."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from rmqwire.bridge.engine import in_worker
from rmqwire.consumer.working.listener_call import takes_context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def called_by(
    listener: Callable[..., Any], call: Callable[..., Awaitable[Any]]
) -> Callable[..., Awaitable[Any]]:
    """Return an async listener that takes what ``listener`` takes, and is called through ``call``.

    Raises:
        UsageError: it can't be called as a listener.
    """

    async def with_context(messages: object, context: object) -> object:
        return await call(messages, context)

    async def without(messages: object) -> object:
        return await call(messages)

    return with_context if takes_context(listener) else without


def in_workers(listener: Callable[..., Any]) -> Callable[..., Any]:
    """Return a listener that calls a plain one in a worker thread; an async one as it is.

    Raises:
        UsageError: it can't be called as a listener.
    """
    if inspect.iscoroutinefunction(listener):
        return listener

    async def call(*arguments: object) -> object:
        result = await in_worker(listener, *arguments)
        return await result if inspect.isawaitable(result) else result

    return called_by(listener, call)
