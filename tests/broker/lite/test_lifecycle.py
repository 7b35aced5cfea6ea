"""The end of lite topics and of subscriptions, and where lite topics are."""

from __future__ import annotations

import pytest

from rmqwire.broker.lite.sharding import LiteSharding
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import DeleteTopicRequestHeader
from rmqwire.codec.lite_topic import consistent_hash
from tests.broker.lite.support import GROUP, LiteBroker, LiteConsumer
from tests.support import requests

A = "%LMQ%$lt$a"


@pytest.fixture
def broker():
    made = LiteBroker(min_lite_t_tl=60_000, lite_ttl_check_interval=10_000)
    yield made
    made.close()


def after(broker, milliseconds):
    """Let time pass in one step."""
    broker.clock.ms += milliseconds
    broker.turn()


def test_a_lite_topic_goes_when_nothing_was_sent_to_it_for_its_time(broker):
    consumer = LiteConsumer(broker, "c1")
    consumer.add("a", "b")
    broker.send("a", "a1")
    consumer.ack(*consumer.pop())
    after(broker, 29 * 60_000)
    broker.send("b", "b1")
    after(broker, 2 * 60_000)
    assert broker.state.lite.topics.all() == ["%LMQ%$lt$b"]
    assert broker.state.offsets.query(GROUP, A, 0) == -1
    assert broker.state.lite.subscriptions.subscribers(GROUP, A) == []
    broker.send("a", "a2")
    consumer.control("COMPLETE_ADD", "a", "b")
    assert "a2" in consumer.bodies()


@pytest.mark.parametrize(("minutes", "there"), [("-1", True), ("1", False)])
def test_how_long_it_lasts_is_its_parents_and_may_be_for_ever(broker, minutes, there):
    broker.state.topics.table["lt"].attributes["lite.topic.expiration"] = minutes
    broker.send("a", "a1")
    after(broker, 3_600_000)
    assert broker.state.lite.topics.exists(A) == there


def test_a_queue_without_a_message_goes_after_some_looks(broker):
    broker.state.store.queues.queue(A, 0)
    for _ in range(5):
        after(broker, 61_000)
    assert broker.state.lite.topics.all() == [A]
    after(broker, 61_000)
    assert broker.state.lite.topics.all() == []


def test_a_client_that_changes_nothing_for_too_long_is_gone(broker):
    consumer = LiteConsumer(broker, "c1")
    consumer.add("a")
    after(broker, 170_000)
    assert broker.state.lite.subscriptions.active == 1
    after(broker, 130_000)
    assert broker.state.lite.subscriptions.active == 0
    broker.send("a", "a1")
    assert consumer.bodies() == []


def test_a_hash_is_guavas():
    """The values of Guava's own test of ``Hashing.consistentHash``."""
    found = [consistent_hash(value, 100) for value in range(20)]
    assert found == [0, 55, 62, 8, 45, 59, 86, 97, 82, 59, 73, 37, 17, 56, 86, 21, 90, 37, 38, 83]
    assert consistent_hash(10863919174838991, 11) == 6
    assert consistent_hash(2202, 100_001) == 15018


def test_a_lite_topic_is_at_the_broker_of_its_queue(broker):
    queues = [MessageQueue("lt", name, i) for name in ("a", "b") for i in range(2)]
    at = {name: LiteSharding(name, lambda _: queues) for name in ("a", "b")}
    for lite in ("x", "y", "z", "q1", "q2"):
        assert at["a"].is_here("lt", lite) != at["b"].is_here("lt", lite)
    assert LiteSharding("a", lambda _: []).is_here("lt", "x")
    broker.state.topic_routes.found("lt", set(), [MessageQueue("lt", "elsewhere", 0)])
    consumer = LiteConsumer(broker, "c1")
    consumer.add("a")
    assert broker.state.lite.subscriptions.active == 0


def test_a_subscription_waits_until_the_queues_of_its_topic_are_known(broker):
    broker.state.config.namesrv_addr = "127.0.0.1:1"
    consumer = LiteConsumer(broker, "c1")
    with pytest.raises(AssertionError, match="no answer"):
        consumer.add("a")
    assert broker.state.topic_routes.waiting() == ["lt"]
    broker.state.topic_routes.found("lt", {MessageQueue("lt", "broker-a", 0)})
    assert broker.state.lite.subscriptions.active == 1


def test_a_slave_leaves_lite_topics_to_its_master(broker):
    broker.send("a", "a1")
    broker.clock.ms += 3_600_000
    broker.state.lite.tick(is_master=False)
    assert broker.state.lite.topics.exists(A)


def test_a_deleted_topic_takes_its_lite_topics_with_it(broker):
    broker.send("a", "a1")
    broker.connect().call(requests.create_topic("other"))
    header = DeleteTopicRequestHeader(topic="lt")
    request = RemotingCommand.request(int(R.DELETE_TOPIC_IN_BROKER), header)
    assert broker.connect().call(request).code == 0
    assert broker.state.lite.topics.all() == []
