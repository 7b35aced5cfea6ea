"""A send's first attempt that has nothing to wait for: no task waits for its answer.

The topic's route, the broker's address and a connection are there, so the request goes out within the
call, and the connection hands the answer to a plain function. What is to be done after a failure needs
a task again: ``Sender.finish``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.errors import RmqError
from rmqwire.producer.results import SendResult, SendStatus, send_result
from rmqwire.producer.send_writer import read_again
from rmqwire.remoting.channel import trio_ms
from rmqwire.wakeup import OneWait

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.client.fault_strategy import FaultStrategy
    from rmqwire.client.requests import SendShape
    from rmqwire.client.route_table import TopicPublishInfo
    from rmqwire.codec.stored_answers import Stored
    from rmqwire.errors import RemotingError
    from rmqwire.producer.outgoing import Messages, Prepared

GO_AWAY = int(ResponseCode.GO_AWAY)
SEND_OK = SendStatus.SEND_OK


class FirstAttempt(msgspec.Struct, eq=False):
    """One request under way, an ``OpenRequest`` of its connection.

    Args:
        message: what is sent.
        shape: what it has in common with others.
        msg_id: of the message.
        frame: the request.
        queue: where to.
        addr: ``host:port`` of its broker.
        faults: learns how long brokers take.
        info: the queues that attempts after this one may take; None: there are no others.
        soon: the plan of these attempts is that of ``send_soon``.
        began_ms: when it was made, ms of trio's clock.
        deadline_ms: until when this one, and others in its place, may wait, ms of trio's clock.
        silence_ms: for how long nothing may come meanwhile.
        answered: called with this once it is over.
        owner: who waits for it, for ``answered``.

    Attributes:
        result: of a message that was stored.
        error: what went wrong; with no result either the broker was going and has done nothing: the
            same is to be sent once more.
    """

    message: Messages
    shape: SendShape
    msg_id: str
    frame: bytes
    queue: MessageQueue
    addr: str
    faults: FaultStrategy
    info: TopicPublishInfo | None
    soon: bool
    began_ms: int
    deadline_ms: int
    silence_ms: int
    answered: Callable[[FirstAttempt], None]
    owner: Any
    result: SendResult | None = None
    error: RmqError | None = None
    number: int = 0
    frames: int = 0

    def prepare_again(self) -> Prepared:
        """Return what was sent, for another attempt."""
        return read_again(self.message, self.shape, self.msg_id, self.frame)

    def on_reply(self, outcome: RemotingCommand | RemotingError) -> None:
        """Take the answer, or what came instead of one."""
        if not isinstance(outcome, RemotingCommand):
            self.error = outcome
        elif outcome.code != GO_AWAY:
            try:
                self.result = send_result(outcome, self.addr, self.msg_id, self.queue)
            except RmqError as error:
                self.error = error
            else:
                self._learn()
        self.answered(self)

    def on_stored(self, stored: Stored) -> None:
        """Take the answer that it is stored."""
        _, _, _, queue_id, offset, offset_id, transaction_id, region, trace_on = stored
        queue = self.queue
        if queue_id != queue.queue_id:
            queue = MessageQueue(queue.topic, queue.broker_name, queue_id)
        self.result = SendResult(
            SEND_OK,
            self.msg_id,
            offset_id,
            queue,
            offset,
            transaction_id,
            region or "DefaultRegion",
            trace_on,
        )
        if self.faults.enabled:
            self._learn()
        self.answered(self)

    def _learn(self) -> None:
        if self.faults.enabled and self.info is not None:
            self.faults.update(self.queue.broker_name, trio_ms() - self.began_ms)


class FirstWait(OneWait):
    """One task that waits for a first attempt.

    Attributes:
        attempt: the one that is over.
    """

    __slots__ = ("attempt",)

    attempt: FirstAttempt

    def answered(self, first: FirstAttempt) -> None:
        """Take the attempt, which is over."""
        self.attempt = first
        self.end()
