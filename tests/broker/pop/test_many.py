"""Many messages, six consumers that die, acknowledge late or twice, and change times: none is lost."""

from __future__ import annotations

from random import Random
from typing import Any

from rmqwire.codec.pop import ExtraInfo
from tests.broker.pop.support import TOPIC, Consumer, PopBroker
from tests.support import requests

COUNT = 2_000  # 20,000 take 5 s and end the same
SIZES = {"mapped_file_size_commit_log": 4_194_304, "mapped_file_size_consume_queue": 600_000}
MARGIN_MS = 2_500


class Crowd:
    """Six consumers of one group, and what each message may still do."""

    def __init__(self, broker: PopBroker, rng: Random) -> None:
        self.broker = broker
        self.rng = rng
        self.consumers = [Consumer(broker) for _ in range(6)]
        self.consumers[0].client.call(requests.create_topic(TOPIC, queues=4))
        self.open: set[bytes] = set()
        self.done: set[bytes] = set()  # acknowledged in time
        self.again_after_ack: set[bytes] = set()
        self.deliveries: dict[bytes, int] = {}
        self.late: list[tuple[int, Consumer, Any]] = []

    def work(self) -> None:
        """Let each consumer pop a few times; let those that are slow acknowledge now."""
        for consumer in self.consumers:
            for _ in range(4):
                for message in consumer.pop(invisible_time=10_000):
                    self.handle(consumer, message)
                consumer.client.received.clear()
        self.broker.pass_time(1_000)
        due = [entry for entry in self.late if entry[0] <= self.broker.clock.ms]
        for entry in due:
            self.late.remove(entry)
            self.acknowledge(entry[1], entry[2])

    def handle(self, consumer: Consumer, message: Any) -> None:
        self.deliveries[message.body] = self.deliveries.get(message.body, 0) + 1
        if message.body in self.done:
            self.again_after_ack.add(message.body)
        chance = self.rng.random()
        if chance < 0.04:
            return  # it dies
        if chance < 0.07:
            after_ms = self.rng.choice((5_000, 15_000))
            self.late.append((self.broker.clock.ms + after_ms, consumer, message))
        elif chance < 0.10:
            consumer.change(message, 3_000)
        else:
            self.acknowledge(consumer, message)
            if chance < 0.15:
                self.acknowledge(consumer, message)

    def acknowledge(self, consumer: Consumer, message: Any) -> None:
        handle = ExtraInfo.decode(message.properties["POP_CK"])
        end_ms = handle.pop_time + handle.invisible_time
        assert consumer.ack(message).code == 0
        self.open.discard(message.body)  # if it was too late, it comes again
        if end_ms - self.broker.clock.ms > MARGIN_MS:
            self.done.add(message.body)


def test_every_message_is_acknowledged_once_or_comes_again():
    broker = PopBroker(**SIZES)
    crowd = Crowd(broker, Random(5))
    sent = 0
    for _ in range(200):
        for _ in range(min(400, COUNT - sent)):
            client = crowd.consumers[sent % 6].client
            body = b"%d" % sent
            assert client.call(requests.send(TOPIC, body, queue_id=sent % 4)).code == 0
            client.received.clear()
            crowd.open.add(body)
            sent += 1
        crowd.work()
        if sent == COUNT and not crowd.open and not crowd.late:
            break
    for _ in range(30):
        crowd.work()
    assert len(crowd.deliveries) == COUNT
    assert crowd.open == set()
    assert crowd.again_after_ack == set()
    assert sum(crowd.deliveries.values()) > COUNT * 1.05  # those that died came again
    broker.close()
