"""The locks of orderly consumers: taken before a queue is read, kept, lost, and given to the next."""

import trio

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import LockBatchRequestBody, MessageQueue, UnlockBatchRequestBody
from tests.consumer.support import R, running_info, settle
from tests.consumer.working.support import AGAIN, QUEUES, Seen, fill, orderly


def locked(cluster, code, body):
    return [body.decode(bytes(command.body)).mq_set for command in cluster.codes(code)]


def divide_again(cluster):
    cluster.tell(
        R.NOTIFY_CONSUMER_IDS_CHANGED,
        h.NotifyConsumerIdsChangedRequestHeader(consumer_group="cg"),
    )


async def test_queues_are_locked_before_they_are_read_and_every_20_s(cluster, autojump_clock):
    async with orderly(cluster) as c:
        c.subscribe("T", "*", Seen())
        await settle(0.5)
        first = locked(cluster, R.LOCK_BATCH_MQ, LockBatchRequestBody)
        assert sorted(queues[0] for queues in first) == [MessageQueue("%RETRY%cg", "a", 0), *QUEUES]
        codes = [command.code for _, command in cluster.requests]
        assert codes.index(R.LOCK_BATCH_MQ) < codes.index(R.QUERY_CONSUMER_OFFSET)
        await settle(61)
        later = locked(cluster, R.LOCK_BATCH_MQ, LockBatchRequestBody)[len(first) :]
        assert len(later) == 4  # after 1, 21, 41 and 61 s
        assert all(len(queues) == 3 for queues in later)
    ((*unlocked,),) = locked(cluster, R.UNLOCK_BATCH_MQ, UnlockBatchRequestBody)
    assert sorted(unlocked) == [MessageQueue("%RETRY%cg", "a", 0), *QUEUES]
    assert not cluster.locks
    codes = [command.code for _, command in cluster.requests]
    last_commit = len(codes) - 1 - codes[::-1].index(R.UPDATE_CONSUMER_OFFSET)
    assert last_commit < codes.index(R.UNLOCK_BATCH_MQ) < codes.index(R.UNREGISTER_CLIENT)


async def test_a_queue_that_another_member_has_is_left_alone(cluster, autojump_clock):
    fill(cluster, 1, 0)
    fill(cluster, 1, 1)
    cluster.locks["cg", QUEUES[0]] = "somebody else"
    seen = Seen()
    async with orderly(cluster) as c:
        c.subscribe("T", "*", seen)
        await settle(5)
        assert (seen.bodies(0), seen.bodies(1)) == ([], [b"0"])
        assert QUEUES[0] not in c.assigned_queues()
        del cluster.locks["cg", QUEUES[0]]
        await settle(2)
        assert seen.bodies(0) == [b"0"]


async def test_a_lock_that_is_lost_stops_the_queue_until_it_is_there_again(cluster, autojump_clock):
    seen = Seen()
    async with orderly(cluster) as c:
        c.subscribe("T", "*", seen)
        await settle()
        cluster.locks["cg", QUEUES[0]] = "somebody else"
        await settle(20)  # the renewal finds it out
        fill(cluster, 2)
        await settle(10)
        assert seen.bodies() == []
        del cluster.locks["cg", QUEUES[0]]
        await settle(20)
        assert seen.bodies() == [b"0", b"1"]


async def test_a_lock_that_cannot_be_renewed_counts_for_30_s(cluster, autojump_clock):
    seen = Seen()
    async with orderly(cluster) as c:
        c.subscribe("T", "*", seen)
        await settle(2)  # renewed after 1 s
        cluster.faults.append(
            lambda _, command: (1, "no") if command.code == R.LOCK_BATCH_MQ else None
        )
        await settle(25)
        fill(cluster, 1)
        await settle(1)
        assert seen.bodies() == [b"0"]
        await settle(10)
        cluster.store("T", b"too late")
        await settle(10)
        assert seen.bodies() == [b"0"]
        cluster.faults.clear()
        await settle(10)
        assert seen.bodies() == [b"0", b"too late"]


async def test_a_queue_is_unlocked_once_its_listener_has_ended(cluster, autojump_clock):
    """The next member goes on exactly where this one stopped."""
    fill(cluster, 3)
    one_saw, two_saw = Seen(), Seen()

    async def slow(messages):
        await trio.sleep(5)
        return one_saw(messages)

    one = orderly(cluster, instance_name="one", allocate=lambda me, queues, them: mine["one"])
    two = orderly(cluster, instance_name="two", allocate=lambda me, queues, them: mine["two"])
    mine = {"one": QUEUES[:1], "two": []}
    async with one, two:
        one.subscribe("T", "*", slow)
        two.subscribe("T", "*", two_saw)
        await settle(2)
        mine = {"one": [], "two": QUEUES[:1]}
        divide_again(cluster)
        await settle(2)
        assert two_saw.bodies() == [], "its listener still runs at the other member"
        assert not one.assigned_queues()
        await settle(6)
    assert one_saw.bodies() == [b"0"]
    assert two_saw.bodies() == [b"1", b"2"]
    assert cluster.offsets["cg", "a", "T", 0] == 3


async def test_nobody_waits_longer_than_20_s_for_a_listener(cluster, autojump_clock):
    fill(cluster, 1)

    async def stuck(messages):
        await trio.sleep(1000)

    part = QUEUES
    async with orderly(
        cluster,
        allocate=lambda me, queues, them: part,
        await_termination_millis_when_shutdown=0,
    ) as c:
        c.subscribe("T", "*", stuck)
        await settle(2)
        part = []
        divide_again(cluster)
        await settle(10)
        info = await running_info(cluster, c)
        assert ("cg", QUEUES[0]) in cluster.locks
        assert info.mq_table[QUEUES[0]].try_unlock_times > 0
        assert info.mq_table[QUEUES[0]].droped
        await settle(12)
        assert ("cg", QUEUES[0]) not in cluster.locks


async def test_a_queue_that_was_locked_but_never_read_is_unlocked_at_the_end(
    cluster, autojump_clock
):
    code = R.QUERY_CONSUMER_OFFSET
    cluster.faults.append(lambda _, command: (1, "no") if command.code == code else None)
    async with orderly(cluster) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        assert not c.assigned_queues()
        assert ("cg", QUEUES[0]) in cluster.locks
    assert not cluster.locks


async def test_broadcasting_locks_nothing(cluster, autojump_clock, tmp_path):
    fill(cluster, 2)
    seen = Seen(AGAIN)
    settings = {"message_model": "BROADCASTING", "local_offset_store_dir": str(tmp_path)}
    async with orderly(cluster, **settings) as c:
        c.subscribe("T", "*", seen)
        await settle(5)
    assert seen.bodies() == [b"0", b"0", b"1"]
    assert not cluster.codes(R.LOCK_BATCH_MQ)
    assert not cluster.codes(R.UNLOCK_BATCH_MQ)
