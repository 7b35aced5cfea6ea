"""What is read of the messages in the timers' queue."""

from __future__ import annotations

import pytest

from rmqwire.broker.delivery.timer_heads import TimerHead, read_heads, rolled_heads
from rmqwire.codec import message_const as const
from rmqwire.codec.consume_queue import UNIT_STRUCT
from tests.support import requests
from tests.support.broker import START_MS, MemoryBroker


@pytest.fixture
def broker(tmp_path):
    made = MemoryBroker(tmp_path, timer_roll_window_slot=12)
    client = made.connect()
    for key, seconds in (("near", 3), ("far", 20)):
        text = f"UNIQ_KEY\x01{key}\x02TIMER_DELAY_SEC\x01{seconds}\x02"
        client.call(requests.send(properties=text))
    client.call(requests.send())  # no timer
    yield made
    made.close()


def units(broker):
    queue = broker.state.store.queues.find(const.TIMER_TOPIC, 0)
    return queue.read(0, queue.max_offset)


def test_heads_say_what_the_messages_say(broker):
    log, found = broker.state.store.log, units(broker)
    (near, far) = read_heads(log, found)
    places = [(place, size) for place, size, _ in UNIT_STRUCT.iter_unpack(found)]
    assert near == TimerHead(*places[0], str(START_MS + 2_000), "T", "near", None, 0)
    assert far.key == ("far", "", str(START_MS + 19_000))
    assert list(rolled_heads(log, found)) == []
    for _ in range(15):
        broker.pass_time(1_000)
    (rolled,) = rolled_heads(log, units(broker))
    assert (rolled.key, rolled.roll_times) == (far.key, 1)


def test_what_is_no_message_of_the_queue_has_no_head(broker):
    log = broker.state.store.log
    (place, size, _) = UNIT_STRUCT.unpack_from(units(broker))
    plain = broker.state.store.queues.find("T", 0).read(0, 1)
    for wrong in (
        plain,  # of another topic
        UNIT_STRUCT.pack(place, size - 1, 0),
        UNIT_STRUCT.pack(place + 4, size, 0),
        UNIT_STRUCT.pack(1 << 30, size, 0),
    ):
        assert read_heads(log, wrong) == [None]
        assert list(rolled_heads(log, wrong)) == []
