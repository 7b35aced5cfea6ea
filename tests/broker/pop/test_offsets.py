"""A group's offset follows its pops, but never ahead of their check points on the disk."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rmqwire.broker.pop.offsets import PopOffsets, QueueKey

KEY = QueueKey("T", "g", 0)


def offsets() -> tuple[PopOffsets, list[int]]:
    committed: list[int] = []
    return PopOffsets(lambda group, topic, queue_id, offset: committed.append(offset)), committed


def test_a_pop_counts_when_its_check_point_is_on_the_disk():
    pops, committed = offsets()
    step = pops.begin(KEY, 3)
    assert pops.latest(KEY) == 3
    pops.commit(1_000)
    assert committed == []
    step.end = 500
    pops.commit(499)
    assert committed == []
    pops.commit(500)
    assert committed == [3]
    assert pops.latest(KEY) == -1


def test_what_was_refused_and_all_behind_it_begin_again():
    pops, committed = offsets()
    first, second, third = (pops.begin(KEY, end) for end in (3, 5, 9))
    first.end = third.end = 10
    pops.failed(second)
    assert pops.latest(KEY) == 3
    pops.commit(10)
    assert committed == [3]
    pops.failed(second)
    assert len(pops) == 0


def test_what_nobody_wants_is_passed_over_in_its_turn():
    pops, committed = offsets()
    pops.pass_over(KEY, 2)
    assert committed == [2]
    step = pops.begin(KEY, 4)
    pops.pass_over(KEY, 7)
    assert pops.latest(KEY) == 7
    pops.commit(1_000)
    assert committed == [2]
    step.end = 1
    pops.commit(1)
    assert committed == [2, 7]


def test_a_queue_that_is_reset_forgets_its_pops():
    pops, committed = offsets()
    step = pops.begin(KEY, 4)
    pops.clear(KEY)
    step.end = 1
    pops.commit(1)
    pops.failed(step)
    assert committed == []


@given(
    st.lists(st.tuples(st.sampled_from(["begin", "stored", "failed", "flush"]), st.integers(0, 9)))
)
def test_no_offset_passes_a_check_point_that_is_not_on_the_disk(doings):
    pops, committed = offsets()
    steps, log, flushed, handed_out = [], 0, 0, 0
    for what, number in doings:
        if what == "begin":
            begin = max(pops.latest(KEY), committed[-1] if committed else 0)
            handed_out = begin + 1 + number
            steps.append((begin, pops.begin(KEY, handed_out)))
        elif what == "stored" and steps:
            _, step = steps[number % len(steps)]
            if step.end < 0:
                log += 10
                step.end = log
        elif what == "failed" and steps:
            _, step = steps[number % len(steps)]
            if step.end < 0:
                pops.failed(step)
                steps = [entry for entry in steps if entry[1] is not step]
        else:
            flushed = log
        pops.commit(flushed)
        safe = {step.next_offset for _, step in steps if 0 <= step.end <= flushed}
        assert set(committed) <= safe | {0}
