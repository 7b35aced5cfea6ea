"""Transactions between the two: Java's producer and ours on both brokers, and siblings that answer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import trio

from interop import nodes
from interop.client_program import RunningConsumer
from interop.cluster import Cluster
from interop.listeners import Collector, until
from interop.peer import Peer
from rmqwire import (
    LocalTransactionState,
    Message,
    MessageExt,
    PushConsumer,
    TransactionProducer,
)
from rmqwire.codec.release import release_named

COUNT = 30
CHECK_SOON = {"transactionCheckInterval": "1000", "transactionTimeOut": "1500"}
# Java 5.x asks again, and delivers again, what was answered and has no op yet.
OPS_SOON = {"transactionOpBatchInterval": "200"}
COMMIT = LocalTransactionState.COMMIT_MESSAGE
ROLLBACK = LocalTransactionState.ROLLBACK_MESSAGE
UNKNOW = LocalTransactionState.UNKNOW
SEEN = sorted(n for n in range(COUNT) if n % 3 == 0 or (n % 3 == 2 and n % 2 == 0))
ASKED = sum(n % 3 == 2 for n in range(COUNT))


@pytest.fixture(scope="module")
def soon(
    cluster: Cluster, version: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """A name server of either kind, each with a broker of its own kind that checks soon."""
    home = tmp_path_factory.mktemp(f"transactions-{version}")
    release = {"rocketmqVersion": version}
    with ExitStack() as stack:
        ours = nodes.start_namesrv(home / "namesrv", release)
        stack.callback(ours.stop)
        broker = nodes.start_broker(home / "broker", ours.addr, release | CHECK_SOON)
        stack.callback(broker.stop)
        theirs = cluster.start_namesrv(home / "java-namesrv")
        stack.callback(theirs.stop)
        stack.callback(cluster.start_broker(home / "java", theirs.addr, CHECK_SOON | OPS_SOON).stop)
        yield {"java": theirs.addr, "rmqwire": ours.addr}
        assert "Traceback" not in broker.tail(1_000_000), broker.tail()


@pytest.fixture(params=["java", "rmqwire"])
def namesrv(request: pytest.FixtureRequest, soon: dict[str, str]) -> str:
    return soon[str(request.param)]


@pytest.fixture
def topic() -> str:
    return f"T_{uuid.uuid4().hex[:8]}"


def local(message: Message, _: object) -> LocalTransactionState:
    return (COMMIT, ROLLBACK, UNKNOW)[int(message.properties["n"]) % 3]


class Check:
    """Decides as java/Transactions.java does, and counts."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, message: MessageExt) -> LocalTransactionState:
        number = int(message.properties["n"])
        self.asked.append(number)
        return ROLLBACK if number % 2 else COMMIT


def producer(
    namesrv: str, version: str, group: str, check: Callable[[MessageExt], LocalTransactionState]
) -> TransactionProducer:
    return TransactionProducer(
        group,
        check=check,
        namesrv_addr=namesrv,
        release=release_named(version),
        heartbeat_broker_interval=1_000,
    )


def distinct(consumer: RunningConsumer, count: int) -> list[dict[str, object]]:
    """Take deliveries until ``count`` messages came, or for 40 s."""
    received: list[dict[str, object]] = []
    deadline = time.monotonic() + 40
    while len(set(numbers(received))) < count and time.monotonic() < deadline:
        received += consumer.take(1, 1)
    return received


def numbers(received: list[dict[str, object]]) -> list[int]:
    return sorted(int(str(one["keys"]).rpartition("-")[2]) for one in received)


def test_javas_producer_on_rmqwire(
    soon: dict[str, str], version: str, peer: Peer, topic: str
) -> None:
    with peer.consume(soon["rmqwire"], topic) as consumer:
        half = peer.half(soon["rmqwire"], topic, COUNT, kind="mixed")
        received = consumer.take(len(SEEN), 40) + consumer.take(1, 2)
        assert half.stop() == ASKED
    assert numbers(received) == SEEN


async def test_our_producer_on_either_broker(
    soon: dict[str, str], namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    check, collector = Check(), Collector(0)
    consumer = PushConsumer(
        f"g_{topic}", namesrv_addr=namesrv, release=release_named(version),
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
    )  # fmt: skip
    consumer.subscribe(topic, "*", collector)
    async with producer(namesrv, version, f"p_{topic}", check) as p, consumer:
        for n in range(COUNT):
            message = Message(topic, b"%d" % n, keys=f"key-1-{n}", properties={"n": str(n)})
            await p.send_in_transaction(message, local)
        await until(lambda: len(collector.received) >= len(SEEN), "the committed ones", 40)
        await trio.sleep(2)
    if namesrv == soon["rmqwire"]:
        assert numbers(collector.received) == SEEN
        assert len(check.asked) == ASKED
    assert set(numbers(collector.received)) == set(SEEN)
    assert len(set(check.asked)) == ASKED


async def test_a_java_sibling_answers_for_a_producer_of_ours_that_died(
    namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    group = f"p_{topic}"
    async with producer(namesrv, version, group, lambda _: UNKNOW) as p:
        for n in range(5):
            message = Message(topic, b"x", keys=f"key-1-{n}", properties={"n": str(n)})
            async with p.transaction(message) as tx:
                tx.unknown()
    sibling = json_peer.half(namesrv, f"{topic}_hello", 1, group=group)  # then brokers know it
    with json_peer.consume(namesrv, topic) as consumer:
        received = await trio.to_thread.run_sync(distinct, consumer, 5)
    assert sibling.stop() >= 5
    assert set(numbers(received)) == set(range(5))


async def test_our_sibling_answers_for_a_java_producer_that_died(
    namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    group, check = f"p_{topic}", Check()
    half = json_peer.half(namesrv, topic, 6, group=group)
    assert half.stop() == 0
    async with producer(namesrv, version, group, check) as p:
        await p.send(Message(topic, b"hello", keys="key-1-99"))
        with json_peer.consume(namesrv, topic) as consumer:
            received = await trio.to_thread.run_sync(distinct, consumer, 4)
    assert set(check.asked) == set(range(6))
    assert set(numbers(received)) == {0, 2, 4, 99}
