"""Calling a function again and again for each queue that is this member's.

The counterpart of Java's ``MQPullConsumerScheduleService``.
"""

from __future__ import annotations

import inspect
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from rmqwire.consumer.working.pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from rmqwire.client.tasks import Tasks
    from rmqwire.codec.bodies import MessageQueue

    PullTask: TypeAlias = Callable[[MessageQueue, "PullTaskContext"], Awaitable[object] | object]

DELAY_AFTER_ERROR_MS = 1_000
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class PullTaskContext:
    """What a pull task may set.

    Args:
        pull_next_delay_time_millis: ms until it is called again for the same queue.
    """

    pull_next_delay_time_millis: int = 200


class PullTasks:
    """The pull tasks of one consumer.

    Args:
        tasks: runs them.
        most: calls at the same time.
    """

    def __init__(self, tasks: Tasks, most: int) -> None:
        self._tasks = tasks
        self._pool = WorkerPool(tasks, most)
        self._functions: dict[str, PullTask] = {}
        self._turns: dict[MessageQueue, object] = {}  # another object each time it is taken over

    def register(self, topic: str, function: PullTask) -> None:
        """Call a function for the queues of a topic; it takes the place of the topic's other one."""
        self._functions[topic] = function

    def queues_changed(
        self, topic: str, _queues: Collection[MessageQueue], mine: Collection[MessageQueue]
    ) -> None:
        """Begin with queues that are this member's now, end with others (``putTask``)."""
        for queue in [one for one in self._turns if one.topic == topic and one not in mine]:
            del self._turns[queue]
        for queue in sorted(mine):
            if topic in self._functions and queue not in self._turns:
                turn = self._turns[queue] = object()
                self._pool.add(partial(self._call, queue, turn))

    async def _call(self, queue: MessageQueue, turn: object) -> None:
        """Call the function once, and see to it that it is called again."""
        if self._turns.get(queue) is not turn:
            return
        context = PullTaskContext()
        try:
            result = self._functions[queue.topic](queue, context)
            if inspect.isawaitable(result):
                await result
        except Exception:  # the function is the user's code
            logger.exception("the pull task of %s", queue)
            context.pull_next_delay_time_millis = DELAY_AFTER_ERROR_MS
        self._tasks.spawn(self._call_later, queue, turn, context.pull_next_delay_time_millis)

    async def _call_later(self, queue: MessageQueue, turn: object, delay_ms: int) -> None:
        await self._tasks.sleep(max(delay_ms, 0) / 1000)
        self._pool.add(partial(self._call, queue, turn))
