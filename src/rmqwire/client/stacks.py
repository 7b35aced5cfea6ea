"""What the threads and tasks of a program are doing just now (Java ``UtilAll.jstack``)."""

from __future__ import annotations

import sys
import threading
from inspect import CO_ITERABLE_COROUTINE
from pathlib import PurePath
from types import CoroutineType
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    Place = tuple[FrameType, int]  # and the line where it goes on


def stacks() -> str:
    """Return the stack of each thread, and of each task of trio's that waits, the innermost call first.

    The tasks are those of the event loop that the caller is in, none outside of one.
    """
    names = {one.ident: one.name for one in threading.enumerate()}
    threads = (
        _text(names.get(ident, "?"), f"TID: {ident}", _called(frame))
        for ident, frame in sys._current_frames().items()
    )
    tasks = (_text(f"task {_last(one.name)}", one.name, _awaited(one)) for one in _tasks())
    return "\n".join([*threads, *tasks])


def _tasks() -> Iterator[trio.lowlevel.Task]:
    if not trio.lowlevel.in_trio_run():
        return
    root = trio.lowlevel.current_root_task()
    left = [] if root is None else [root]
    while left:
        task = left.pop()
        yield task
        left += (one for nursery in task.child_nurseries for one in nursery.child_tasks)


def _called(frame: FrameType | None) -> Iterator[Place]:
    while frame is not None:
        yield frame, frame.f_lineno
        frame = frame.f_back


def _awaited(task: trio.lowlevel.Task) -> list[Place]:
    places = list(task.iter_await_frames())
    if places:
        places += _stepped(places[-1][0])
    return places[::-1]


def _stepped(frame: FrameType) -> Iterator[Place]:
    """Go on where a generator makes the steps of a coroutine itself, as that of a listener which waits."""
    steps = frame.f_locals.values() if frame.f_code.co_flags & CO_ITERABLE_COROUTINE else ()
    coro = next((one for one in steps if isinstance(one, CoroutineType)), None)
    while coro is not None:
        inside: FrameType | None = getattr(coro, "cr_frame", None) or getattr(
            coro, "gi_frame", None
        )
        if inside is None:
            return
        yield inside, inside.f_lineno
        coro = getattr(coro, "cr_await", None) or getattr(coro, "gi_yieldfrom", None)


def _text(name: str, told: str, places: Iterable[Place]) -> str:
    lines = [told, *(_where(*place) for place in places)]
    return "".join(f"{name:<40}{line}\n" for line in lines)


def _where(frame: FrameType, line: int) -> str:
    code = frame.f_code
    module = frame.f_globals.get("__name__", "?")
    return f"{module}.{code.co_qualname}({PurePath(code.co_filename).name}:{line})"


def _last(name: str) -> str:
    return name.rpartition(".")[2]
