"""Calling an async function as far as it goes without waiting.

Most listeners wait for nothing. Whoever calls one learns from this whether it does before it is waited for: then
somebody else takes the next messages meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from types import CoroutineType, coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator


@dataclass(slots=True)
class Begun:
    """A coroutine that waits.

    Args:
        coroutine: goes on in the task that has begun it, and nowhere else.
        waits_for: what it gave to that task's loop.
    """

    coroutine: Coroutine[Any, Any, Any]
    waits_for: object


async def _wait_for(something: Awaitable[object]) -> object:
    return await something


def begin(something: object) -> object:
    """Wait for what a function has returned as far as that goes at once.

    Returns:
        what that comes to, ``Begun`` if it waits; ``something`` itself if it isn't to be awaited.
    """
    if type(something) is not CoroutineType:
        if not isawaitable(something):
            return something
        something = _wait_for(something)
    try:
        waits_for = something.send(None)
    except StopIteration as end:
        return end.value
    return Begun(something, waits_for)


def directly(step: Callable[[], object]) -> object:
    """Make a step."""
    return step()


@coroutine
def other_steps(
    begun: Begun, run: Callable[[Callable[[], object]], object] = directly
) -> Generator[Any, Any, Any]:
    """Wait for the rest of a coroutine, and return what it returns.

    Args:
        begun: by this task.
        run: makes each step, in context variables of its own.
    """
    step: Callable[[], object]
    waits_for, rest = begun.waits_for, begun.coroutine
    while True:
        try:
            sent = yield waits_for
        except BaseException as error:  # noqa: BLE001  a cancellation among others: it hears of it
            step = partial(rest.throw, error)
        else:
            step = partial(rest.send, sent)
        try:
            waits_for = run(step)
        except StopIteration as end:
            return end.value
