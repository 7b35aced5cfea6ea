"""Leaving a block that holds a nursery of ours without wrapping the block's own error.

A trio nursery puts whatever leaves its block into an ExceptionGroup. Its users are to see
``except TopicNotExist`` match around ``async with Producer(...)`` too, so that the nurseries of our
objects are told of nothing but cancellations, which have to pass through the scopes opened here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import trio

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    Raised: TypeAlias = tuple[
        type[BaseException] | None, BaseException | None, TracebackType | None
    ]


async def close_scope(
    scope: AbstractAsyncContextManager[object, bool | None],
    kind: type[BaseException] | None,
    error: BaseException | None,
    traceback: TracebackType | None,
) -> bool:
    """Leave ``scope``; an error of the caller's block goes its own way round it.

    Args:
        scope: an entered nursery manager, cancelled already, or an object that holds one.
        kind: these three as ``__aexit__`` got them.
        error: see ``kind``.
        traceback: see ``kind``.

    Returns:
        what the caller's ``__aexit__`` gives: whether the cancellation ended here.
    """
    raised: Raised = (kind, error, traceback) if _holds_cancellation(error) else (None, None, None)
    swallowed = await scope.__aexit__(*raised)
    return bool(swallowed) and raised[1] is not None


def _holds_cancellation(error: BaseException | None) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(trio.Cancelled) is not None
    return isinstance(error, trio.Cancelled)
