"""Single messages that go together as batches, against a cluster in memory, on virtual time."""

from random import Random

import pytest
import trio

from rmqwire.codec.batch import decode_batch
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import SendMessageRequestHeaderV2
from rmqwire.codec.message import Message
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.errors import BrokerError, UsageError
from rmqwire.producer.accumulator import one_of
from rmqwire.producer.producer import Producer
from rmqwire.producer.results import SendResult, SendStatus
from tests.client.fake_cluster import NAMESRV, SYSTEM_BUSY, FakeCluster

R = RequestCode


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.add_topic("T", queue_nums=2, brokers=("a",))
    return cluster


def producer(cluster, **config):
    return Producer(
        "pg",
        namesrv_addr=NAMESRV,
        remoting=cluster.remoting,
        rng=Random(7),
        auto_batch=True,
        **config,
    )


def batches(cluster):
    """Return the bodies of the batches that were sent."""
    return [
        [one.body for one in decode_batch(bytes(command.body))]
        for command in cluster.codes(R.SEND_BATCH_MESSAGE)
    ]


async def send_all(p, *messages, **fields):
    """Send messages from tasks of their own, and return their results in order."""
    results = {}

    async def one(index, message):
        results[index] = await p.send(message, **fields)

    async with trio.open_nursery() as nursery:
        for index, message in enumerate(messages):
            nursery.start_soon(one, index, message)
            await trio.lowlevel.checkpoint()
    return [results[index] for index in range(len(messages))]


async def test_messages_of_one_moment_go_together_and_each_gets_its_own_result(
    cluster, autojump_clock
):
    async with producer(cluster) as p:
        began = trio.current_time()
        messages = [Message("T", b"%d" % n) for n in range(3)]
        results = await send_all(p, *messages)
        assert trio.current_time() - began == pytest.approx(0.01)
    assert batches(cluster) == [[b"0", b"1", b"2"]]
    assert not cluster.codes(R.SEND_MESSAGE_V2)
    assert [result.msg_id for result in results] == [m.unique_key for m in messages]
    assert [result.queue_offset for result in results] == [0, 1, 2]


async def test_a_full_batch_does_not_wait(cluster, autojump_clock):
    async with producer(cluster, batch_max_bytes=10, batch_max_delay_ms=5_000) as p:
        began = trio.current_time()
        await send_all(p, *[Message("T", b"five!")] * 4)
        assert trio.current_time() == began
    assert batches(cluster) == [[b"five!"] * 2] * 2


async def test_a_message_that_does_not_fit_any_more_begins_the_next_batch(cluster, autojump_clock):
    async with producer(cluster, batch_max_bytes=10) as p:
        await send_all(p, Message("T", b"123456"), Message("T", b"abcdef"))
    assert batches(cluster) == [[b"123456"], [b"abcdef"]]


@pytest.mark.parametrize("field", ["topic", "tags", "wait", "queue"])
async def test_what_differs_goes_apart(cluster, autojump_clock, field):
    cluster.add_topic("U")
    topic, tags = ("U" if field == "topic" else "T"), ("b" if field == "tags" else "a")
    messages = [Message("T", b"1", tags="a"), Message(topic, b"2", tags=tags)]
    messages[1].properties["WAIT"] = str(field != "wait").lower()
    other = {"queue": MessageQueue("T", "a", 0)} if field == "queue" else {}
    async with producer(cluster) as p, trio.open_nursery() as nursery:
        nursery.start_soon(p.send, messages[0])
        nursery.start_soon(lambda: p.send(messages[1], **other))
    assert sorted(batches(cluster)) == [[b"1"], [b"2"]]


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=lambda release: release.name)
async def test_keys_and_tag_of_all_are_those_of_the_batch(cluster, autojump_clock, release):
    """A broker of 4.9 would give each message the keys of all."""
    async with producer(cluster, release=release) as p:
        await send_all(
            p, Message("T", b"1", tags="t", keys="a b"), Message("T", b"2", tags="t", keys="c a")
        )
    (header,) = cluster.headers(R.SEND_BATCH_MESSAGE, SendMessageRequestHeaderV2)
    properties = decode_properties(header.properties)
    if release is V4_9_7:
        assert properties == {"WAIT": "true"}
        return
    del properties["UNIQ_KEY"]
    assert properties == {"WAIT": "true", "TAGS": "t", "KEYS": "a b c"}


async def test_a_key_chooses_the_queue_of_the_batch(cluster, autojump_clock):
    async with producer(cluster) as p:
        one, two = await send_all(p, Message("T", b"1"), Message("T", b"2"), key="k")
    assert one.message_queue == two.message_queue
    assert batches(cluster) == [[b"1", b"2"]]


def alone():
    yield Message("T", b"x", delay_time_level=3)
    for name in ("TIMER_DELAY_MS", "TIMER_DELIVER_MS", "PGROUP", "TRAN_MSG"):
        message = Message("T", b"x")
        message.properties[name] = "1"
        yield message
    yield Message("T", b"x" * 40_000)
    yield [Message("T", b"x")]


@pytest.mark.parametrize(
    "message", list(alone()), ids=lambda m: str(getattr(m, "properties", "batch"))
)
async def test_what_can_not_be_in_a_batch_goes_alone(cluster, autojump_clock, message):
    async with producer(cluster, batch_max_delay_ms=1_000) as p:
        began = trio.current_time()
        await p.send(message)
        assert trio.current_time() == began


async def test_so_does_what_has_a_limit_of_its_own_or_comes_while_too_much_waits(
    cluster, autojump_clock
):
    async with producer(cluster, total_batch_max_bytes=5) as p, trio.open_nursery() as nursery:
        await p.send(Message("T", b"x"), timeout_ms=1_000)
        assert len(cluster.codes(R.SEND_MESSAGE_V2)) == 1
        nursery.start_soon(p.send, Message("T", b"12345"))
        await trio.lowlevel.checkpoint()
        await trio.sleep(0.001)
        await p.send(Message("T", b"direct"))
        assert len(cluster.codes(R.SEND_MESSAGE_V2)) == 2
        await trio.sleep(1)
        await p.send(Message("T", b"again"))
    assert batches(cluster) == [[b"12345"], [b"again"]]


async def test_a_failure_is_told_to_all_of_the_batch(cluster, autojump_clock):
    cluster.faults.append(
        lambda _, command: SYSTEM_BUSY if command.code == R.SEND_BATCH_MESSAGE else None
    )
    async with producer(cluster, retry_times_when_send_failed=0) as p:
        handles = [p.send_soon(Message("T", b"%d" % n)) for n in range(2)]
        for handle in handles:
            with pytest.raises(BrokerError):
                await handle.wait()
        assert p._accumulator._bytes == 0


async def test_a_message_that_no_broker_takes_fails_alone(cluster, autojump_clock):
    async with producer(cluster) as p:
        good, bad = p.send_soon(Message("T", b"x")), p.send_soon(Message("T", b""))
        assert (await good.wait()).send_status is SendStatus.SEND_OK
        with pytest.raises(UsageError):
            await bad.wait()
    assert batches(cluster) == [[b"x"]]


async def test_closing_waits_for_batches_but_not_with_an_exception(cluster, autojump_clock):
    async with producer(cluster, batch_max_delay_ms=2_000) as p:
        handle = p.send_soon(Message("T", b"x"))
    assert handle.result is not None
    cluster.latency_s = 1
    handles = []

    async def fail():
        async with producer(cluster) as p:
            handles.append(p.send_soon(Message("T", b"x")))
            await trio.sleep(0.5)
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError):
        await fail()
    assert "closed before" in str(handles[0].error)
    assert handles[0].error.maybe_stored


async def test_a_caller_that_gives_up_takes_nothing_from_the_others(cluster, autojump_clock):
    async with producer(cluster) as p:
        with trio.move_on_after(0.005):
            await p.send(Message("T", b"1"))
        await p.send(Message("T", b"2"))
    assert batches(cluster) == [[b"1", b"2"]]


@pytest.mark.parametrize(
    "setting",
    [{"batch_max_delay_ms": 30_001}, {"batch_max_bytes": 0}, {"batch_max_bytes": 2_097_153}],
)
def test_limits_are_java_s(cluster, setting):
    with pytest.raises(UsageError, match="Out of range"):
        producer(cluster, **setting)


def test_one_record_of_several_messages_has_one_id():
    queue = MessageQueue("T", "a", 0)
    result = SendResult(SendStatus.SEND_OK, "A,B", "R", queue, 7)
    assert one_of(result, 1, 2) == SendResult(SendStatus.SEND_OK, "B", "R", queue, 8)
