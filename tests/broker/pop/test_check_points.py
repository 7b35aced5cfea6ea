"""Check points and acks as they come out of the revive log, in any order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rmqwire.broker.pop.check_points import CheckPoints, message_offsets
from rmqwire.codec.bodies import AckMsg, BatchAckMsg, PopCheckPoint


def point(start: int = 0, count: int = 1, pop_time: int = 0, invisible: int = 10_000, **fields):
    values = {
        "start_offset": start,
        "pop_time": pop_time,
        "invisible_time": invisible,
        "num": count,
        "topic": "T",
        "cid": "g",
        "queue_offset_diff": list(range(count)),
        "broker_name": "b",
    } | fields
    return PopCheckPoint(**values)


def ack(start: int, offset: int, pop_time: int = 0, **fields) -> AckMsg:
    values = {"consumer_group": "g", "topic": "T", "pop_time": pop_time, "broker_name": "b"}
    return AckMsg(ack_offset=offset, start_offset=start, **(values | fields))


def due(points: CheckPoints, read_to_ms: int) -> list[int]:
    return [pending.revive_offset for pending in points.due(read_to_ms, read_to_ms)]


def test_what_is_not_acknowledged_is_due_two_seconds_after_its_time():
    points = CheckPoints()
    points.add(point(0, 3), 7)
    assert due(points, 12_000) == []
    assert due(points, 12_001) == [7]
    assert points.acknowledge(ack(0, 1), 10_000, "b")
    (pending,) = points.due(12_001, 12_001)
    assert pending.open == {0, 2}


def test_nothing_is_passed_before_it_is_settled_and_on_the_disk():
    points = CheckPoints()
    points.add(point(0), 1)
    points.add(point(1), 2)
    points.acknowledge(ack(1, 1), 10_000, "b")
    assert points.pass_settled(20_000, 1_000) == -1
    (first,) = points.due(20_000, 20_000)
    first.open.clear()
    first.end = 500
    assert points.pass_settled(20_000, 499) == -1
    assert points.pass_settled(20_000, 500) == 2
    assert len(points) == 0


def test_what_waits_for_the_store_or_its_time_is_not_due():
    points = CheckPoints()
    points.add(point(0), 1)
    (pending,) = points.due(20_000, 20_000)
    pending.busy = 1
    assert due(points, 20_000) == []
    assert points.pass_settled(20_000, 1_000) == -1
    pending.busy, pending.retry_ms = 0, 30_000
    assert due(points, 20_000) == []


def test_an_ack_takes_away_only_the_check_point_whose_time_it_names():
    """Java's ack of the first takes the second away too, and the message never comes again."""
    points = CheckPoints()
    points.add(point(0, invisible=10_000), 1)
    points.add(point(0, invisible=4_000), 2)
    assert points.acknowledge(ack(0, 0), 10_000, "b")
    assert [p.revive_offset for p in points.due(20_000, 20_000)] == [2]


def test_an_ack_counts_for_a_check_point_that_the_timers_delivered_twice():
    points = CheckPoints()
    points.add(point(0), 1)
    points.add(point(0), 2)
    assert points.acknowledge(ack(0, 0, broker_name=""), 10_000, "b")
    assert points.pass_settled(20_000, 0) == 2


def test_acks_of_several_messages_and_of_none_that_is_known():
    points = CheckPoints()
    points.add(point(5, 4), 1)
    several = BatchAckMsg(
        ack_offset=-1,
        start_offset=5,
        consumer_group="g",
        topic="T",
        broker_name="b",
        ack_offset_list=[5, 8, 99],
    )
    assert points.acknowledge(several, None, "b")
    (pending,) = points.due(20_000, 20_000)
    assert pending.open == {6, 7}
    assert not points.acknowledge(ack(6, 6), None, "b")


def test_the_offsets_of_old_and_new_check_points():
    assert message_offsets(point(10, 3, queue_offset_diff=None)) == [10, 11, 12]
    assert message_offsets(point(10, 2, queue_offset_diff=[0, 7])) == [10, 17]
    assert message_offsets(point(10, 3, bit_map=0b101)) == [11]


@given(
    st.lists(
        st.tuples(st.sampled_from(["point", "ack", "time", "settle"]), st.integers(0, 40)),
        max_size=40,
    )
)
def test_no_open_message_is_ever_passed(doings):
    points, offset, now, still_open = CheckPoints(), 0, 0, {}
    for what, number in doings:
        if what == "point":
            points.add(point(offset, pop_time=now, invisible=1_000 * number), offset)
            still_open[offset] = (now, now + 1_000 * number)
            offset += 1
        elif what == "ack" and number in still_open:
            pop_time, revive = still_open[number]
            if points.acknowledge(ack(number, number, pop_time), revive, "b"):
                still_open.pop(number)
        elif what == "time":
            now += number * 500
        elif what == "settle":
            for pending in points.due(now, now):
                pending.open.clear()
                still_open.pop(pending.revive_offset, None)
                break
        passed = points.pass_settled(now, 0)
        assert all(open_offset > passed for open_offset in still_open)
