"""Workers that take jobs in turn (the ``ThreadPoolExecutor`` of Java's consume services)."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from rmqwire.client.tasks import Tasks

Job: TypeAlias = Callable[[], Awaitable[int | None]]  # returns how many calls it was, None: one

JOBS_PER_CHECKPOINT = 32  # plain listeners never wait: others get a turn after so many
CALLS_PER_CHECKPOINT = 128


class WorkerPool:
    """Up to ``most`` tasks at work; each goes on until no job is left.

    A worker that finds more jobs than its own starts the next one, so that listeners that never wait keep
    one task busy, and those that do soon have as many as they need.

    Args:
        tasks: runs them.
        most: workers at the same time.

    Attributes:
        closed: whether no job is to be begun any more.
    """

    def __init__(self, tasks: Tasks, most: int) -> None:
        self._tasks = tasks
        self._most = most
        self._jobs: deque[Job] = deque()
        self._running = 0
        self._coming = False  # one was started and hasn't looked yet
        self._idle = Wakeup()
        self.closed = False

    def add(self, job: Job) -> None:
        """Have a job done; it raises nothing."""
        self._jobs.append(job)
        self._start()

    def add_first(self, job: Job) -> None:
        """Have a job done before all others that nobody has begun."""
        self._jobs.appendleft(job)
        self._start()

    def _start(self) -> None:
        """Start one more worker, unless one is on its way."""
        if not self._coming and self._running < self._most:
            self._running += 1
            self._coming = True
            self._tasks.spawn(self._work)

    async def finish(self) -> None:
        """Forget the jobs that nobody has begun, and wait for the others."""
        self.closed = True
        self._jobs.clear()
        await self.idle()

    async def idle(self) -> None:
        """Wait until all jobs are done."""
        while self._running:
            await self._idle.wait()

    async def _work(self) -> None:
        jobs, done, calls = self._jobs, 0, 0
        self._coming = False
        try:
            while jobs:
                job = jobs.popleft()
                if jobs:
                    self._start()
                calls += await job() or 1
                done += 1
                if done == JOBS_PER_CHECKPOINT or calls >= CALLS_PER_CHECKPOINT:
                    await self._tasks.sleep(0)
                    done = calls = 0
        finally:
            self._running -= 1
            if self._running == 0:
                self._idle()
