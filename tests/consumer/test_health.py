"""Why a consumer gets nothing, against a cluster in memory, on virtual time."""

import pytest
import trio

from rmqwire.broker_errors import NoPermission
from rmqwire.codec.codes import RequestCode
from rmqwire.errors import ConnectFailed, RouteNotFound
from tests.client.fake_cluster import NAMESRV, broker_addr
from tests.consumer.support import NOW, Seen, consumer, settle, virtual_ms

R = RequestCode


def refuse(cluster, code, *answer):
    """Let the brokers refuse a request of consumers of T."""
    cluster.faults.append(lambda _, command: answer if command.code == code else None)


async def test_a_consumer_with_queues_is_well(cluster, autojump_clock):
    async with consumer(cluster, wall_ms=virtual_ms) as c:
        c.subscribe("T", "*", Seen())
        assert c.health.problems == {}
        await settle()
        cluster.store("T", b"x", queue_id=1)
        await settle()
        health = c.health
        assert (health.problems, health.last_refusal) == ({}, None)
        assert {addr: sign.error for addr, sign in health.heartbeats.items()} == {
            broker_addr("a"): None
        }
        answered = {q.queue_id: sign for q, sign in health.pulls.items() if q.topic == "T"}
        assert answered[0] is None  # its first pull waits for a message
        assert NOW + 2_000 <= answered[1].at_ms <= virtual_ms()
        await trio.sleep(20)
        assert c.health.pulls.keys() == c.assigned_queues()
        assert all(sign.error is None for sign in c.health.pulls.values())


async def test_a_topic_that_no_name_server_knows(cluster, autojump_clock):
    async with consumer(cluster) as c:
        c.subscribe("Mistyped", "*", Seen())
        c.subscribe("T", "*", Seen())
        await settle()
        assert c.assigned_queues()  # those of T and of its retries
        assert c.health.problems == {
            "Mistyped": "topic Mistyped has no route: no name server knows topic Mistyped"
        }
        assert type(c.health.last_refusal.error) is RouteNotFound
        cluster.add_topic("Mistyped")
        await settle(31)
        assert (c.health.problems, c.health.last_refusal) == ({}, None)


async def test_no_name_server_answers(cluster, autojump_clock):
    cluster.down.add(NAMESRV)
    async with consumer(cluster) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        problem = f"topic T has no route: connect failed <{NAMESRV}>"
        assert c.health.problems == {"T": problem}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"perm": 2}, "broker a has perm 2 and 2 read queues"),
        ({"queue_nums": 0}, "broker a has perm 6 and 0 read queues"),
    ],
)
async def test_a_topic_without_a_queue_that_may_be_read(cluster, autojump_clock, change, words):
    cluster.add_topic("T", **change)
    async with consumer(cluster) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        problem = f"topic T has no queue that may be read: {words}"
        assert c.health.problems == {"T": problem}


async def test_every_pull_is_refused(cluster, autojump_clock):
    refuse(cluster, R.PULL_MESSAGE, 16, "the topic[T] pulling message is forbidden")
    async with consumer(cluster) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        assert "every pull of topic T fails: CODE: 16  DESC: the topic[T]" in c.health.problems["T"]
        assert {type(sign.error) for sign in c.health.pulls.values()} == {NoPermission}
        assert type(c.health.last_refusal.error) is NoPermission
        cluster.faults.clear()
        await settle(20)
        assert (c.health.problems, c.health.last_refusal) == ({}, None)


async def test_one_queue_of_two_is_refused(cluster, autojump_clock):
    """What the other one has still comes."""
    cluster.add_topic("T", queue_nums=1, brokers=("a", "b"))
    cluster.faults.append(
        lambda addr, command: (
            ConnectFailed("gone", addr)
            if command.code == R.PULL_MESSAGE and addr == broker_addr("b")
            else None
        )
    )
    async with consumer(cluster) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        assert c.health.problems == {}
        assert c.health.last_refusal.error.addr == broker_addr("b")


async def test_the_members_of_the_group_are_not_told(cluster, autojump_clock):
    refuse(cluster, R.GET_CONSUMER_LIST_BY_GROUP, 1, "no consumer for this group")
    async with consumer(cluster) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        assert "no broker tells the members of group cg: CODE: 1" in c.health.problems["T"]


async def test_nobody_tells_where_to_start(cluster, autojump_clock):
    refuse(cluster, R.QUERY_CONSUMER_OFFSET, 1, "no")
    async with consumer(cluster) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        assert "nobody tells where to start" in c.health.problems["T"]
        cluster.faults.clear()
        await settle()
        assert (c.health.problems, c.health.last_refusal) == ({}, None)


async def test_other_members_have_all_queues(cluster, autojump_clock):
    cluster.members["cg"] += ["0", "1"]  # before this one in the division
    async with consumer(cluster) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        problem = "other members of group cg have all 2 queues of topic T"
        assert c.health.problems == {"T": problem}


async def test_a_refused_heartbeat_is_told(cluster, autojump_clock):
    refuse(cluster, R.HEART_BEAT, 16, "no account")
    async with consumer(cluster) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        assert type(c.health.heartbeats[broker_addr("a")].error) is NoPermission
        assert c.health.problems["T"]
