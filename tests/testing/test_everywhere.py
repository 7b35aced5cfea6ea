"""What a test asks of a cluster, embedded or Java's: `interop/` runs this file there.

Topics and groups have names of their own: a Java cluster forgets slowly.
"""

from uuid import uuid4

import pytest

from rmqwire import Message
from rmqwire.errors import RouteNotFound
from tests.testing.support import LATER, consume, run, send


@pytest.fixture
def name():
    return f"T_{uuid4().hex[:8]}"


@pytest.fixture
def topic(rmq, name):
    """A new topic of one queue."""
    rmq.create_topic(name, queues=1)
    return name


def test_what_was_sent_is_seen_queue_by_queue(rmq, name):
    rmq.create_topic(name, queues=2)
    run(send, rmq, *(Message(name, b"%d" % n) for n in range(100)))
    found = rmq.messages(name)
    assert {one.body for one in found} == {b"%d" % n for n in range(100)}
    assert [one.queue_id for one in found] == [0] * 50 + [1] * 50
    assert len({one.broker_name for one in found}) == 1


def test_a_topic_that_isnt_there_has_no_messages_and_no_lag(rmq, name):
    assert rmq.messages(name) == []
    with pytest.raises(RouteNotFound):
        rmq.lag("readers", name)


def test_the_lag_is_what_the_group_has_not_consumed(rmq, topic):
    group = "readers_of_" + topic
    run(send, rmq, *(Message(topic, b"%d" % n) for n in range(10)))
    assert rmq.lag(group, topic) == 10
    with pytest.raises(TimeoutError, match=rf"{group} has not consumed {topic}/0: 10 of 10"):
        rmq.wait_consumed(group, topic, timeout=0.2)
    run(consume, rmq, group, topic, 10)
    rmq.wait_consumed(group, topic)
    assert rmq.lag(group, topic) == 0


def test_dead_letters_are_seen(rmq, topic):
    group = "readers_of_" + topic
    assert rmq.dlq(group) == []
    run(send, rmq, Message(topic, b"bad"))
    run(consume, rmq, group, topic, 1, LATER, 0)
    assert [one.body for one in rmq.dlq(group)] == [b"bad"]


def test_a_topic_that_was_made_is_gone_after_a_reset(rmq, topic):
    run(send, rmq, Message(topic, b"one"))
    assert len(rmq.messages(topic)) == 1
    rmq.reset()
    assert rmq.messages(topic) == []
