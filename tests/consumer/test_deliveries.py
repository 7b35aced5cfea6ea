"""``async for delivery in consumer``: settled by the one who has it, concurrent and orderly."""

import pytest
import trio

from rmqwire.codec import headers as h
from rmqwire.codec.codes import RequestCode
from rmqwire.consumer.listener import ConsumeOrderlyStatus
from rmqwire.consumer.lite_pull import LitePullConsumer
from rmqwire.errors import UsageError
from tests.consumer.support import FIRST, OK, consumer, settle

R = RequestCode


def store(cluster, *bodies, queue_id=0):
    for body in bodies:
        cluster.store("T", body, queue_id)


def pushed(cluster, **config):
    return consumer(cluster, consume_from_where=FIRST, **config)


async def take(iterator, count):
    return [await anext(iterator) for _ in range(count)]


async def test_what_leaves_its_block_is_committed(cluster, autojump_clock):
    store(cluster, b"1", b"2", b"3")
    async with pushed(cluster) as c:
        c.subscribe("T")
        seen = []
        async for delivery in c:
            async with delivery:
                seen.append(delivery.body)
            if len(seen) == 2:
                break
    assert seen == [b"1", b"2"]
    assert cluster.offsets["cg", "a", "T", 0] == 2
    assert not cluster.sent_back


async def test_one_wait_for_what_one_pull_has_found(cluster, autojump_clock):
    store(cluster, *[b"x"] * 32)
    steps = []

    class Step(trio.abc.Instrument):
        def before_task_step(self, task):
            steps.append(task)

    async with pushed(cluster) as c:
        c.subscribe("T")
        await settle()
        counter = Step()
        trio.lowlevel.add_instrument(counter)
        for delivery in await take(aiter(c), 32):
            async with delivery:
                pass
        trio.lowlevel.remove_instrument(counter)
        assert len(steps) <= 1
    assert cluster.offsets["cg", "a", "T", 0] == 32


async def test_an_exception_sends_the_message_back_and_the_loop_goes_on(
    cluster, autojump_clock, caplog
):
    store(cluster, b"1", b"2")
    async with pushed(cluster) as c:
        c.subscribe("T")
        first, second = await take(aiter(c), 2)
        async with first:
            raise RuntimeError("no")
        async with second:
            second.later(5)
            assert second.settled
        await settle()
    assert sorted(header.delay_level for header in cluster.sent_back) == [0, 5]
    assert cluster.offsets["cg", "a", "T", 0] == 2
    assert caplog.text.count("RuntimeError: no") == 1


async def test_a_cancelled_block_settles_nothing(cluster, autojump_clock):
    store(cluster, b"1")
    async with pushed(cluster) as c:
        c.subscribe("T")
        (delivery,) = await take(aiter(c), 1)
        with trio.move_on_after(1):
            async with delivery:
                await trio.sleep_forever()
        assert not delivery.settled
    assert ("cg", "a", "T", 0) not in cluster.offsets
    assert not cluster.sent_back


async def test_a_message_is_settled_once_and_only_by_the_one_who_has_it(cluster, autojump_clock):
    store(cluster, b"1", b"2")
    heard = []
    async with pushed(cluster) as c:
        c.subscribe("T")
        first, second = await take(aiter(c), 2)
        first.ack()
        with pytest.raises(UsageError, match="is settled"):
            first.later()
        with pytest.raises(UsageError, match="orderly"):
            second.suspend(100)
        second.ack()
        c.subscribe("T", "*", lambda messages: heard.extend(messages) or OK)
        store(cluster, b"3")
        await settle()
        with pytest.raises(UsageError, match="matter of a listener"):
            heard[0].ack()
    assert cluster.offsets["cg", "a", "T", 0] == 3


async def test_batches_wait_for_more_for_a_while(cluster, autojump_clock):
    store(cluster, b"1", b"2", b"3")
    async with pushed(cluster) as c:
        c.subscribe("T")
        batches = c.batches(2, max_wait_ms=500)
        assert [d.body for d in await anext(batches)] == [b"1", b"2"]
        started = trio.current_time()
        rest = await anext(batches)
        assert [d.body for d in rest] == [b"3"]
        assert trio.current_time() - started == pytest.approx(0.5, abs=0.01)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one_more, cluster)
            async with await anext(batches) as batch:
                assert [d.body for d in batch] == [b"4", b"5"]
                batch[0].later(1)
        async with rest:
            raise RuntimeError("no")
        await settle()
        with pytest.raises(UsageError, match="max_messages"):
            c.batches(0)
    assert sorted(header.delay_level for header in cluster.sent_back) == [0, 1]


async def one_more(cluster):
    await trio.sleep(2)
    store(cluster, b"4")
    await trio.sleep(0.3)
    store(cluster, b"5")


async def test_a_decorated_function_is_the_listener(cluster, autojump_clock):
    store(cluster, b"1")
    seen = []
    c = pushed(cluster)

    @c.on("T", "*")
    def listen(messages):
        seen.extend(messages)
        return OK

    async with c:
        await settle()
    assert [message.body for message in seen] == [b"1"]
    assert listen([]) is OK


async def test_several_tasks_share_one_stream_which_ends_with_the_consumer(cluster, autojump_clock):
    store(cluster, *[b"%d" % number for number in range(8)])
    seen, ended = [], []

    async def work(c, name):
        async for delivery in c:
            async with delivery:
                seen.append((name, delivery.body))
                await trio.sleep(1)
        ended.append(name)

    async with trio.open_nursery() as nursery, pushed(cluster) as c:
        c.subscribe("T")
        for name in "abc":
            nursery.start_soon(work, c, name)
        await settle(6)
    assert sorted(body for _, body in seen) == [b"%d" % number for number in range(8)]
    assert len({name for name, _ in seen[:3]}) == 3
    assert sorted(ended) == ["a", "b", "c"]


async def test_a_message_that_no_broker_takes_back_comes_again_here(cluster, autojump_clock):
    store(cluster, b"1")
    refused = (R.CONSUMER_SEND_MSG_BACK, R.SEND_MESSAGE_V2)
    cluster.faults.append(lambda _, c: (1, "no") if c.code in refused else None)
    async with pushed(cluster) as c:
        c.subscribe("T")
        stream = aiter(c)
        first = await anext(stream)
        first.later()
        again = await anext(stream)
        assert (again.body, again.reconsume_times) == (b"1", 1)
        again.ack()
    assert cluster.offsets["cg", "a", "T", 0] == 1


async def give_up_first_queue(cluster):
    cluster.members["cg"].insert(0, "0")
    header = h.NotifyConsumerIdsChangedRequestHeader(consumer_group="cg")
    cluster.tell(R.NOTIFY_CONSUMER_IDS_CHANGED, header)
    await settle()


@pytest.mark.parametrize("orderly", [False, True])
async def test_what_waits_of_a_queue_that_is_given_up_is_not_handed_out(
    cluster, autojump_clock, orderly
):
    store(cluster, b"1", b"2", b"3")
    async with pushed(cluster, consume_orderly=orderly, consume_message_batch_max_size=3) as c:
        c.subscribe("T")
        stream = aiter(c)
        first = await anext(stream)
        await give_up_first_queue(cluster)
        store(cluster, b"other", queue_id=1)
        assert (await anext(stream)).body == b"other"
        first.ack()
    assert ("cg", "a", "T", 0) not in cluster.offsets


async def test_an_orderly_queue_gives_the_next_message_when_one_is_settled(cluster, autojump_clock):
    store(cluster, b"1", b"2", b"3")
    store(cluster, b"other", queue_id=1)
    async with pushed(cluster, consume_orderly=True) as c:
        c.subscribe("T")
        stream = aiter(c)
        first, other = sorted(await take(stream, 2), key=lambda d: d.queue_id)
        assert (first.body, other.body) == (b"1", b"other")
        with trio.move_on_after(3) as scope:
            await anext(stream)
        assert scope.cancelled_caught
        first.suspend(2_000)
        started = trio.current_time()
        (again,) = await take(stream, 1)
        assert trio.current_time() - started == pytest.approx(2, abs=0.3)
        assert (again.body, again.reconsume_times) == (b"1", 1)
        again.ack()
        (second,) = await take(stream, 1)
        async with second:
            raise RuntimeError("no")
        (second,) = await take(stream, 1)
        second.ack()
        (third,) = await take(stream, 1)
        assert third.body == b"3"
    assert cluster.offsets["cg", "a", "T", 0] == 2


async def test_listeners_and_the_loop_have_topics_of_their_own_in_an_orderly_consumer(
    cluster, autojump_clock
):
    cluster.add_topic("U", queue_nums=1)
    store(cluster, b"1")
    cluster.store("U", b"2")
    heard = []

    def listen(messages):
        heard.extend(message.body for message in messages)
        return ConsumeOrderlyStatus.SUCCESS

    async with pushed(cluster, consume_orderly=True) as c:
        c.subscribe("T")
        c.subscribe("U", "*", listen)
        (first,) = await take(aiter(c), 1)
        first.ack()
        await settle()
    assert (first.body, heard) == (b"1", [b"2"])
    assert cluster.offsets["cg", "a", "T", 0] == cluster.offsets["cg", "a", "U", 0] == 1


async def test_leaving_with_orderly_messages_that_nobody_took_is_quick(cluster, autojump_clock):
    store(cluster, b"1")
    async with pushed(cluster, consume_orderly=True) as c:
        c.subscribe("T")
        await settle()
        started = trio.current_time()
    assert trio.current_time() - started < 1
    assert ("cg", "a", "T", 0) not in cluster.offsets


async def test_a_lite_pull_consumer_is_iterated_over_message_by_message(cluster, autojump_clock):
    store(cluster, b"1", b"2", b"3", b"4")
    seen = []
    async with consumer(cluster, LitePullConsumer, consume_from_where=FIRST) as c:
        c.subscribe("T")
        async for message in c:
            seen.append(message.body)
            if len(seen) == 2:
                break
        assert [message.body for message in await c.poll()] == [b"3", b"4"]
        await c.seek_to_begin(message.queue)
        assert (await anext(c)).body == b"1"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(settle, 30)
    assert seen == [b"1", b"2"]
    assert cluster.offsets["cg", "a", "T", 0] == 1  # no message that wasn't given out is lost
