"""Where messages go, kind by kind."""

from __future__ import annotations

import pytest

from rmqwire.broker.delivery.place import Place, place
from rmqwire.codec.release import V4_9_7, V5_5_0
from tests.support.stores import message

HALF = {"TRAN_MSG": "true"}
TIMED = {"TIMER_DELAY_SEC": "5"}


@pytest.mark.parametrize(
    ("properties", "level", "changes", "where"),
    [
        ({}, 0, {}, Place.PLAIN),
        (HALF, 0, {}, Place.HALF),
        (HALF, 3, {}, Place.HALF),
        (HALF | TIMED, 0, {}, Place.HALF),
        (HALF, 3, {"reconsume_times": 1}, Place.DELAYED),  # sent back after it was committed
        (HALF, 0, {"reconsume_times": 1}, Place.HALF),
        ({"TRAN_MSG": "false"}, 0, {}, Place.PLAIN),
        ({}, 3, {}, Place.DELAYED),
        (TIMED, 0, {}, Place.TIMED),
        (TIMED, 3, {}, Place.DELAYED),
        ({}, 3, {"sys_flag": 0x8}, Place.DELAYED),  # committed
        ({}, 3, {"sys_flag": 0x4}, Place.PLAIN),  # prepared, rolled back: nothing is delayed
        (TIMED, 0, {"sys_flag": 0xC}, Place.PLAIN),
    ],
)
def test_the_place_of_a_message(properties, level, changes, where):
    assert place(message(**changes), properties, level, V5_5_0) is where
    if where is not Place.TIMED:
        assert place(message(**changes), properties, level, V4_9_7) is where


def test_4_9_knows_no_timers():
    assert place(message(), TIMED, 0, V4_9_7) is Place.PLAIN
