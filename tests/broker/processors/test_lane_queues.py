"""Each lane beside the handlers where sends go to many queues, and the queues come, change and go."""

from __future__ import annotations

import pytest

from rmqwire.broker.processors.plain_sends import PlainSends
from rmqwire.codec.bodies import TopicConfig
from rmqwire.codec.consume_queue import UNIT
from rmqwire.codec.native import NATIVE, PYTHON, module_fault
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.store.log.commit_log import CommitLog
from rmqwire.store.queues import consume_queue, queue_table
from tests.support.lanes import KEY, TOPIC, BothLanes, batch_frame, on_lane, send_frame

TOPICS = [f"T{number:03}" for number in range(40)]
MEMBERS = [f"UNIQ_KEY\x01{KEY}{n}\x02" for n in range(3)]
ODD = send_frame(properties=f"A\x011\x02A\x012\x02UNIQ_KEY\x01{KEY}")  # the processor's

needs_module = pytest.mark.skipif(bool(module_fault()), reason="no native lane")


@pytest.fixture(params=[PYTHON, pytest.param(NATIVE, marks=needs_module)])
def lane(request):
    return request.param


def both_lanes(folder, lane, **settings):
    both = BothLanes(folder, DEFAULT_RELEASE, lane, **settings)
    for broker in both.brokers:
        broker.state.topics.update_list([TopicConfig(name, 1, 1) for name in TOPICS])
    both.warm()
    both.feed(*[send_frame(topic=name) for name in TOPICS])
    both.taken = 0
    return both


@pytest.fixture
def lanes(tmp_path, lane):
    both = both_lanes(tmp_path, lane)
    yield both
    both.close()


def test_sends_to_many_topics_in_turn_leave_the_same(lanes):
    for times in (1, 2, 3):
        data = [send_frame(topic=name, flag=2 * (times == 3)) for name in TOPICS] * times
        lanes.feed(*data, batch_frame(*MEMBERS, topic=TOPICS[times]))
    assert lanes.taken == 6 * len(TOPICS) + 3


def test_a_queue_keeps_the_order_of_sends_that_are_plain_and_others(lanes):
    plain, batch = send_frame(), batch_frame(*MEMBERS)
    lanes.feed(plain + ODD + plain + batch + ODD + plain)
    lanes.feed(ODD + plain + plain)
    assert lanes.taken == 6


def test_a_topic_that_changes_is_asked_about_again(lanes):
    lanes.feed(send_frame(topic="T001"), send_frame(topic="T002"))
    for broker in lanes.brokers:
        broker.state.topics.update(TopicConfig("T001", 1, 1, perm=4))
    lanes.feed(send_frame(topic="T001"), send_frame(topic="T002"))
    assert lanes.taken == 3
    for broker in lanes.brokers:
        broker.state.topics.update(TopicConfig("T001", 1, 1))
    lanes.feed(send_frame(topic="T001"), send_frame(topic="T002"))
    assert lanes.taken == 5


def test_units_of_a_topic_that_is_deleted_within_the_pass_are_dropped(lanes):
    lanes.receive(send_frame(topic="T001") + send_frame(topic="T002"))
    for broker in lanes.brokers:
        broker.state.store.queues.delete_topic("T001")
    lanes.end_pass()
    assert lanes.brokers[1].state.store.queues.find("T001", 0) is None
    lanes.feed(*[send_frame(topic=name) for name in ("T001", "T001", "T002")] * 2)
    queues = lanes.brokers[1].state.store.queues
    assert [queues.find(name, 0).max_offset for name in ("T001", "T002")] == [4, 4]


def test_a_write_that_fails_takes_the_offsets_of_all_queues_back(lanes, monkeypatch):
    def fail(log):
        raise OSError(5, "Input/output error")

    lanes.receive(*[send_frame(topic=name) for name in TOPICS], ODD + send_frame())
    monkeypatch.setattr(CommitLog, "write", fail)
    lanes.end_pass()
    offsets = {queue.next_offset for queue in lanes.brokers[1].state.store.queues}
    assert offsets == {1}


def test_a_long_tail_is_written_within_the_pass(lanes, monkeypatch):
    for module in (consume_queue, queue_table):
        monkeypatch.setattr(module, "TAIL_LIMIT", 5 * UNIT)
    lanes.feed(send_frame(topic="T001") * 4)
    written = [b.state.store.queues.find("T001", 0).written for b in lanes.brokers]
    assert written == [0, 0]
    lanes.feed(send_frame(topic="T001"))
    written = [b.state.store.queues.find("T001", 0).written for b in lanes.brokers]
    assert written == [6 * UNIT] * 2


def test_extension_units_are_made_of_what_the_lane_brings(tmp_path, lane):
    lanes = both_lanes(tmp_path, lane, enable_consume_queue_ext=True)
    for _ in range(3):
        lanes.feed(*[send_frame(topic=name) for name in TOPICS])
    units = [b.state.store.queues.find("T001", 0).read(0, 4) for b in lanes.brokers]
    assert units[0] == units[1]
    lanes.close()


def test_a_pull_that_waits_for_one_of_many_queues_is_told(lanes):
    told = []
    store = lanes.brokers[1].state.store
    store.events.arrived = lambda *what: told.append(what)
    lanes.feed(*[send_frame(topic=name) for name in TOPICS])
    assert told == []
    store.events.awaited = lambda: True
    lanes.feed(*[send_frame(topic=name) for name in TOPICS])
    assert [what[:3] for what in told] == [(name, 0, 3) for name in TOPICS]


def test_a_run_that_fails_leaves_nothing_for_the_next(tmp_path):
    broker = on_lane(PYTHON, tmp_path, DEFAULT_RELEASE)
    broker.state.topics.update(TopicConfig(TOPIC, 1, 1))
    connection = broker.connect("127.0.0.1:50000").connection
    connection.corked = True
    connection.receive_data(send_frame())
    broker.state.store.puts.end_pass()
    sends = broker.core.handlers.lane._sends._take.__self__
    assert isinstance(sends, PlainSends)
    rewrite, seen = sends.rewrite, []

    def failing(data):
        seen.append(data)
        if len(seen) == 2:
            raise ZeroDivisionError("injected")
        return rewrite(data)

    sends.rewrite = failing
    with pytest.raises(ZeroDivisionError):
        broker.core.handlers.lane._sends.take([(connection, send_frame() * 2, 0)])
    connection.receive_data(send_frame())
    broker.state.store.puts.end_pass()
    assert broker.state.store.queues.find(TOPIC, 0).max_offset == 2
    broker.close()
