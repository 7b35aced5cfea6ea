"""Workers that take jobs in turn (the ``ThreadPoolExecutor`` of Java's consume services)."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from rmqwire.client.tasks import Tasks

Job: TypeAlias = Callable[[], Awaitable[None]]

JOBS_PER_CHECKPOINT = 8  # plain listeners never wait: others get a turn after so many


class WorkerPool:
    """Up to ``most`` tasks at work; each goes on until no job is left.

    Args:
        tasks: runs them.
        most: workers at the same time.
    """

    def __init__(self, tasks: Tasks, most: int) -> None:
        self._tasks = tasks
        self._most = most
        self._jobs: deque[Job] = deque()
        self._running = 0
        self._idle = Wakeup()

    def add(self, job: Job) -> None:
        """Have a job done; it raises nothing."""
        self._jobs.append(job)
        if self._running < self._most:
            self._running += 1
            self._tasks.spawn(self._work)

    async def finish(self) -> None:
        """Forget the jobs that nobody has begun, and wait for the others."""
        self._jobs.clear()
        while self._running:
            await self._idle.wait()

    async def _work(self) -> None:
        done = 0
        try:
            while self._jobs:
                await self._jobs.popleft()()
                done += 1
                if done % JOBS_PER_CHECKPOINT == 0:
                    await self._tasks.sleep(0)
        finally:
            self._running -= 1
            if self._running == 0:
                self._idle()
