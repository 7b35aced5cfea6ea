"""What hooks see of sends, and the traces that are made of it."""

from random import Random

import pytest
import trio

from rmqwire.codec.codes import RequestCode
from rmqwire.codec.message import Message
from rmqwire.errors import BrokerError, UsageError
from rmqwire.producer import trace
from rmqwire.producer.hooks import SendHook
from rmqwire.producer.producer import Producer
from tests.client.fake_cluster import NAMESRV, FakeCluster

R = RequestCode
NOW = 1_700_000_000_000


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.add_topic("T", queue_nums=1)
    cluster.add_topic("traces", queue_nums=1)
    return cluster


def producer(cluster, **config):
    return Producer(
        "pg",
        namesrv_addr=NAMESRV,
        remoting=cluster.remoting,
        wall_ms=lambda: NOW + int(trio.current_time() * 1000),
        rng=Random(7),
        **config,
    )


class Seen(SendHook):
    def __init__(self):
        self.calls = []

    def before(self, context):
        context.notes[self] = "remembered"
        self.calls.append(("before", context.queue.broker_name, context.result))

    def after(self, context):
        assert context.notes[self] == "remembered"
        self.calls.append(("after", context.result, context.error))


async def test_hooks_see_each_attempt(cluster, autojump_clock):
    seen = Seen()
    failures = [(1, "no")]
    cluster.faults.append(
        lambda _, c: failures.pop() if c.code == R.SEND_MESSAGE_V2 and failures else None
    )
    async with producer(cluster, hooks=[seen]) as p:
        message = Message("T", b"x")
        result = await p.send(message)
        await p.send_oneway(Message("T", b"y"))
    names = [call[0] for call in seen.calls]
    assert names == ["before", "after"] * 3
    _, nothing, error = seen.calls[1]
    assert nothing is None
    assert isinstance(error, BrokerError)
    assert seen.calls[3] == ("after", result, None)
    assert seen.calls[5] == ("after", None, None)


async def test_a_hook_may_forbid_a_send_and_what_else_it_raises_is_logged(
    cluster, autojump_clock, caplog
):
    class Strict(SendHook):
        def check_forbidden(self, context):
            if context.message.body == b"forbidden":
                raise UsageError("not this one")

        def before(self, context):
            raise RuntimeError("before")

        def after(self, context):
            raise RuntimeError("after")

    async with producer(cluster, hooks=[Strict()]) as p:
        with pytest.raises(UsageError, match="not this one"):
            await p.send(Message("T", b"forbidden"))
        await p.send(Message("T", b"fine"))
    assert [m.body for m in cluster.queues["a", "T", 0]] == [b"fine"]
    for words in ("RuntimeError: before", "RuntimeError: after"):
        assert caplog.text.count(words) == 1


def traces(cluster):
    return list(cluster.queues["a", "traces", 0])


async def test_a_send_is_traced_as_java_does(cluster, autojump_clock):
    cluster.latency_s = 0.25
    async with producer(cluster, enable_trace=True, trace_topic="traces") as p:
        await p.fetch_publish_message_queues("T")
        began = NOW + int(trio.current_time() * 1000)
        first = await p.send(Message("T", b"hello", tags="a", keys=["k1", "k2"]))
        batch = await p.send([Message("T", b"1"), Message("T", b"2")])
        await p.send(Message("T", b"later", delay_time_level=3))
        assert traces(cluster) == []
        await trio.sleep(6)
        (message,) = traces(cluster)
    text = bytes(message.body).decode()
    records = [record.split("\x01") for record in text.split("\x02")]
    assert records.pop() == [""]
    assert records[0] == [
        "Pub", str(began), "DefaultRegion", "pg", "T", first.msg_id, "a", "k1 k2",
        "10.0.0.97:10911", "5", "250", "0", first.offset_msg_id, "true",
    ]  # fmt: skip
    assert records[1][5:8] == [batch.msg_id, "null", "null"]
    assert records[2][11] == "3"
    assert set(message.keys.split()) >= {first.msg_id, "k1", "k2", batch.msg_id}


async def test_a_send_that_failed_or_whose_broker_does_not_trace_has_no_trace(
    cluster, autojump_clock
):
    cluster.faults.append(lambda _, c: (14, "no") if bytes(c.body) == b"refused" else None)
    async with producer(cluster, enable_trace=True, trace_topic="traces") as p:
        with pytest.raises(BrokerError):
            await p.send(Message("T", b"refused"))
        await p.send_oneway(Message("T", b"oneway"))
    assert traces(cluster) == []


async def test_ten_go_together_and_leaving_sends_the_rest(cluster, autojump_clock):
    async with producer(cluster, enable_trace=True, trace_topic="traces") as p:
        for number in range(10):
            await p.send(Message("T", b"%d" % number))
        await trio.sleep(0.1)
        assert len(traces(cluster)) == 1
        await p.send(Message("T", b"last"))
    assert [bytes(m.body).count(b"\x02") for m in traces(cluster)] == [10, 1]


async def test_too_many_traces_are_dropped_and_a_lost_one_is_logged(
    cluster, autojump_clock, monkeypatch, caplog
):
    monkeypatch.setattr(trace, "MOST_WAITING", 2)
    async with producer(cluster, enable_trace=True) as p:  # there is no RMQ_SYS_TRACE_TOPIC
        for number in range(5):
            await p.send(Message("T", b"%d" % number))
    assert "1 traces of T are dropped: too many wait" in caplog.text
    assert "send trace data failed, 2 records" in caplog.text


async def test_leaving_does_not_try_all_traces_when_one_cannot_be_sent(
    cluster, autojump_clock, caplog
):
    cluster.latency_s = 1
    async with producer(cluster, enable_trace=True) as p:  # there is no RMQ_SYS_TRACE_TOPIC
        for _ in range(200):
            p._trace.append("T", "record\x02", ["key"])
    assert "traces are lost: the client is closed" in caplog.text
    assert trio.current_time() < 10


async def test_a_trace_is_not_larger_than_a_trace_message_may_be(
    cluster, autojump_clock, monkeypatch
):
    monkeypatch.setattr(trace, "MOST_BYTES", 400)
    async with producer(cluster, enable_trace=True, trace_topic="traces") as p:
        for number in range(4):
            await p.send(Message("T", b"%d" % number, keys="k" * 100))
    assert [bytes(m.body).count(b"\x02") for m in traces(cluster)] == [1, 1, 1, 1]


class Told(SendHook):
    """Told of sends, whatever becomes of their attempts."""

    def __init__(self):
        self.ended = []

    def begin(self, sending):
        for message in sending.messages:
            message.properties["begun"] = sending.producer_group

    def end(self, sending):
        error = None if sending.error is None else type(sending.error).__name__
        self.ended.append((len(sending.messages), sending.result is not None, error))


class Raising(SendHook):
    def begin(self, sending):
        raise RuntimeError("mine, at the beginning")

    def end(self, sending):
        raise RuntimeError("mine, at the end")


async def test_a_send_is_told_of_once_and_its_message_can_still_be_changed(
    cluster, autojump_clock, caplog
):
    told = Told()
    busy = iter([(2, "busy"), None])
    cluster.faults.append(
        lambda _, command: next(busy, None) if command.code == R.SEND_MESSAGE_V2 else None
    )
    async with producer(cluster, hooks=[Raising(), told]) as p:
        await p.send(Message("T", b"x"))
        await p.send([Message("T", b"y"), Message("T", b"z")])
        await p.send_oneway(Message("T", b"o"))
        with pytest.raises(UsageError):
            await p.send_oneway(Message("T", b""))
        with pytest.raises(UsageError):
            await p.send(Message("T", b""))
    assert told.ended == [
        (1, True, None),
        (2, True, None),
        (1, False, None),
        (1, False, "UsageError"),
        (1, False, "UsageError"),
    ]
    stored = cluster.queues["a", "T", 0]
    assert [m.properties.get("begun") for m in stored if m.body in (b"x", b"o")] == ["pg", "pg"]
    assert "mine, at the beginning" in caplog.text
    assert "mine, at the end" in caplog.text
