"""Pulls that are asked for before the answer to the one before is taken apart."""

import pytest

from rmqwire.client.api import SUCCESS
from rmqwire.codec import headers as h
from rmqwire.codec.codes import ResponseCode
from rmqwire.consumer.config import PushConsumerConfig
from rmqwire.consumer.reading import queue_reader
from rmqwire.consumer.reading.pull_result import found_messages
from rmqwire.consumer.reading.queue_reader import may_ask_ahead
from tests.consumer.reading.test_queue_reader import held
from tests.consumer.support import FIRST, R, Seen, consumer, settle, until


@pytest.fixture
def many(cluster):
    """Return the cluster with 20 messages in a queue."""
    cluster.at_once = True
    for number in range(20):
        cluster.store("T", b"%d" % number)
    return cluster


ALL = [b"%d" % number for number in range(20)]


def asked(cluster):
    """Return where pulls of the queue began, but for those at its end."""
    pulls = cluster.headers(R.PULL_MESSAGE, h.PullMessageRequestHeader)
    return [p.queue_offset for p in pulls if (p.topic, p.queue_id) == ("T", 0)]


def four_at_once(cluster, **config):
    return consumer(cluster, consume_from_where=FIRST, pull_batch_size=4, **config)


@pytest.fixture
def taken(many, monkeypatch):
    """Return how many pulls were asked for ahead each time that an answer was taken apart."""
    counts, found = [], found_messages

    def count(*arguments):
        messages = found(*arguments)
        if messages:
            counts.append(many.sent_at_once)
        return messages

    monkeypatch.setattr(queue_reader, "found_messages", count)
    return counts


async def test_the_next_pull_is_under_way_when_an_answer_is_taken_apart(
    many, taken, autojump_clock
):
    seen = Seen()
    async with four_at_once(many) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen == ALL
    assert asked(many) == [0, 4, 8, 12, 16, 20]
    assert taken == [1, 2, 3, 4, 5]
    assert many.offsets["cg", "a", "T", 0] == 20


async def test_each_answer_is_waited_for_where_pulls_have_an_interval(many, taken, autojump_clock):
    seen = Seen()
    async with four_at_once(many, pull_interval=10) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen == ALL
    assert taken == [0] * 5


@pytest.mark.parametrize("hooked", ["suspend", "unsubscribe"])
async def test_nothing_more_is_asked_for_by_a_consumer_that_wants_nothing(
    many, autojump_clock, hooked
):
    seen = Seen()

    def listen(messages):
        if len(seen) < 4:
            c.suspend() if hooked == "suspend" else c.unsubscribe("T")
        return seen(messages)

    async with four_at_once(many) as c:
        c.subscribe("T", "*", listen)
        await settle(5)
        assert asked(many)[:4] == asked(many)
        assert len(asked(many)) <= 3  # one was under way, and one may have been asked for with it


async def test_a_broker_that_is_going_is_asked_again(many, autojump_clock):
    seen, going = Seen(), [4, 12]

    def go_away(_, command):
        if command.code == R.PULL_MESSAGE:
            offset = command.decode_header(h.PullMessageRequestHeader).queue_offset
            if offset in going:
                going.remove(offset)
                return int(ResponseCode.GO_AWAY), "going"
        return None

    many.faults.append(go_away)
    async with four_at_once(many) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen == ALL
    assert asked(many) == [0, 4, 4, 8, 12, 12, 16, 20]


async def test_a_broker_that_refuses_is_asked_again_after_a_pause(many, autojump_clock):
    seen, refused = Seen(), [8]

    def refuse(_, command):
        if command.code == R.PULL_MESSAGE:
            offset = command.decode_header(h.PullMessageRequestHeader).queue_offset
            if offset in refused:
                refused.remove(offset)
                return 1, "no"
        return None

    many.faults.append(refuse)
    async with four_at_once(many, pull_time_delay_mills_when_exception=500) as c:
        c.subscribe("T", "*", seen)
        await settle(0.4)
        assert seen == ALL[:8]
        await settle()
    assert seen == ALL
    assert asked(many) == [0, 4, 8, 8, 12, 16, 20]


async def test_what_was_asked_for_behind_a_damaged_answer_is_not_used(many, autojump_clock):
    seen, damaged = Seen(), [8]
    pulled = many._pulled

    def damage(command, code, next_offset, low, high, body=b""):
        offset = command.decode_header(h.PullMessageRequestHeader).queue_offset
        if code == SUCCESS and offset in damaged:
            damaged.remove(offset)
            body = body[:-1]
        return pulled(command, code, next_offset, low, high, body)

    many._pulled = damage
    async with four_at_once(many) as c:
        c.subscribe("T", "*", seen)
        await settle(10)
    assert seen == ALL
    assert asked(many)[:6] == [0, 4, 8, 12, 8, 12]


async def test_a_consumer_that_closes_leaves_what_it_has_asked_for(many, autojump_clock):
    many.latency_s = 0.3
    seen = Seen()
    async with four_at_once(many) as c:
        c.subscribe("T", "*", seen)
        await until(lambda: len(seen) >= 8)
    await settle()
    assert seen == ALL[:8]
    assert many.offsets["cg", "a", "T", 0] == 8


@pytest.mark.parametrize(
    ("queue", "offset", "after", "may"),
    [
        (held(), 0, 5, True),
        (held(), 0, 6, False),  # more than half of the messages
        (held(0, 1), 2, 5, True),
        (held(0, 1, 2), 3, 6, False),
        (held(0, size=1 << 20), 1, 2, True),
        (held(0, size=(1 << 20) + 1), 1, 2, False),  # more than half of the bytes
        (held(46), 47, 51, True),
        (held(0), 48, 51, False),  # more than half of the span
    ],
)
def test_half_of_each_threshold_stays_free(queue, offset, after, may):
    config = PushConsumerConfig(
        pull_threshold_for_queue=10,
        pull_threshold_size_for_queue=2,
        consume_concurrently_max_span=100,
    )
    assert may_ask_ahead(queue, config, 1, offset, after) is may
