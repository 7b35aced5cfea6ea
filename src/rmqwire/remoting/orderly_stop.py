"""Servers that end in order: a cancellation from outside only asks them to."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import trio

from rmqwire.errors import only_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


async def serve_until_cancelled(
    run: Callable[[trio.Event, trio.TaskStatus[T]], Awaitable[None]],
    task_status: trio.TaskStatus[T],
) -> None:
    """Serve where nothing is cancelled, and stop when this is.

    Args:
        run: serves, and begins to end when the event is set.
        task_status: started by it.

    Raises:
        Exception: what it failed with.
    """
    stop = trio.Event()
    failure: list[BaseException] = []

    async def shielded() -> None:
        try:
            with trio.CancelScope(shield=True):
                await run(stop, task_status)
        except Exception as error:  # noqa: BLE001  raised bare below
            failure.append(only_error(error))
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(shielded)
        try:
            await trio.sleep_forever()
        finally:
            stop.set()
    if failure:
        raise failure[0]
