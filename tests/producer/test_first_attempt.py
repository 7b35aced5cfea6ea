"""Soon sends whose first attempt goes out within the call, and what follows when it fails."""

from functools import partial
from random import Random

import pytest
import trio
import trio.testing

from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import decode_command, encode_command
from rmqwire.codec.message import Message
from rmqwire.errors import (
    BadHeader,
    BrokerError,
    RemotingTimeout,
    RmqError,
    SendFailed,
    TooManyRequests,
    UsageError,
)
from rmqwire.producer.producer import Producer
from rmqwire.producer.selector import select_by_hash
from rmqwire.producer.send_soon import SendHandle
from rmqwire.remoting.channel import trio_ms
from tests.client.fake_cluster import NAMESRV, FakeCluster, broker_addr

SEND = RequestCode.SEND_MESSAGE_V2


class Connected(FakeCluster):
    """Brokers with connections: a request goes out at once, its answer comes when a test wants it."""

    def __init__(self):
        super().__init__()
        self.asked = []
        self.full = False

    def invoke_now(self, addr, opaque, frame, request, borrower=None):
        if self.full:
            return False
        self.asked.append((addr, decode_command(frame), request.on_reply))
        return True

    def answer(self, outcome=None):
        """Answer the oldest request, by default as a broker does that has stored it."""
        addr, command, on_reply = self.asked.pop(0)
        if isinstance(outcome, tuple):
            outcome = command.create_response(*outcome)
        on_reply(outcome or decode_command(encode_command(self._send(addr, command))))


@pytest.fixture
def cluster():
    cluster = Connected()
    cluster.add_topic("T", queue_nums=2, brokers=("a", "b"))
    return cluster


def producer(cluster, **config):
    return Producer("pg", namesrv_addr=NAMESRV, remoting=cluster.remoting, rng=Random(7), **config)


async def known(p):
    """Let a producer know the route of T."""
    await p.send_soon(Message("T", b"first")).wait()


def message():
    return Message("T", b"x", keys="k")


async def test_it_is_sent_within_the_call_and_its_answer_needs_no_task(cluster, autojump_clock):
    async with producer(cluster) as p:
        await known(p)
        assert not cluster.asked, "the first one had to wait for the route"
        handle = p.send_soon(message())
        (_, request, _) = cluster.asked[0]
        assert request.code == SEND
        assert not handle.done
        cluster.answer()
        assert handle.result.msg_id == handle.message.properties["UNIQ_KEY"]
        assert handle.result.queue_offset == 0
        assert handle.error is None


async def test_all_queues_take_turns_and_a_key_chooses_one(cluster, autojump_clock):
    async with producer(cluster) as p:
        await known(p)
        for _ in range(4):
            p.send_soon(message())
        turns = {(addr, request.ext_fields["e"]) for addr, request, _ in cluster.asked}
        assert len(turns) == 4
        for _ in range(4):
            cluster.answer()
        for _ in range(4):
            p.send_soon(message(), key="one")
        assert len({(addr, request.ext_fields["e"]) for addr, request, _ in cluster.asked}) == 1
        while cluster.asked:
            cluster.answer()


@pytest.mark.parametrize("way", ["queue", "selector"])
async def test_a_chosen_queue_is_tried_once(cluster, autojump_clock, way):
    async with producer(cluster) as p:
        await known(p)
        queue = (await p.fetch_publish_message_queues("T"))[2]
        more = {"queue": queue} if way == "queue" else {"selector": select_by_hash, "arg": 2}
        handle = p.send_soon(message(), **more)
        cluster.answer(SendFailed("the connection ended", "a"))
        with pytest.raises(SendFailed):
            await handle.wait()
    assert len(cluster.codes(SEND)) == 1, "the one that made the route known"


@pytest.mark.parametrize("lost", [SendFailed("gone", "a"), RemotingTimeout("none", "a")])
async def test_after_a_lost_answer_the_other_broker_is_tried(cluster, autojump_clock, lost):
    async with producer(cluster) as p:
        await known(p)
        handle = p.send_soon(message())
        first = cluster.asked[0][0]
        cluster.answer(lost)
        result = await handle.wait()
        assert broker_addr(result.message_queue.broker_name) != first


async def test_what_a_broker_refuses_is_the_last_word(cluster, autojump_clock):
    async with producer(cluster) as p:
        await known(p)
        handle = p.send_soon(message())
        cluster.answer((14, "no"))
        with pytest.raises(BrokerError, match="no") as raised:
            await handle.wait()
        assert [attempt.error for attempt in raised.value.attempts] == [raised.value]


async def test_a_broker_that_goes_is_asked_once_more(cluster, autojump_clock):
    async with producer(cluster) as p:
        await known(p)
        handle = p.send_soon(message())
        asked = cluster.asked[0][0]
        cluster.answer((1500, "going"))
        result = await handle.wait()
        assert broker_addr(result.message_queue.broker_name) == asked
        cluster.faults.append(lambda _, c: (14, "no") if c.code == SEND else None)
        handle = p.send_soon(message())
        cluster.answer((1500, "going"))
        with pytest.raises(BrokerError, match="no"):
            await handle.wait()


async def test_an_answer_that_cant_be_read_may_have_stored_it(cluster, autojump_clock):
    async with producer(cluster) as p:
        await known(p)
        handle = p.send_soon(message())
        cluster.answer((0, None))
        with pytest.raises(BadHeader) as raised:
            await handle.wait()
        assert raised.value.maybe_stored


async def test_too_many_under_way_and_bad_messages_fail_their_handle(cluster, autojump_clock):
    async with producer(cluster) as p:
        await known(p)
        cluster.full = True
        full = TooManyRequests("send request too fast", "a")
        cluster.faults.append(lambda _, command: full if command.code == SEND else None)
        with pytest.raises(TooManyRequests):
            await p.send_soon(message()).wait()
        handle = p.send_soon(Message("T", b""))
        assert isinstance(handle.error, UsageError)
        handle = p.send_soon(message(), selector=lambda *_: 1 // 0)
        assert isinstance(handle.error, ZeroDivisionError)
        assert p.send_soon([]).error is None, (
            "a batch of none has no topic: a task says what is wrong"
        )


async def test_those_behind_one_that_waits_wait_too(cluster, autojump_clock):
    cluster.latency_s = 0.5
    async with producer(cluster) as p:
        early = p.send_soon(message())
        await trio.sleep(0.6)  # its route is there, its answer isn't
        assert not early.done
        late = p.send_soon(message())
        assert not cluster.asked
        await trio.testing.wait_all_tasks_blocked()
        cluster.answer()
        await late.wait()
        await early.wait()
        p.send_soon(message())
        assert len(cluster.asked) == 1
        cluster.answer()


async def test_leaving_by_an_exception_ends_the_handles_and_their_answers_come_to_nobody(
    cluster, autojump_clock
):
    async def fail():
        async with producer(cluster) as p:
            await known(p)
            handles.append(p.send_soon(message()))
            handles.append(p.send_soon(message()))
            raise KeyError

    handles = []
    with pytest.raises(KeyError):
        await fail()
    cluster.answer()
    cluster.answer(SendFailed("the connection ended", "a"))
    for handle in handles:
        with pytest.raises(UsageError, match="closed before the send was answered") as raised:
            await handle.wait()
        assert raised.value.maybe_stored


async def test_hooks_and_back_pressure_take_the_way_of_tasks(cluster, autojump_clock):
    async with producer(cluster, enable_backpressure_for_async_mode=True) as p:
        await known(p)
        handle = p.send_soon(message())
        assert not cluster.asked
        await trio.testing.wait_all_tasks_blocked()
        cluster.answer()
        await handle.wait()


async def sent(p, outcomes):
    """Put what a ``send`` has come to into ``outcomes``."""
    try:
        outcomes.append(await p.send(message()))
    except RmqError as error:
        outcomes.append(error)


async def test_a_send_that_is_awaited_goes_the_same_way(cluster, autojump_clock):
    async with producer(cluster) as p, trio.open_nursery() as nursery:
        await known(p)
        outcomes = []
        nursery.start_soon(sent, p, outcomes)
        await trio.testing.wait_all_tasks_blocked()
        assert len(cluster.asked) == 1
        cluster.answer()
        await trio.testing.wait_all_tasks_blocked()
        assert outcomes[0].queue_offset == 0


@pytest.mark.parametrize("lost", [SendFailed("gone", "a"), (1, "no")])
async def test_an_awaited_send_goes_on_at_the_other_broker(cluster, autojump_clock, lost):
    async with producer(cluster) as p, trio.open_nursery() as nursery:
        await known(p)
        outcomes = []
        nursery.start_soon(sent, p, outcomes)
        await trio.testing.wait_all_tasks_blocked()
        first = cluster.asked[0][0]
        cluster.answer(lost)
        await trio.testing.wait_all_tasks_blocked()
        assert broker_addr(outcomes[0].message_queue.broker_name) != first


async def test_nothing_follows_a_send_that_was_cancelled(cluster, autojump_clock):
    async with producer(cluster) as p:
        await known(p)
        before = len(cluster.codes(SEND))
        with trio.move_on_after(1) as scope:
            await p.send(message())
        assert scope.cancelled_caught
        cluster.answer(SendFailed("gone", "a"))
        await trio.testing.wait_all_tasks_blocked()
        assert len(cluster.codes(SEND)) == before, "it is not tried again"


async def test_a_send_that_could_not_go_at_once_takes_the_queue_whose_turn_it_is(
    cluster, autojump_clock
):
    async with producer(cluster) as p:
        await known(p)
        cluster.full = True
        results = [await p.send(message()) for _ in range(4)]
    assert len({(r.message_queue.broker_name, r.message_queue.queue_id) for r in results}) == 4


def begun_now(p, **way):
    options = dict.fromkeys(("queue", "key", "selector", "arg", "timeout_ms"))
    handle = SendHandle(message())
    begun = p.begin_now(handle, **options | way, soon=False, mono_ms=trio_ms())
    return handle if begun else None


async def test_another_thread_sends_while_the_loop_sleeps(cluster, autojump_clock):
    async with producer(cluster) as p:
        await known(p)
        handle = SendHandle(Message("T", b"x"))
        assert await trio.to_thread.run_sync(partial(p.begin_now, handle, **IN_THREAD))
        assert len(cluster.asked) == 1
        cluster.answer()
        assert handle.result.queue_offset == 0
        handle = begun_now(p, key="one")
        cluster.answer(SendFailed("gone", "a"))
        with pytest.raises(SendFailed):
            await handle.wait()


IN_THREAD = {
    "queue": None,
    "key": None,
    "selector": None,
    "arg": None,
    "timeout_ms": 1000,
    "soon": True,
    "mono_ms": 5,
}


@pytest.mark.parametrize("latency", [False, True])
async def test_what_needs_the_loop_is_not_begun_in_another_thread(cluster, autojump_clock, latency):
    async with producer(cluster, send_latency_enable=latency) as p:
        assert begun_now(p) is None, "the route isn't known"
        await known(p)
        assert begun_now(p, selector=select_by_hash, arg=1) is None, "it is the user's code"
        cluster.full = True
        assert begun_now(p) is None
        cluster.full = False
        handle = begun_now(p)
        assert (handle is None) == latency, "the choice of a queue asks trio's clock"
        if handle is not None:
            cluster.answer()
    with pytest.raises(UsageError):
        begun_now(p)
