"""A send's first attempt that has nothing to wait for: no task waits for its answer.

The topic's route, the broker's address and a connection are there, so the request goes out within the
call, and the connection hands the answer to a plain function. What is to be done after a failure needs
a task again: ``Sender.finish``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.client.api import sent
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.errors import RmqError
from rmqwire.producer.results import SendResult, send_result
from rmqwire.remoting.channel import trio_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.client.fault_strategy import FaultStrategy
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.errors import RemotingError
    from rmqwire.producer.outgoing import Prepared
    from rmqwire.producer.send_plan import SendPlan

GO_AWAY = int(ResponseCode.GO_AWAY)


class FirstAttempt:
    """One request under way.

    Args:
        prepared: what is sent.
        queue: where to.
        addr: ``host:port`` of its broker.
        faults: learns how long brokers take.
        plan: makes the plan that gives the attempts after this one; None: there are no others.
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
        "plan",
        "prepared",
        "queue",
        "result",
    )

    def __init__(
        self,
        prepared: Prepared,
        queue: MessageQueue,
        addr: str,
        faults: FaultStrategy,
        plan: Callable[[], SendPlan] | None,
        began_ms: int,
        deadline_ms: int,
        answered: Callable[[FirstAttempt], None],
    ) -> None:
        self.prepared = prepared
        self.queue = queue
        self.plan = plan
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
                answer = sent(outcome, self._addr)
                self.result = send_result(answer, self.prepared.msg_id, self.queue)
                if self.plan is not None and self._faults.enabled:
                    self._faults.update(self.queue.broker_name, trio_ms() - self.began_ms)
            except RmqError as error:
                self.error = error
        self._answered(self)
