"""Tails of queues and what is brought them are the same in Python and in the native lane."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.consume_queue import UNIT
from rmqwire.store.queues.queue_tail import PythonBrought, PythonTail

speedups = pytest.importorskip("rmqwire_speedups")
LANES = ((PythonTail, PythonBrought), (speedups.QueueTail, speedups.Brought))


class Queue:
    """Anything that has a tail."""

    def __init__(self, make_tail):
        self.tail = make_tail(self)


def units(count: int, first: int = 0) -> bytes:
    return b"".join(number.to_bytes(UNIT, "big") for number in range(first, first + count))


def seen(tail) -> tuple:
    return (
        tail.next_offset, tail.start, tail.end, tail.is_unwritten, len(tail), tail.read(0, tail.end)
    )  # fmt: skip


COUNTS = st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.just("append"), COUNTS.map(units)),
    st.tuples(st.just("append"), COUNTS.map(units).map(bytearray)),
    st.tuples(st.just("restart"), COUNTS.map(lambda count: count * UNIT)),
    st.tuples(st.just("shorten"), COUNTS.map(lambda count: count * UNIT)),
    st.tuples(st.just("cut"), COUNTS.map(lambda count: count * UNIT)),
)


@given(st.lists(STEPS), st.integers(0, 300), st.integers(0, 300))
def test_a_tail_has_the_units_from_its_start_to_its_end(steps, begin, stop):
    python, native = (Queue(make_tail).tail for make_tail, _ in LANES)
    for name, value in steps:
        for tail in (python, native):
            getattr(tail, name)(value)
        assert seen(python) == seen(native)
    assert python.read(begin, stop) == native.read(begin, stop)
    assert python.end - python.start == len(python)


ROW = st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 1 << 40), st.integers(1, 3))


@given(
    st.lists(
        st.tuples(st.lists(ROW, max_size=3, unique_by=lambda row: row[0]), st.integers(-5, 1 << 40))
    )
)
def test_what_is_brought_is_visible_and_counted_alike(passes):
    lanes = [([Queue(make_tail) for _ in range(3)], make) for make_tail, make in LANES]
    for rows, elapsed_ms in passes:
        answers = []
        for queues, make in lanes:
            brought = make(
                [
                    (
                        queues[n].tail,
                        queues[n].tail.next_offset + count,
                        units(count),
                        size,
                        min(sends, count),
                    )
                    for n, count, size, sends in rows
                ]
            )
            brought.take_offsets()
            named = [(queues.index(queue), bytes(some)) for queue, some in brought.units()]
            offsets = [queue.tail.next_offset for queue in queues]
            brought.give_back()
            taken_back = [queue.tail.next_offset for queue in queues]
            brought.take_offsets()
            lists = [*brought.dispatch(4 * UNIT), brought.count(max(elapsed_ms, 0))]
            numbers = [[queues.index(queue) for queue in some] for some in lists]
            answers.append(
                (named, offsets, taken_back, numbers, [seen(one.tail) for one in queues])
            )
        assert answers[0] == answers[1]
    counts = [[queue.tail.take_counts() for queue in queues] for queues, _ in lanes]
    assert counts[0] == counts[1]
    assert all(queue.tail.take_counts() == (0, 0, 0, 0) for queues, _ in lanes for queue in queues)


@pytest.mark.parametrize("make_tail", [make_tail for make_tail, _ in LANES])
def test_a_queue_that_nobody_has_any_more_goes(make_tail):
    queue = Queue(make_tail)
    gone = weakref.ref(queue)
    del queue
    gc.collect()
    assert gone() is None
