"""When to let answers gather before they are read."""

from __future__ import annotations

import pytest

from rmqwire.remoting.read_pause import MANY, MOST_SKIPPED, SHARE, ReadPause


def test_few_answers_of_many_are_waited_after():
    pause = ReadPause()
    assert all(pause.pays(3, 253) for _ in range(10))


@pytest.mark.parametrize(
    ("answered", "waiting"), [(1, 0), (1, MANY - 1), (MANY, SHARE * MANY - 1), (250, 6)]
)
def test_few_sends_and_many_answers_are_read_at_once(answered: int, waiting: int):
    assert not ReadPause().pays(answered, waiting)


def test_a_pause_that_left_the_other_side_without_work_is_made_more_and_more_seldom():
    pause, gaps = ReadPause(), []
    for _ in range(12):
        skipped = 0
        while not pause.pays(1, MANY):
            skipped += 1
        gaps.append(skipped)
        pause.pays(200, 56)  # what came in the pause
    assert gaps[:5] == [0, 1, 3, 7, 15]
    assert max(gaps) == MOST_SKIPPED


def test_one_pause_that_paid_ends_that():
    pause = ReadPause()
    for answers in [(1, MANY), (200, 56), (1, MANY), (1, MANY)]:
        paused = pause.pays(*answers)
    assert paused  # after one that was skipped
    assert pause.pays(20, 236)
    pause.pays(200, 56)
    assert [pause.pays(1, MANY) for _ in range(2)] == [False, True]
