"""Pulls, sent to the member of a broker that it suggested last (``PullAPIWrapper``)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.message_const import MASTER_ID
from rmqwire.errors import BrokerError, RmqError
from rmqwire.remoting.answer_waiter import silence_after
from rmqwire.remoting.channel import trio_ms
from rmqwire.remoting.open_requests import Asked

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rmqwire.client.api import PullAnswer
    from rmqwire.client.instance import ClientInstance
    from rmqwire.client.pull_frames import PullFrames
    from rmqwire.client.requests import PullOptions
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.errors import RemotingError

    OnPulled: TypeAlias = Callable[[PullAnswer | RmqError | None], None]

GO_AWAY = int(ResponseCode.GO_AWAY)


class PullApiWrapper:
    """Pulls of one group.

    Args:
        group: the consumer group.
        instance: addresses and calls.
        broker_id: the member that is always asked while there is one of this id (``connectBrokerByUser``);
            None for the one that the broker suggests.
    """

    def __init__(self, group: str, instance: ClientInstance, broker_id: int | None = None) -> None:
        self._group = group
        self._broker_id = broker_id
        self._instance = instance
        self._suggested: dict[MessageQueue, int] = {}

    async def pull(self, options: PullOptions, timeout_ms: int) -> PullAnswer:
        """Ask for messages and return the answer.

        Raises:
            RmqError: there is none; the master is asked next if it didn't come to an answer.
        """
        queue = options.queue
        found = await self._instance.broker_addr(queue, self._member(queue))
        pull = options.for_slave() if found.slave else options
        try:
            answer = await self._instance.api.pull(found.addr, self._group, pull, timeout_ms)
        except RmqError as error:
            self._failed(queue, error)
            raise
        self._suggested[queue] = answer.suggested_broker_id
        return answer

    def pull_now(
        self, frames: PullFrames, options: PullOptions, timeout_ms: int, on_pulled: OnPulled
    ) -> bool:
        """Ask for messages if that needs no waiting; tell whether they are asked for.

        Args:
            frames: writes the request.
            options: which messages.
            timeout_ms: how long the answer may take.
            on_pulled: called once with the answer, or with what came instead of one; None: the broker is
                going, and another pull connects again.
        """
        queue = options.queue
        found = self._instance.routes.find_in_subscribe(
            queue.broker_name, self._member(queue), only_this=False
        )
        if found is None:
            return False
        opaque, frame = frames.frame(options.for_slave() if found.slave else options)
        hear = partial(self._hear, queue, found.addr, on_pulled)
        asked = Asked(hear, trio_ms() + timeout_ms, silence_after(timeout_ms))
        return self._instance.api.remoting.invoke_now(found.addr, opaque, frame, asked)

    def _hear(
        self,
        queue: MessageQueue,
        addr: str,
        on_pulled: OnPulled,
        outcome: RemotingCommand | RemotingError,
    ) -> None:
        if not isinstance(outcome, RemotingCommand):
            self._failed(queue, outcome)
            on_pulled(outcome)
            return
        if outcome.code == GO_AWAY:
            on_pulled(None)
            return
        try:
            answer = self._instance.api.read_pull(outcome, addr)
        except RmqError as error:
            self._failed(queue, error)
            on_pulled(error)
            return
        self._suggested[queue] = answer.suggested_broker_id
        on_pulled(answer)

    def _member(self, queue: MessageQueue) -> int:
        """Return which member of its broker is to be asked."""
        if self._broker_id is not None:
            return self._broker_id
        return self._suggested.get(queue, MASTER_ID)

    def _failed(self, queue: MessageQueue, error: RmqError) -> None:
        if not isinstance(error, BrokerError):
            self._suggested.pop(queue, None)
