"""Workers of other threads for a trio consumer, which take calls of listeners one after the other.

Calls cross together with all that wait with them, and what they come to goes back together. So a call of a
listener costs no hop of its own, and one that waits, or blocks, keeps nobody but itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from rmqwire.client.message_ext import begin_all
from rmqwire.consumer.listener import ConsumeConcurrentlyContext
from rmqwire.errors import RmqError
from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.consumer.listener import ConsumeStatus
    from rmqwire.consumer.working.elsewhere import Hiring, Place, Returned
    from rmqwire.consumer.working.listener_call import ListenerCall
    from rmqwire.consumer.working.runs import Run

TURN_S = 0.002  # so long a worker goes on before it tells what it has done


Work: TypeAlias = "tuple[ListenerCall[ConsumeStatus], list[MessageExt], ConsumeConcurrentlyContext | None, Context]"
"""What calls the listener, the messages, the context if it takes one, and the context variables that it sees."""


async def _fail(error: Exception) -> None:
    raise error


class Crew(ABC):
    """The workers of one consumer in one place.

    Args:
        place: whose listeners they call.
        hiring: what they need of the consumer.
        post: lets the engine call something soon; it raises RmqError once that has ended.
        after_turn: calls something at the end of the engine's turn.
    """

    def __init__(
        self,
        place: Place,
        hiring: Hiring,
        post: Callable[[Callable[[], None]], None],
        after_turn: Callable[[Callable[[], None]], None],
    ) -> None:
        self._place = place
        self._hiring = hiring
        self._post = post
        self._after_turn = after_turn
        self._calling = False  # workers are to be called at the end of the turn
        self._runs: deque[Run] = deque()
        self._closed = False
        self._open = 0  # calls that the engine hasn't heard of
        self._idle = Wakeup()
        self._back: deque[Returned] = deque()
        self._posted = False  # the engine is to look at them

    # --- in the engine

    def put(self, run: Run) -> None:
        """Have a run consumed."""
        if not self._closed:
            self._open += len(run.starts)
            self._runs.append(run)
            if not self._calling:
                self._calling = True
                self._after_turn(self._call)  # once all that has come with this one is here

    def _call(self) -> None:
        self._calling = False
        self._call_workers()

    @abstractmethod
    def _call_workers(self) -> None:
        """See that a worker comes for the runs."""

    @abstractmethod
    async def stay(self) -> None:
        """Be there until this is cancelled: then give up what can be given up, and wait for the rest."""

    async def finish(self) -> None:
        """Begin no more calls, and wait for those that are under way."""
        self._closed = True
        for run in self._runs.copy():
            with suppress(IndexError):
                while True:
                    run.starts.popleft()
                    self._open -= 1
        while self._open:
            await self._idle.wait()

    def drain(self) -> None:
        """Tell the consumer of all calls that are over."""
        self._posted = False
        calls: list[Returned] = []
        with suppress(IndexError):
            while True:
                calls.append(self._back.popleft())
        if calls:
            self._open -= len(calls)
            try:
                self._hiring.returned(calls)
            except Exception as error:  # noqa: BLE001  raised in the consumer, this is the engine's own turn
                self._hiring.spawn(partial(_fail, error))
            if not self._open:
                self._idle()

    # --- where the listeners are called

    def _tell(self) -> None:
        """Have the engine hear of the calls that are over."""
        if self._back and not self._posted:
            self._posted = True
            with suppress(RmqError):  # it has ended, and the consumer with it
                self._post(self.drain)

    def _next(self) -> Run | None:
        """Return the first run that has calls left."""
        runs = self._runs
        while runs:
            if runs[0].starts:
                return runs[0]
            runs.popleft()
        return None

    def _work_of(self, run: Run, at: int, wall_ms: int) -> Work | None:
        """Return what is to be done; None, and the engine hears of it, when it isn't this place's matter."""
        call = self._hiring.listeners.get(run.topic)
        elsewhere = None if call is None else call.elsewhere
        there = None if call is None else call.there
        if (
            elsewhere is None
            or there is None
            or elsewhere.place is not self._place
            or run.process_queue.dropped
        ):
            self._back.append((run, at, None, None, 0.0))
            return None
        messages = run.messages[at : at + run.size]
        begin_all(messages, wall_ms)
        context = ConsumeConcurrentlyContext(run.queue) if there.with_context else None
        return there, messages, context, elsewhere.variables.copy()
