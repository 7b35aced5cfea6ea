from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.client.route_table import (
    RouteTable,
    TopicPublishInfo,
    limit_queue_nums,
)
from rmqwire.codec.allocation import publish_queues, subscribe_queues
from rmqwire.codec.bodies import BrokerData, MessageQueue, QueueData, TopicRouteData
from rmqwire.errors import BadBody

names = st.sampled_from(["a", "b", "c", "d"])


@st.composite
def routes(draw):
    brokers = draw(st.lists(names, unique=True, max_size=4))
    return TopicRouteData(
        queue_datas=[
            QueueData(
                name,
                draw(st.integers(0, 5)),
                draw(st.integers(0, 5)),
                draw(st.sampled_from([0, 2, 4, 6, 7])),
                0,
            )
            for name in draw(st.lists(names, unique=True, max_size=4))
        ],
        broker_datas=[
            BrokerData("C", name, draw(st.dictionaries(st.integers(0, 2), st.just(f"{name}:1"))))
            for name in brokers
        ],
    )


def route(*brokers, perm=6, nums=2, conf=None):
    return TopicRouteData(
        order_topic_conf=conf,
        queue_datas=[QueueData(name, nums, nums, perm, 0) for name in brokers],
        broker_datas=[BrokerData("C", name, {0: f"{name}:1", 1: f"{name}:2"}) for name in brokers],
    )


@given(routes())
def test_queues_to_send_to_are_writable_and_have_a_master(data):
    queues = publish_queues("T", data)
    masters = {b.broker_name for b in data.broker_datas if 0 in b.broker_addrs}
    expected = {
        MessageQueue("T", q.broker_name, n)
        for q in data.queue_datas
        if q.perm & 2 and q.broker_name in masters
        for n in range(q.write_queue_nums)
    }
    assert set(queues) == expected
    assert len(queues) == len(expected)
    assert [q.broker_name for q in queues] == sorted(q.broker_name for q in queues)


@given(routes())
def test_queues_to_read_are_readable(data):
    assert subscribe_queues("T", data) == {
        MessageQueue("T", q.broker_name, n)
        for q in data.queue_datas
        if q.perm & 4
        for n in range(q.read_queue_nums)
    }


def test_order_configuration_goes_first():
    data = route("a", nums=8, conf="b:2;a:1")
    assert publish_queues("T", data) == [
        MessageQueue("T", "b", 0),
        MessageQueue("T", "b", 1),
        MessageQueue("T", "a", 0),
    ]
    table = RouteTable(Random(1))
    table.update("T", data)
    assert table.publish["T"].order_topic


@pytest.mark.parametrize("conf", ["a", "a:", "a:x", "a:1;", "a:-1", "a:²"])
def test_bad_order_configuration(conf):
    table = RouteTable(Random(1))
    with pytest.raises(BadBody):
        table.update("T", route("a", conf=conf))
    assert table.publish.get("T") is None


def test_default_topics_queues_are_cut_down():
    data = route("a", nums=8)
    limit_queue_nums(data, 4)
    assert (data.queue_datas[0].read_queue_nums, data.queue_datas[0].write_queue_nums) == (4, 4)
    limit_queue_nums(data, 16)
    assert data.queue_datas[0].write_queue_nums == 4


@given(st.integers(1, 9), st.integers(0, 100))
def test_round_robin_reaches_all(count, start):
    queues = [MessageQueue("T", "a", n) for n in range(count)]
    info = TopicPublishInfo(queues, start=start)
    assert sorted(info.select() for _ in range(count)) == queues
    assert info.select_where(lambda queue: queue.queue_id == count - 1) == queues[-1]
    assert info.select_where(lambda queue: False) is None


def test_update_tells_changes_and_ignores_order():
    table = RouteTable(Random(1))
    assert table.update("T", route("a", "b"))
    info = table.publish.get("T")
    assert not table.update("T", route("b", "a"))
    assert table.publish.get("T") is info
    assert table.update("T", route("a"))
    assert table.publish.get("T") is not info


def test_addresses():
    table = RouteTable(Random(1))
    table.update("T", route("a"))
    assert table.master_addr("a") == "a:1"
    assert table.master_addr("x") is None
    assert table.find_in_subscribe("a", 0, only_this=True) == ("a:1", False)
    assert table.find_in_subscribe("a", 1, only_this=True) == ("a:2", True)
    assert table.find_in_subscribe("a", 7, only_this=True) is None
    assert table.find_in_subscribe("a", 7, only_this=False) == ("a:1", False)
    assert table.find_in_subscribe("x", 0, only_this=False) is None
    table.broker_addrs["s"] = {2: "s:2"}
    assert table.find_in_subscribe("s", 1, only_this=True) == ("s:2", True)
    assert table.find_in_subscribe("s", 0, only_this=False) == ("s:2", True)
    assert table.broker_addr_of_topic("T") == "a:1"
    assert table.broker_addr_of_topic("U") is None


def test_offline_brokers_are_forgotten():
    table = RouteTable(Random(1))
    table.update("T", route("a", "b"))
    table.update("T", route("a"))
    assert set(table.broker_addrs) == {"a", "b"}
    table.clean_offline_brokers()
    assert table.broker_addrs == {"a": {0: "a:1", 1: "a:2"}}
    assert [addr for _, _, addr in table.masters_and_slaves()] == ["a:1", "a:2"]
