"""Pulls, sent to the member of a broker that it suggested last (``PullAPIWrapper``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.message_const import MASTER_ID
from rmqwire.errors import BrokerError, RmqError

if TYPE_CHECKING:
    from rmqwire.client.api import PullAnswer
    from rmqwire.client.instance import ClientInstance
    from rmqwire.client.requests import PullOptions
    from rmqwire.codec.bodies import MessageQueue


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
        broker_id = self._broker_id
        if broker_id is None:
            broker_id = self._suggested.get(queue, MASTER_ID)
        found = await self._instance.broker_addr(queue, broker_id)
        pull = options.for_slave() if found.slave else options
        try:
            answer = await self._instance.api.pull(found.addr, self._group, pull, timeout_ms)
        except RmqError as error:
            if not isinstance(error, BrokerError):
                self._suggested.pop(queue, None)
            raise
        self._suggested[queue] = answer.suggested_broker_id
        return answer
