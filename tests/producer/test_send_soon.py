"""Sends that nobody waits for at once: handles, their retries, their limits, many of them."""

import gc
from random import Random

import pytest
import trio

from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.message import Message
from rmqwire.errors import (
    BrokerError,
    ConnectFailed,
    TooManyRequests,
    UsageError,
)
from rmqwire.producer.producer import Producer
from rmqwire.producer.results import SendStatus
from rmqwire.producer.selector import select_by_hash, select_by_machine_room
from tests.client.fake_cluster import NAMESRV, SYSTEM_BUSY, FakeCluster, broker_addr

R = RequestCode


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.add_topic("T", queue_nums=2, brokers=("a", "b"))
    return cluster


def producer(cluster, **config):
    return Producer("pg", namesrv_addr=NAMESRV, remoting=cluster.remoting, rng=Random(7), **config)


def bodies(cluster):
    return sorted(m.body for queue in cluster.queues.values() for m in queue)


async def test_a_handle_tells_how_it_went(cluster, autojump_clock):
    cluster.latency_s = 0.1
    heard = []
    async with producer(cluster) as p:
        handle = p.send_soon(Message("T", b"x", keys="k"))
        assert not handle.done
        handle.add_done_callback(heard.append)
        assert (handle.result, handle.error) == (None, None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(handle.wait)
            result = await handle.wait()
        assert handle.done
        assert result is handle.result
        assert result.send_status is SendStatus.SEND_OK
        handle.add_done_callback(heard.append)
    assert heard == [handle, handle]
    assert bodies(cluster) == [b"x"]


async def test_a_callback_that_raises_harms_nobody(cluster, autojump_clock, caplog):
    def raising(handle):
        raise RuntimeError("mine")

    async with producer(cluster) as p:
        handle = p.send_soon(Message("T", b"x"))
        handle.add_done_callback(raising)
        await handle.wait()
    assert "RuntimeError: mine" in caplog.text


@pytest.mark.parametrize("times", [0, 2])
async def test_a_broken_connection_is_tried_again_at_another_broker(cluster, autojump_clock, times):
    cluster.down.add(broker_addr("a"))
    async with producer(cluster, retry_times_when_send_async_failed=times) as p:
        handles = [p.send_soon(Message("T", b"%d" % n)) for n in range(4)]
        for handle in handles:
            await handle.settled()
    failed = [handle for handle in handles if handle.error is not None]
    assert all(isinstance(handle.error, ConnectFailed) for handle in failed)
    assert bool(failed) == (times == 0)


async def test_what_a_broker_refuses_is_not_tried_again(cluster, autojump_clock):
    cluster.faults.append(lambda _, c: (14, "no") if c.code == R.SEND_MESSAGE_V2 else None)
    async with producer(cluster) as p:
        handle = p.send_soon(Message("T", b"x"))
        with pytest.raises(BrokerError, match="no"):
            await handle.wait()
        assert len(handle.error.attempts) == 1
        with pytest.raises(BrokerError):
            await p.send(Message("T", b"x"))
        sends = cluster.codes(R.SEND_MESSAGE_V2)
    assert len(sends) == 4, "one soon, three at once"


async def test_bad_messages_and_selectors_fail_their_handle(cluster, autojump_clock):
    async with producer(cluster) as p:
        with pytest.raises(UsageError, match="zero"):
            await p.send_soon(Message("T", b"")).wait()
        with pytest.raises(ZeroDivisionError):
            await p.send_soon(Message("T", b"x"), selector=lambda *_: 1 // 0).wait()
        with pytest.raises(UsageError, match="a key and a selector"):
            p.send_soon(Message("T", b"x"), key=1, selector=select_by_hash)


async def test_a_failure_that_nobody_looks_at_is_logged(cluster, autojump_clock, caplog):
    cluster.faults.append(lambda _, c: SYSTEM_BUSY if c.code == R.SEND_MESSAGE_V2 else None)
    async with producer(cluster) as p:
        p.send_soon(Message("T", b"x"))
        seen = p.send_soon(Message("T", b"x"))
        await seen.settled()
        assert seen.error is not None
    del seen
    gc.collect()
    assert caplog.text.count("a send failed, and nobody has looked at it") == 1


async def test_leaving_waits_for_what_is_under_way_unless_it_fails(cluster, autojump_clock):
    cluster.latency_s = 1
    async with producer(cluster, send_msg_timeout=10_000) as p:
        handles = [p.send_soon(Message("T", b"%d" % n)) for n in range(3)]
    assert [handle.result.send_status for handle in handles] == [SendStatus.SEND_OK] * 3

    async def fail():
        async with producer(cluster) as p:
            handles.append(p.send_soon(Message("T", b"lost")))
            await trio.sleep(0.1)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    with pytest.raises(UsageError, match="closed before the send was answered") as raised:
        await handles[-1].wait()
    assert raised.value.maybe_stored
    with pytest.raises(UsageError, match="not OK"):
        p.send_soon(Message("T", b"x"))


async def test_a_producer_that_is_cancelled_while_it_waits_leaves_the_brokers_all_the_same(
    cluster, autojump_clock
):
    async with producer(cluster) as other:  # its route is there at once
        await other.send(Message("T", b"first"))
    cluster.requests.clear()
    p = producer(cluster, send_msg_timeout=60_000)
    with trio.move_on_after(1) as scope:
        async with p:
            await p.fetch_publish_message_queues("T")
            cluster.latency_s = 30
            handle = p.send_soon(Message("T", b"x"))
            await trio.sleep(0.5)
    assert scope.cancelled_caught
    assert handle.done
    assert cluster.codes(R.UNREGISTER_CLIENT)
    assert not cluster.clients


async def test_ready_waits_for_room(cluster, autojump_clock):
    cluster.latency_s = 1
    async with producer(cluster, back_pressure_for_async_send_num=10) as p:
        await p.send(Message("T", b"first"))
        began = trio.current_time()
        for number in range(30):
            await p.ready()
            p.send_soon(Message("T", b"%d" % number))
        assert trio.current_time() - began == pytest.approx(2, abs=0.1)
    assert len(bodies(cluster)) == 31


async def test_backpressure_lets_sends_wait_as_long_as_they_may(cluster, autojump_clock):
    cluster.latency_s = 1
    settings = {
        "enable_backpressure_for_async_mode": True,
        "back_pressure_for_async_send_num": 10,
        "back_pressure_for_async_send_size": 1024 * 1024,
        "send_msg_timeout": 1_900,
        "compress_msg_body_over_howmuch": 0x7FFFFFFF,
    }
    async with producer(cluster, **settings) as p:
        await p.send(Message("T", b"first"))
        handles = [p.send_soon(Message("T", b"%d" % n)) for n in range(25)]
        for handle in handles:
            await handle.settled()
        errors = [type(handle.error) for handle in handles]
        assert errors.count(type(None)) == 20
        assert errors.count(TooManyRequests) == 5
        big = [p.send_soon(Message("T", b"x" * 700_000)) for _ in range(4)]
        for handle in big:
            await handle.settled()
        failed = [str(handle.error) for handle in big if handle.error is not None]
        assert failed == ["send message tryAcquire semaphoreAsyncSize timeout"] * 2


async def test_many_are_sent_some_at_a_time_and_told_in_order(cluster, autojump_clock):
    cluster.latency_s = 1
    cluster.faults.append(
        lambda _, c: (14, "no") if c.code == R.SEND_MESSAGE_V2 and bytes(c.body) == b"3" else None
    )

    async def source():
        for number in range(8):
            yield Message("T", b"%d" % number)

    async with producer(cluster) as p:
        await p.fetch_publish_message_queues("T")
        began = trio.current_time()
        handles = [handle async for handle in p.send_many(source(), in_flight=4)]
        assert trio.current_time() - began == pytest.approx(2, abs=0.1)
        assert [handle.message.body for handle in handles] == [b"%d" % n for n in range(8)]
        assert [n for n, handle in enumerate(handles) if handle.error] == [3]
        with pytest.raises(UsageError, match="in_flight"):
            await anext(p.send_many([], in_flight=0))


async def test_messages_of_one_key_go_to_one_queue(cluster, autojump_clock):
    async with producer(cluster) as p:
        messages = [Message("T", b"%d" % n, keys=f"order-{n % 3}") for n in range(12)]
        queues = {}
        async for handle in p.send_many(messages, in_flight=1, key=lambda m: m.keys):
            queues.setdefault(handle.message.keys, set()).add(handle.result.message_queue)
        assert all(len(found) == 1 for found in queues.values())
        at_once = await p.send(Message("T", b"x"), key="order-1")
        assert {at_once.message_queue} == queues["order-1"]
        await p.send_oneway(Message("T", b"y"), key="order-1")
        with pytest.raises(UsageError, match="a key and a selector"):
            await p.send(Message("T", b"x"), key=1, selector=select_by_hash)


@pytest.mark.parametrize(
    ("key", "index"),
    [(7, 2), (-7, 2), (1 << 32, 1), (-(1 << 32) - 5, 0), ((1 << 62) + 3, 2), ("a", 2)],
)
def test_a_number_chooses_java_s_queue(key, index):
    """As Math.abs(hashCode() % 5) does for an Integer, a Long and a String."""
    queues = [MessageQueue("T", "a", n) for n in range(5)]
    assert select_by_hash(queues, Message("T", b"x"), key).queue_id == index


def test_a_machine_room_chooses_among_its_brokers():
    queues = [MessageQueue("T", f"{room}@a", n) for room in ("east", "west") for n in range(2)]
    select = select_by_machine_room("west", "north")
    assert {select(queues, Message("T"), None).broker_name for _ in range(9)} == {"west@a"}
    with pytest.raises(UsageError, match="no queue of T is in south"):
        select_by_machine_room("south")(queues, Message("T"), None)
