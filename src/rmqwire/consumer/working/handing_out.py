"""One batch of an orderly consumer in the hands of whoever iterates: a listener's call without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.consumer.listener import ConsumeOrderlyStatus
from rmqwire.consumer.working.stream import DeliveredBatch
from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from rmqwire.client.message_ext import MessageExt
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.consumer.delivery import Delivery
    from rmqwire.consumer.listener import ConsumeOrderlyContext
    from rmqwire.consumer.reading.process_queue import ProcessQueue
    from rmqwire.consumer.working.stream import DeliveryStream

LOOK_S = 0.2  # at a queue that may have been given up before anybody took its messages


class HandingOut:
    """Waits until all messages of a batch are settled (a ``consumer.delivery.Settler``).

    Args:
        messages: all of one topic, at least one.
        context: is told how long the queue is to stand still.
    """

    def __init__(self, messages: list[MessageExt], context: ConsumeOrderlyContext) -> None:
        self._messages = messages
        self._context = context
        self._open = len(messages)
        self._taken = False
        self._status = ConsumeOrderlyStatus.SUCCESS
        self._settled = Wakeup()

    async def run(
        self, stream: DeliveryStream, process_queue: ProcessQueue, queue: MessageQueue
    ) -> ConsumeOrderlyStatus:
        """Hand the messages out and return how they went; of a queue given up, they come again."""
        stream.put(DeliveredBatch(self._messages, process_queue, queue, self))
        while self._open:
            await self._settled.wait(LOOK_S)
            if not self._taken and (process_queue.dropped or stream.closed):
                return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT
        return self._status

    def taken(self) -> None:
        """They are in somebody's hands."""
        self._taken = True

    def ack(self, delivery: Delivery) -> None:
        """One is done with."""
        self._settle()

    def later(self, delivery: Delivery, delay_level: int) -> None:
        """One is to come again: all of the batch do."""
        self.suspend(delivery, -1)

    def suspend(self, delivery: Delivery, ms: int) -> None:
        """One is to come again after ``ms``: all of the batch do."""
        self._status = ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT
        self._context.suspend_current_queue_time_millis = ms
        self._settle()

    def _settle(self) -> None:
        self._open -= 1
        if not self._open:
            self._settled()
