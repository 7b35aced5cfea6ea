"""Pulls and searches that name a lite topic, and whether lite pulls are allowed."""

from __future__ import annotations

import pytest

from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.lite_topic import lmq_name
from rmqwire.codec.record import iter_messages
from tests.broker.lite.support import GROUP, PARENT, LiteBroker, LiteConsumer
from tests.support import requests


@pytest.fixture
def broker():
    made = LiteBroker()
    made.send("a", "a0", "a1", "a2")
    made.send("b", "b0")
    yield made
    made.close()


def pull(broker, lite_topic, queue_id=0, code=R.PULL_MESSAGE, **fields):
    request = requests.pull(
        PARENT, consumer_group=GROUP, queue_id=queue_id, lite_topic=lite_topic, **fields
    )
    request.code = int(code)
    return broker.connect().call(request)


def bodies(answer):
    return [message.body for message in iter_messages(answer.body)] if answer.code == 0 else []


@pytest.mark.parametrize("code", [R.PULL_MESSAGE, R.LITE_PULL_MESSAGE])
def test_a_pull_that_names_a_lite_topic_reads_its_queue(broker, code):
    answer = pull(broker, "a", offset=1, code=code)
    assert bodies(answer) == [b"a1", b"a2"]
    assert answer.ext_fields["nextBeginOffset"] == answer.ext_fields["maxOffset"] == "3"
    assert bodies(pull(broker, " ")) == [b"a0", b"a1", b"a2", b"b0"]
    assert pull(broker, "never", sys_flag=4).code == 19
    assert lmq_name(PARENT, "never") not in broker.state.store.topics()


def test_a_pull_that_waits_is_woken_by_its_lite_topic_alone(broker):
    client = broker.connect()
    waiting = requests.pull(PARENT, consumer_group=GROUP, offset=3, lite_topic="a")
    assert client.ask(waiting) is None
    broker.send("b", "b1")
    assert client.answer_to(waiting) is None
    broker.send("a", "a3")
    assert bodies(client.answer_to(waiting)) == [b"a3"]


def search(broker, lite_topic, queue_id=0, timestamp=4_000_000_000_000):
    fields = {
        "topic": PARENT,
        "queueId": str(queue_id),
        "timestamp": str(timestamp),
        "liteTopic": lite_topic,
    }
    answer = broker.connect().call(RemotingCommand(R.SEARCH_OFFSET_BY_TIMESTAMP, fields))
    return answer.ext_fields["offset"]


def test_a_search_that_names_a_lite_topic_looks_there(broker):
    assert search(broker, "a") == "3"
    assert search(broker, "a", timestamp=0) == "0"
    assert search(broker, "a", queue_id=1) == "0"
    assert search(broker, "never") == "0"
    assert search(broker, "") == "4"


def test_lite_pulls_may_be_forbidden_and_others_are_not():
    broker = LiteBroker(lite_pull_message_enable=False)
    broker.send("a", "a0")
    answer = pull(broker, "", code=R.LITE_PULL_MESSAGE)
    assert (answer.code, answer.ext_fields["forbiddenType"]) == (16, "1")
    assert answer.remark.endswith("for lite pull consumer is forbidden")
    assert bodies(pull(broker, "")) == [b"a0"]
    broker.close()


def test_a_dead_letter_is_not_in_its_lite_topic_again(broker):
    consumer = LiteConsumer(broker, "c1")
    consumer.add("b")
    (message,) = consumer.pop()
    answer = consumer.client.call(requests.send_back(message.physical_offset, GROUP, -1))
    assert answer.code == 0
    consumer.ack(message)
    broker.turn()
    assert broker.state.lite.topics.max_offset(lmq_name(PARENT, "b")) == 1
    assert consumer.pop() == []
    dead = broker.state.store.get_message(f"%DLQ%{GROUP}", 0, 0, 8)
    (found,) = iter_messages(dead.body)
    assert (found.body, found.properties["__LITE_TOPIC"]) == (b"b0", "b")
