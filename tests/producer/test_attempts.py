"""The attempts of a send: which failures have another, at which broker, in what time, and what is told."""

from itertools import pairwise

import pytest
import trio

from rmqwire.broker_errors import MessageIllegal
from rmqwire.codec import headers as h
from rmqwire.codec.message import Message
from rmqwire.codec.release import V4_9_7
from rmqwire.errors import BadHeader, BrokerError, ConnectFailed, RemotingTimeout, SendFailed
from rmqwire.producer.results import SendStatus
from tests.client.fake_cluster import SYSTEM_BUSY, broker_addr
from tests.producer.support import R, producer, sends


async def test_retry_goes_to_another_broker(cluster, autojump_clock):
    cluster.down.add(broker_addr("a"))
    async with producer(cluster) as p:
        for _ in range(6):
            result = await p.send(Message("T", b"x"))
            assert result.message_queue.broker_name == "b"
    assert not cluster.queues["a", "T", 0]


@pytest.mark.parametrize("code", sorted({17, 14, 1, 2, 16, 204, 205, 1500}))
async def test_retry_codes(cluster, autojump_clock, code):
    cluster.faults.append(
        lambda addr, command: (
            (code, "no") if command.code == 310 and addr == broker_addr("a") else None
        )
    )
    async with producer(cluster) as p:
        for _ in range(3):
            assert (await p.send(Message("T", b"x"))).message_queue.broker_name == "b"


async def test_refusal_for_good_is_not_retried(cluster, autojump_clock):
    cluster.faults.append(lambda _, command: (13, "too long") if command.code == 310 else None)
    async with producer(cluster) as p:
        with pytest.raises(BrokerError, match="CODE: 13  DESC: too long"):
            await p.send(Message("T", b"x"))
    assert len(sends(cluster)) == 1


async def test_code_2_is_for_good_with_4_9_7(cluster, autojump_clock):
    cluster.faults.append(lambda _, command: SYSTEM_BUSY if command.code == 310 else None)
    async with producer(cluster, release=V4_9_7) as p:
        with pytest.raises(BrokerError):
            await p.send(Message("T", b"x"))
    assert len(sends(cluster)) == 1


async def test_attempts_are_limited_and_told(cluster, autojump_clock):
    cluster.faults.append(lambda _, command: SYSTEM_BUSY if command.code == 310 else None)
    async with producer(cluster, retry_times_when_send_failed=3) as p:
        with pytest.raises(BrokerError) as caught:
            await p.send(Message("T", b"x"))
    assert len(sends(cluster)) == 4
    assert "Send [4] times, still failed" in caught.value.__notes__[0]
    assert {addr for addr, _ in sends(cluster)} == {broker_addr("a"), broker_addr("b")}


async def test_a_send_whose_answer_is_lost_may_be_stored(cluster, autojump_clock):
    """The broker stores it and the link breaks; the next broker refuses for good."""

    def stored_then_lost(addr, command):
        if command.code != R.SEND_MESSAGE_V2:
            return None
        if len(sends(cluster)) > 1:
            return 13, "too long"
        cluster._send(addr, command)
        return SendFailed("the connection ended before the answer", addr)

    cluster.faults.append(stored_then_lost)
    async with producer(cluster) as p:
        with pytest.raises(MessageIllegal) as caught:
            await p.send(Message("T", b"x"))
    assert caught.value.maybe_stored
    lost, refused = caught.value.attempts
    assert (type(lost.error), type(refused.error)) == (SendFailed, MessageIllegal)
    assert [a.addr for a in (lost, refused)] == [addr for addr, _ in sends(cluster)]
    assert [a.addr for a in (lost, refused)] == [
        broker_addr(a.broker_name) for a in (lost, refused)
    ]


async def test_a_send_that_no_broker_got_is_not_stored(cluster, autojump_clock):
    cluster.down |= {broker_addr("a"), broker_addr("b")}
    async with producer(cluster) as p:
        with pytest.raises(ConnectFailed) as caught:
            await p.send(Message("T", b"x"))
    assert not caught.value.maybe_stored
    assert [type(attempt.error) for attempt in caught.value.attempts] == [ConnectFailed] * 3


async def test_a_look_up_that_times_out_stores_nothing(cluster, autojump_clock):
    cluster.faults.append(lambda addr, _: RemotingTimeout("no answer", addr))
    async with producer(cluster) as p:
        with pytest.raises(RemotingTimeout) as caught:
            await p.send(Message("T", b"x"))
    assert not caught.value.maybe_stored


async def test_an_answer_that_cannot_be_read_may_mean_a_stored_message(cluster, autojump_clock):
    cluster.faults.append(lambda _, command: (0, None) if command.code == 310 else None)
    async with producer(cluster) as p:
        with pytest.raises(BadHeader) as caught:
            await p.send(Message("T", b"x"))
    assert caught.value.maybe_stored


async def test_one_budget_for_all_attempts(cluster, autojump_clock):
    cluster.latency_s = 1.2
    cluster.faults.append(
        lambda addr, command: ConnectFailed("no", addr) if command.code == 310 else None
    )
    async with producer(cluster, send_msg_timeout=3000, retry_times_when_send_failed=9) as p:
        await p.fetch_publish_message_queues("T")
        begin = trio.current_time()
        with pytest.raises(RemotingTimeout, match="sendDefaultImpl call timeout"):
            await p.send(Message("T", b"x"))
        assert trio.current_time() - begin < 4
    assert len(sends(cluster)) == 3


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (10, SendStatus.FLUSH_DISK_TIMEOUT),
        (12, SendStatus.FLUSH_SLAVE_TIMEOUT),
        (11, SendStatus.SLAVE_NOT_AVAILABLE),
    ],
)
async def test_stored_but_not_safe(cluster, autojump_clock, code, status):
    header = h.SendMessageResponseHeader(msg_id="0" * 32, queue_id=0, queue_offset=5)
    cluster.faults.append(lambda _, command: (code, None, header) if command.code == 310 else None)
    async with producer(cluster) as p:
        result = await p.send(Message("T", b"x"))
        assert result.send_status is status
        assert len(sends(cluster)) == 1
    async with producer(cluster, retry_another_broker_when_not_store_ok=True) as p:
        assert (await p.send(Message("T", b"x"))).send_status is status
        assert len(sends(cluster)) == 4


async def brokers_of(producer, count=12):
    return [
        (await producer.send(Message("T", b"x"))).message_queue.broker_name for _ in range(count)
    ]


async def test_a_broker_that_was_unreachable_is_used_again_once_it_answers(cluster, autojump_clock):
    settings = {"send_latency_enable": True, "start_detector_enable": True}
    async with producer(cluster, **settings) as p:
        assert set(await brokers_of(p)) == {"a", "b"}
        cluster.down.add(broker_addr("a"))
        await brokers_of(p)
        await trio.sleep(60)  # its pause is over
        cluster.requests.clear()
        assert set(await brokers_of(p)) == {"b"}
        await trio.sleep(10)
        asked = [addr for addr, command in cluster.requests if command.code == R.GET_MAX_OFFSET]
        cluster.down.clear()
        await trio.sleep(4)
        assert set(await brokers_of(p)) == {"a", "b"}
        assert set(asked) == {broker_addr("a")}
        cluster.requests.clear()
        await trio.sleep(30)
        assert all(command.code != R.GET_MAX_OFFSET for _, command in cluster.requests)


async def test_an_unreachable_broker_is_asked_as_often_and_as_long_as_set(cluster, autojump_clock):
    settings = {"send_latency_enable": True, "start_detector_enable": True}
    async with producer(cluster, detect_interval=10_000, detect_timeout=77, **settings) as p:
        cluster.down.add(broker_addr("a"))
        asked = []
        cluster.faults.append(lambda _addr, command: asked.append(command) and None)
        invoke, limits = cluster.invoke, []

        async def timed(addr, command, timeout_ms=3000):
            if command.code == R.GET_MAX_OFFSET:
                limits.append((trio.current_time(), timeout_ms))
            return await invoke(addr, command, timeout_ms)

        cluster.invoke = timed
        await brokers_of(p)
        await trio.sleep(31)
    assert [limit for _, limit in limits] == [77, 77, 77]
    moments = [moment for moment, _ in limits]
    assert [later - earlier for earlier, later in pairwise(moments)] == [12, 12]


async def test_a_broker_that_no_route_names_any_more_is_forgotten(cluster, autojump_clock):
    settings = {"send_latency_enable": True, "start_detector_enable": True}
    async with producer(cluster, **settings) as p:
        cluster.down.add(broker_addr("a"))
        await brokers_of(p)
        faults = p._sender.faults
        assert faults.unreachable() == ["a"]
        p._instance.routes.broker_addrs.pop("a")
        await trio.sleep(4)
        assert faults.unreachable() == []
