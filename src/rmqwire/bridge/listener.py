"""Listeners of plain threads, as a trio consumer has them called."""

from __future__ import annotations

import inspect
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from rmqwire.bridge.engine import in_worker, shared_engine
from rmqwire.consumer.working.elsewhere import Elsewhere
from rmqwire.consumer.working.listener_call import takes_context

if TYPE_CHECKING:
    from collections.abc import Callable


def in_workers(listener: Callable[..., Any]) -> Callable[..., Any]:
    """Return a listener that is called in worker threads if it is a plain one; an async one as it is.

    Raises:
        UsageError: it can't be called as a listener.
    """
    takes_context(listener)
    if inspect.iscoroutinefunction(listener):
        return listener

    async def call(*arguments: object) -> object:
        result = await in_worker(listener, *arguments)
        return await result if inspect.isawaitable(result) else result

    return Elsewhere(listener, call, copy_context(), shared_engine().workers)
