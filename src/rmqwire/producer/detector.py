"""Ask brokers that were unreachable whether they are back (``LatencyFaultToleranceImpl.startDetector``).

With ``send_latency_enable`` a broker that couldn't be reached is left alone, and nobody would ever notice
that it serves again: with ``start_detector_enable`` it is asked.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec.bodies import MessageQueue
from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from collections.abc import Collection

    from rmqwire.client.fault_strategy import FaultStrategy
    from rmqwire.client.instance import ClientInstance
    from rmqwire.client.tasks import Tasks

PERIOD_S = 3.0
logger = logging.getLogger(__name__)


class Detector:
    """Looks after the unreachable brokers of one producer.

    Args:
        faults: who is unreachable.
        instance: addresses, calls, and how long and how often a broker is asked.
        topics: what the producer sends to; one of them is asked about.
        tasks: where the rounds run.
    """

    def __init__(
        self,
        faults: FaultStrategy,
        instance: ClientInstance,
        topics: Collection[str],
        tasks: Tasks,
    ) -> None:
        self._faults = faults
        self._instance = instance
        self._topics = topics
        self._tasks = tasks

    async def rounds(self) -> None:
        """Ask again and again, until cancelled."""
        while True:
            await self._tasks.sleep(PERIOD_S)
            for broker_name in self._faults.to_ask(self._instance.config.detect_interval):
                await self._ask(broker_name)

    async def _ask(self, broker_name: str) -> None:
        addr = self._instance.routes.master_addr(broker_name)
        if addr is None:
            self._faults.forget(broker_name)  # no route names it any more
            return
        queue = MessageQueue(next(iter(self._topics), ""), broker_name, 0)
        try:
            limit_ms = self._instance.config.detect_timeout
            await self._instance.api.max_offset(addr, queue, limit_ms)
        except RmqError as error:
            logger.debug("broker %s is still unreachable: %s", broker_name, error)
        else:
            logger.info("broker %s is reachable again", broker_name)
            self._faults.reachable_again(broker_name)
