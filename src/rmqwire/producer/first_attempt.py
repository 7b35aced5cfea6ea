"""A send's first attempt that has nothing to wait for: no task waits for its answer.

The topic's route, the broker's address and a connection are there, so the request goes out within the
call, and the connection hands the answer to a plain function. What is to be done after a failure needs
a task again: ``Sender.finish``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.errors import RmqError
from rmqwire.producer.results import SendResult, send_result
from rmqwire.remoting.channel import trio_ms
from rmqwire.wakeup import OneWait

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.client.fault_strategy import FaultStrategy
    from rmqwire.client.route_table import TopicPublishInfo
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.errors import RemotingError
    from rmqwire.producer.outgoing import Prepared

GO_AWAY = int(ResponseCode.GO_AWAY)


class FirstAttempt:
    """One request under way.

    Args:
        prepared: what is sent.
        queue: where to.
        addr: ``host:port`` of its broker.
        faults: learns how long brokers take.
        info: the queues that attempts after this one may take; None: there are no others.
        soon: the plan of these attempts is that of ``send_soon``.
        began_ms: when it was made, ms of trio's clock.
        deadline_ms: until when an attempt in place of this one may wait, ms of trio's clock.
        answered: called with this once it is over.

    Attributes:
        result: of a message that was stored.
        error: what went wrong; with no result either the broker was going and has done nothing: the
            same is to be sent once more.
    """

    __slots__ = (
        "_addr",
        "_answered",
        "_faults",
        "began_ms",
        "deadline_ms",
        "error",
        "info",
        "prepared",
        "queue",
        "result",
        "soon",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - all that is to be known later
        self,
        prepared: Prepared,
        queue: MessageQueue,
        addr: str,
        faults: FaultStrategy,
        info: TopicPublishInfo | None,
        soon: bool,
        began_ms: int,
        deadline_ms: int,
        answered: Callable[[FirstAttempt], None],
    ) -> None:
        self.prepared = prepared
        self.queue = queue
        self.info = info
        self.soon = soon
        self.began_ms = began_ms
        self.deadline_ms = deadline_ms
        self.result: SendResult | None = None
        self.error: RmqError | None = None
        self._addr = addr
        self._faults = faults
        self._answered = answered

    def hear(self, outcome: RemotingCommand | RemotingError) -> None:
        """Take the answer, or what came instead of one."""
        if not isinstance(outcome, RemotingCommand):
            self.error = outcome
        elif outcome.code != GO_AWAY:
            try:
                self.result = send_result(outcome, self._addr, self.prepared.msg_id, self.queue)
                if self._faults.enabled and self.info is not None:
                    self._faults.update(self.queue.broker_name, trio_ms() - self.began_ms)
            except RmqError as error:
                self.error = error
        self._answered(self)


class FirstWait:
    """One task that waits for a first attempt.

    Attributes:
        attempt: the one that is over.
    """

    __slots__ = ("_task", "attempt")

    attempt: FirstAttempt

    def __init__(self) -> None:
        self._task = OneWait()

    def answered(self, first: FirstAttempt) -> None:
        """Take the attempt, which is over."""
        self.attempt = first
        self._task.end()

    async def result(self) -> SendResult | None:
        """Wait until it is over and return its result; None: it is to be given to ``finish``."""
        await self._task.wait()
        return self.attempt.result
