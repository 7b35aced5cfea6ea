"""Messages of one pull on their way through their listener (Java ``ConsumeRequest``s, all of a pull).

Where nobody looks at each call, and nothing is remembered of what was consumed before, the calls of a pull
are made one after the other, and what they have consumed is told together. A listener that waits hands the
rest on to the next worker before it does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

from rmqwire.client.message_ext import begin_all
from rmqwire.consumer.listener import ConsumeConcurrentlyContext, ConsumeStatus
from rmqwire.consumer.working.listener_call import Outcome
from rmqwire.consumer.working.stepping import Begun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.client.tasks import Tasks
    from rmqwire.clock import WallMs
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.reading.process_queue import ProcessQueue
    from rmqwire.consumer.working.listener_call import ListenerCall
    from rmqwire.consumer.working.pool import WorkerPool

Told: TypeAlias = ConsumeStatus | Outcome[ConsumeStatus] | None

TURN_MS = 2  # others get a turn after listeners that never wait have had so long
_SUCCESS = ConsumeStatus.CONSUME_SUCCESS
_NOTHING = -1


@dataclass(slots=True)
class Run:
    """Messages of one topic and pull; any thread may take some.

    Args:
        messages: at least one.
        process_queue: holds them until they are finished.
        queue: they are from.
        size: messages of a call at most.

    Attributes:
        topic: of all of them.
        starts: where in ``messages`` each call begins that nobody has taken.
        offered: whether a worker is to come for the rest.
    """

    messages: list[MessageExt]
    process_queue: ProcessQueue
    queue: MessageQueue
    size: int
    topic: str = field(init=False)
    starts: deque[int] = field(init=False)
    offered: bool = False

    def __post_init__(self) -> None:
        self.topic = self.messages[0].topic
        self.starts = deque(range(0, len(self.messages), self.size))


class RunEnds(Protocol):
    """What is told how the messages of a run went."""

    def consumed(self, run: Run, first: int, end: int, calls: int, took_ms: int) -> None:
        """Take note that messages are consumed: of one call or of several, one after the other."""

    async def judge(
        self,
        run: Run,
        at: int,
        told: Told,
        context: ConsumeConcurrentlyContext | None,
        took_ms: int,
    ) -> None:
        """Do what one call's end asks for, whatever it is; None: nobody was called, call its listener."""


class Runs:
    """Calls plain listeners, and async ones of this loop, for one consumer.

    Args:
        listeners: listeners by topic; looked at for each call.
        pool: workers.
        tasks: gives others a turn.
        ends: is told how it went.
        wall_ms: the wall clock, ms since the epoch.
    """

    def __init__(
        self,
        listeners: Mapping[str, ListenerCall[ConsumeStatus]],
        pool: WorkerPool,
        tasks: Tasks,
        ends: RunEnds,
        wall_ms: WallMs,
    ) -> None:
        self._listeners = listeners
        self._pool = pool
        self._tasks = tasks
        self._ends = ends
        self._wall_ms = wall_ms

    def add(self, run: Run) -> None:
        """Have a run consumed."""
        self._pool.add(partial(self._work, run))

    async def _work(self, run: Run) -> int:
        """Call the listener as long as calls are left; return how many were made."""
        run.offered = False
        starts, size, topic, held = run.starts, run.size, run.topic, run.process_queue
        consumed, wall_ms = self._ends.consumed, self._wall_ms
        first, end, calls, made = _NOTHING, 0, 0, 0  # what has succeeded and isn't told yet
        began = turn = now = wall_ms()
        while starts and not held.dropped and not self._pool.closed:
            at = starts.popleft()
            some = run.messages[at : at + size]
            begin_all(some, now)
            made += 1
            call, context, told = self._listeners.get(topic), None, None
            if call is not None and call.elsewhere is None:
                context = ConsumeConcurrentlyContext(run.queue) if call.with_context else None
                told = call.start(topic, some, context)
            plain = told is _SUCCESS and context is None
            if plain:
                if first == _NOTHING:
                    first, began, calls = at, now, 0
                end, calls, now = at + size, calls + 1, wall_ms()
                if now - turn < TURN_MS:
                    continue
            if first != _NOTHING:
                consumed(run, first, end, calls, now - began)
                first = _NOTHING
            if plain:
                await self._tasks.sleep(0)
            else:
                await self._end(run, at, call, told, context, now)
            turn = now = wall_ms()
        if first != _NOTHING:
            consumed(run, first, end, calls, now - began)
        return made

    async def _end(
        self,
        run: Run,
        at: int,
        call: ListenerCall[ConsumeStatus] | None,
        told: Told | Begun,
        context: ConsumeConcurrentlyContext | None,
        began: int,
    ) -> None:
        """Wait for a call that isn't over, and do what its end asks for."""
        if told is not _SUCCESS and run.starts and not run.offered:
            run.offered = True  # another worker goes on with it while this one waits
            self._pool.add_first(partial(self._work, run))
        if isinstance(told, Begun):
            told = None if call is None else await call.finish(run.topic, told)
        await self._ends.judge(run, at, told, context, self._wall_ms() - began)
