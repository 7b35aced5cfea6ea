"""When to let answers gather before they are read, and for how long."""

from __future__ import annotations

import pytest

from rmqwire.remoting.read_pause import LEAST_MS, MANY, MOST_MS, MOST_SKIPPED, SHARE, ReadPause


def test_while_few_answers_of_many_come_the_pauses_become_longer():
    pause = ReadPause()
    assert [pause.next_ms(3, 253) for _ in range(6)] == [1, 2, 3, MOST_MS, MOST_MS, MOST_MS]


def test_pauses_stay_as_long_as_a_third_to_a_half_takes():
    pause = ReadPause()
    found = [pause.next_ms(*answers) for answers in [(1, 255), (3, 253), (100, 156)] * 2]
    assert found == [1, 2, 0, 2, 3, 0]


@pytest.mark.parametrize(
    ("answered", "waiting"), [(1, 0), (1, MANY - 1), (MANY, SHARE * MANY - 1), (250, 6)]
)
def test_few_sends_and_many_answers_are_read_at_once(answered: int, waiting: int):
    assert not ReadPause().next_ms(answered, waiting)


def test_a_long_pause_that_left_the_other_side_without_work_becomes_shorter():
    pause = ReadPause()
    for _ in range(3):
        pause.next_ms(3, 253)
    found = []
    for _ in range(3):
        pause.next_ms(200, 56)  # what came in the pause
        found.append(pause.next_ms(1, MANY))
    assert found == [2, LEAST_MS, 0]


def test_the_shortest_one_is_made_more_and_more_seldom_then():
    pause, gaps = ReadPause(), []
    for _ in range(12):
        skipped = 0
        while not pause.next_ms(1, MANY):
            skipped += 1
        gaps.append(skipped)
        pause.next_ms(200, 56)
    assert gaps[:5] == [0, 1, 3, 7, 15]
    assert max(gaps) == MOST_SKIPPED


def test_one_pause_that_paid_ends_that():
    pause = ReadPause()
    for answers in [(1, MANY), (200, 56), (1, MANY), (1, MANY)]:
        paused = pause.next_ms(*answers)
    assert paused  # after one that was skipped
    assert not pause.next_ms(100, 156)
    assert pause.next_ms(1, MANY)
    pause.next_ms(200, 56)
    assert [bool(pause.next_ms(1, MANY)) for _ in range(2)] == [False, True]
