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
    """Return the stack of each thread and of each task, the innermost call first.

    The tasks are those of trio's loop that the caller is in, if it is in one, and of asyncio's loops.
    """
    names = {one.ident: one.name for one in threading.enumerate()}
    threads = (
        _text(names.get(ident, "?"), f"TID: {ident}", _called(frame))
        for ident, frame in sys._current_frames().items()
    )
    tasks = (
        _text(f"task {_last(one.name)}", one.name, _innermost_first(one.iter_await_frames()))
        for one in _tasks()
    )
    beside = (
        _text(
            f"task {name}",
            getattr(coro, "__qualname__", str(coro)),
            _innermost_first(_awaits(coro)),
        )
        for name, coro in _tasks_of_asyncio()
    )
    return "\n".join([*threads, *tasks, *beside])


def _tasks() -> Iterator[trio.lowlevel.Task]:
    if not trio.lowlevel.in_trio_run():
        return
    root = trio.lowlevel.current_root_task()
    left = [] if root is None else [root]
    while left:
        task = left.pop()
        yield task
        left += (one for nursery in task.child_nurseries for one in nursery.child_tasks)


def _tasks_of_asyncio() -> Iterator[tuple[str, object]]:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return
    running = asyncio.base_events.BaseEventLoop.run_forever.__code__
    for innermost in sys._current_frames().values():
        for frame, _ in _called(innermost):
            if frame.f_code is running:
                for task in asyncio.all_tasks(frame.f_locals["self"]):
                    yield task.get_name(), task.get_coro()


def _called(frame: FrameType | None) -> Iterator[Place]:
    while frame is not None:
        yield frame, frame.f_lineno
        frame = frame.f_back


def _innermost_first(awaited: Iterable[Place]) -> list[Place]:
    places = list(awaited)
    if places:
        places += _stepped(places[-1][0])
    return places[::-1]


def _stepped(frame: FrameType) -> Iterator[Place]:
    """Go on where a generator makes the steps of a coroutine itself, as that of a listener which waits."""
    steps = frame.f_locals.values() if frame.f_code.co_flags & CO_ITERABLE_COROUTINE else ()
    yield from _awaits(next((one for one in steps if isinstance(one, CoroutineType)), None))


def _awaits(coro: object) -> Iterator[Place]:
    while coro is not None:
        frame: FrameType | None = getattr(coro, "cr_frame", None) or getattr(coro, "gi_frame", None)
        if frame is None:
            return
        yield frame, frame.f_lineno
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
