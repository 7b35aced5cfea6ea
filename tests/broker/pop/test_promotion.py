"""A slave becomes the master while messages are popped: those that nobody acknowledged come again."""

from __future__ import annotations

import pytest

from rmqwire.broker.peers.slave_sync import SlaveSynchronize
from rmqwire.store.replica.replica_log import ReplicaLog
from tests.broker.pop.support import TOPIC, Consumer, PopBroker, send
from tests.support import requests

COUNT = 8


class Pair:
    """A master that is popped from, and a slave that follows its log and its tables."""

    def __init__(self) -> None:
        self.master = PopBroker()
        self.slave = PopBroker(broker_role="SLAVE", broker_id=1)
        self.slave.state.pop.stop_revive()
        self.sync = SlaveSynchronize(self, self.slave.state, lambda: None, self.log_reaches)
        self.sync.follow("10.0.0.1:10911")
        self._client = self.master.connect()

    async def invoke(self, _addr, command, _timeout_ms):
        return self._client.call(command)

    async def log_reaches(self, end: int) -> bool:
        return self.slave.state.store.max_phy_offset >= end

    def replicate(self) -> None:
        log = ReplicaLog(self.slave.state.store)
        end = self.master.state.store.max_phy_offset
        log.append(self.master.state.store.log.queue.read(log.received, end - log.received))

    async def take_over_tables(self) -> bool:
        self.master.turn()  # what was popped counts: its check points are on the disk
        await self.sync.sync_timer_checkpoint()
        return await self.sync.sync_all()

    def promote(self) -> PopBroker:
        promoted = self.slave
        promoted.clock.ms = self.master.clock.ms
        self.master.close()
        promoted.state.store.config.broker_role = "ASYNC_MASTER"
        promoted.core.take_role()
        promoted.state.pop.start_revive()
        return promoted


@pytest.fixture
async def pair():
    made = Pair()
    Consumer(made.master).client.call(requests.create_topic(TOPIC, queues=1))
    client = made.master.connect()
    for i in range(COUNT):
        send(client, b"%d" % i)
    made.replicate()
    assert await made.take_over_tables()
    yield made
    made.slave.close()


def all_that_comes(broker: PopBroker) -> list[bytes]:
    consumer = Consumer(broker)
    came: list[bytes] = []
    for _ in range(8):
        for message in consumer.pop(invisible_time=60_000):
            came.append(message.body)
            assert consumer.ack(message).code == 0
        broker.pass_time(5_000)
    return sorted(came)


async def test_what_is_open_comes_again_and_what_is_acknowledged_does_not(pair):
    consumer = Consumer(pair.master)
    held = {message.body: message for message in consumer.pop(invisible_time=20_000)}
    assert len(held) == COUNT
    for body in (b"1", b"5"):
        assert consumer.ack(held[body]).code == 0
    assert consumer.change(held[b"2"], 30_000).code == 0
    pair.replicate()
    assert await pair.take_over_tables()
    came = all_that_comes(pair.promote())
    assert came == [b"0", b"2", b"3", b"4", b"6", b"7"]


async def test_what_comes_again_at_the_master_comes_at_the_promoted_slave(pair):
    assert len(Consumer(pair.master).pop(invisible_time=3_000, max_msg_nums=4)) == 4
    pair.master.pass_time(
        9_000
    )  # copied to the retry topic; the revive log's group has passed them
    pair.replicate()
    assert await pair.take_over_tables()
    assert all_that_comes(pair.promote()) == [b"%d" % i for i in range(COUNT)]


@pytest.mark.parametrize("ms", [0, 9_000], ids=["popped", "brought back"])
async def test_a_log_that_stays_behind_forgets_nothing(pair, ms):
    """The link of the log is cut: check points and copies are the master's alone, but not its tables."""
    assert len(Consumer(pair.master).pop(invisible_time=3_000)) == COUNT
    pair.master.pass_time(ms)
    await pair.take_over_tables()
    assert all_that_comes(pair.promote()) == [b"%d" % i for i in range(COUNT)]
