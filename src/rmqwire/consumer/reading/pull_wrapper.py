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
    """

    def __init__(self, group: str, instance: ClientInstance) -> None:
        self._group = group
        self._instance = instance
        self._suggested: dict[MessageQueue, int] = {}

    async def pull(self, options: PullOptions, timeout_ms: int) -> PullAnswer:
        """Ask for messages and return the answer.

        Raises:
            RmqError: there is none; the master is asked next if it didn't come to an answer.
        """
        queue = options.queue
        found = await self._instance.broker_addr(queue, self._suggested.get(queue, MASTER_ID))
        pull = options.for_slave() if found.slave else options
        try:
            answer = await self._instance.api.pull(found.addr, self._group, pull, timeout_ms)
        except RmqError as error:
            if not isinstance(error, BrokerError):
                self._suggested.pop(queue, None)
            raise
        self._suggested[queue] = answer.suggested_broker_id
        return answer
