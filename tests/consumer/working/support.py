"""An orderly consumer against a cluster in memory, and a listener that remembers."""

import trio

from rmqwire.codec.bodies import MessageQueue
from rmqwire.consumer.listener import ConsumeOrderlyStatus
from tests.consumer.support import FIRST, consumer, virtual_ms

S = ConsumeOrderlyStatus
AGAIN = S.SUSPEND_CURRENT_QUEUE_A_MOMENT
QUEUES = [MessageQueue("T", "a", number) for number in (0, 1)]


def orderly(cluster, **config):
    return consumer(
        cluster,
        **{"consume_orderly": True, "consume_from_where": FIRST, "wall_ms": virtual_ms} | config,
    )


class Seen(list):
    """Remembers (second, queue, body, reconsume times) of each call, and returns what it is told."""

    def __init__(self, *results):
        self.results = list(results)
        self.began = trio.current_time()

    def __call__(self, messages):
        second = round(trio.current_time() - self.began, 1)
        self.extend((second, m.queue_id, m.body, m.reconsume_times) for m in messages)
        return self.results.pop(0) if self.results else S.SUCCESS

    def bodies(self, queue_id=0):
        return [body for _, queue, body, _ in self if queue == queue_id]


def fill(cluster, count=4, queue_id=0):
    for number in range(count):
        cluster.store("T", str(number).encode(), queue_id=queue_id)
