"""Broadcasting consumers against a cluster in memory, on virtual time."""

from random import Random

import pytest
import trio

from rmqwire.client.client import Client
from rmqwire.codec import headers as h
from rmqwire.codec.bodies import OffsetSerializeWrapper
from rmqwire.consumer.push import PushConsumer
from rmqwire.errors import StoreError
from tests.client.fake_cluster import NAMESRV
from tests.consumer.support import FIRST, LATER, R, Seen, consumer, settle


def broadcasting(cluster, tmp_path, **config):
    return consumer(
        cluster,
        message_model="BROADCASTING",
        local_offset_store_dir=str(tmp_path),
        **{"consume_from_where": FIRST} | config,
    )


def stored(tmp_path):
    (path,) = tmp_path.glob("*/cg/offsets.json")
    table = OffsetSerializeWrapper.decode(path.read_bytes()).offset_table
    return {queue.queue_id: offset for queue, offset in table.items() if queue.topic == "T"}


async def test_each_member_gets_all_messages(cluster, autojump_clock, tmp_path):
    for number in range(4):
        cluster.store("T", str(number).encode(), queue_id=number % 2)
    seen = Seen(), Seen()
    async with (
        broadcasting(cluster, tmp_path, instance_name="one") as one,
        broadcasting(cluster, tmp_path, instance_name="two") as two,
    ):
        one.subscribe("T", "*", seen[0])
        two.subscribe("T", "*", seen[1])
        await settle()
        assert len(one.assigned_queues()) == len(two.assigned_queues()) == 2
    assert sorted(seen[0]) == sorted(seen[1]) == [b"0", b"1", b"2", b"3"]


async def test_it_goes_on_from_its_file(cluster, autojump_clock, tmp_path):
    for number in range(3):
        cluster.store("T", str(number).encode())
    first, second = Seen(), Seen()
    async with broadcasting(cluster, tmp_path) as c:
        c.subscribe("T", "*", first)
        await settle()
        client_id = c.client_id
        assert client_id.endswith("@DEFAULT")
    assert stored(tmp_path) == {0: 3}
    cluster.store("T", b"new")
    async with broadcasting(cluster, tmp_path) as c:
        c.subscribe("T", "*", second)
        await settle()
        assert c.client_id == client_id
    assert (first, second) == ([b"0", b"1", b"2"], [b"new"])
    assert stored(tmp_path) == {0: 4}


async def test_offsets_are_stored_from_time_to_time(cluster, autojump_clock, tmp_path):
    cluster.store("T", b"x")
    async with broadcasting(cluster, tmp_path) as c:
        c.subscribe("T", "*", Seen())
        await settle(11)
        assert stored(tmp_path) == {0: 1}
        cluster.store("T", b"y")
        await settle(5)
        assert stored(tmp_path)[0] == 2


async def test_brokers_keep_no_offsets_and_no_retries_of_it(cluster, autojump_clock, tmp_path):
    for number in range(3):
        cluster.store("T", str(number).encode())
    seen = Seen(LATER, LATER, LATER)
    async with broadcasting(cluster, tmp_path) as c:
        c.subscribe("T", "*", seen)
        await settle(40)
        (data,) = cluster.heartbeats[-1][1].consumer_data_set
    assert data.message_model == "BROADCASTING"
    assert [sub.topic for sub in data.subscription_data_set] == ["T"]
    assert seen == [b"0", b"1", b"2"], "a message that fails is dropped, as in Java"
    assert not cluster.sent_back
    assert not cluster.offsets
    pulls = cluster.headers(R.PULL_MESSAGE, h.PullMessageRequestHeader)
    assert {(pull.sys_flag, pull.commit_offset) for pull in pulls} == {(2, 0)}
    assert not cluster.codes(R.QUERY_CONSUMER_OFFSET)
    assert not cluster.codes(R.GET_CONSUMER_LIST_BY_GROUP)
    assert stored(tmp_path)[0] == 3


async def test_a_message_that_takes_long_is_left_to_its_listener(cluster, autojump_clock, tmp_path):
    cluster.store("T", b"slow")

    async def listen(messages):
        await trio.sleep(300)
        return Seen()(messages)

    async with broadcasting(cluster, tmp_path, consume_timeout=1) as c:
        c.subscribe("T", "*", listen)
        await settle(310)
    assert not cluster.sent_back
    assert stored(tmp_path)[0] == 1


async def test_it_starts_where_it_is_told_to(cluster, autojump_clock, tmp_path):
    cluster.store("T", b"old")
    seen = Seen()
    where = {"consume_from_where": "CONSUME_FROM_LAST_OFFSET"}
    async with broadcasting(cluster, tmp_path, **where) as c:
        c.subscribe("T", "*", seen)
        await settle()
        cluster.store("T", b"new")
        await settle()
    assert seen == [b"new"]


async def test_a_damaged_file_is_an_error_at_the_start(cluster, autojump_clock, tmp_path):
    path = tmp_path / "10.0.0.9@DEFAULT" / "cg" / "offsets.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(StoreError, match="not consuming as if nothing had been"):
        async with broadcasting(cluster, tmp_path, client_ip="10.0.0.9"):
            raise AssertionError("it started")
    assert not cluster.clients, "the connections are still open"


async def test_a_shared_client_needs_a_name_that_lasts(cluster, autojump_clock, tmp_path, caplog):
    settings = {"message_model": "BROADCASTING", "local_offset_store_dir": str(tmp_path)}
    named = Client(NAMESRV, remoting=cluster.remoting, rng=Random(1), instance_name="shop")
    PushConsumer("cg", client=named, **settings)
    assert not caplog.records
    PushConsumer("cg", client=Client(NAMESRV, remoting=cluster.remoting), **settings)
    assert "give the shared Client an instance_name" in caplog.text
