"""When the loop waits awake, and for how long."""

from __future__ import annotations

import os
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rmqwire.remoting.busy_wait import MOST_SLEPT, WAIT_S, BusyWait

FOUND = [(5, 1)]


class Sockets:
    """Sockets that become readable some time after a wait began; the clock moves with each look."""

    def __init__(self, is_alone=False):
        self.now_s = 0.0
        self.looks = 0
        self.comes_s = 0.0
        self.wait = BusyWait(mono_s=lambda: self.now_s, is_alone=is_alone)

    def look(self):
        self.looks += 1
        self.now_s += 1e-6
        return FOUND if self.now_s >= self.comes_s else []

    def wait_for(self, after_s):
        """Return what is found if something comes after a time, and how often was looked."""
        self.looks, self.comes_s = 0, self.now_s + after_s
        return self.wait.look(self.look), self.looks


def test_who_asks_again_soon_is_waited_for_each_time():
    sockets = Sockets()
    for _ in range(1000):
        found, looks = sockets.wait_for(40e-6)
        assert found == FOUND
        assert 40 <= looks <= 41


def test_nobody_is_waited_for_longer_than_it_takes_to_sleep_and_wake():
    sockets = Sockets()
    found, looks = sockets.wait_for(1)
    assert found == []
    assert 99 <= looks <= 101
    assert sockets.now_s <= WAIT_S + 2e-6


def test_who_thinks_between_requests_costs_less_and_less():
    sockets = Sockets()
    tries = [number for number in range(2000) if sockets.wait_for(1)[1]]
    gaps = [b - a for a, b in pairwise(tries)]
    assert gaps[:8] == [2, 4, 8, 16, 32, 64, 128, 256]
    assert set(gaps[8:]) == {MOST_SLEPT + 1}


def test_one_who_asks_soon_again_is_waited_for_at_once():
    sockets = Sockets()
    for _ in range(600):
        sockets.wait_for(1)
    while sockets.wait_for(10e-6) != (FOUND, 10):
        pass
    assert sockets.wait_for(10e-6)[0] == FOUND
    assert sockets.wait_for(1)[0] == []
    assert [sockets.wait_for(10e-6)[0] for _ in range(2)] == [[], FOUND]


def test_with_one_core_nobody_could_ask_meanwhile():
    sockets = Sockets(is_alone=True)
    assert sockets.wait_for(10e-6) == ([], 0)


def test_the_cores_of_the_process_count(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert BusyWait().look(lambda: FOUND) == []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 3})
    assert BusyWait().look(lambda: FOUND) == FOUND
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert BusyWait().look(lambda: FOUND) == []


@given(st.lists(st.booleans(), max_size=300))
def test_what_is_there_in_time_is_never_lost(soon):
    sockets = Sockets()
    for one in soon:
        found, looks = sockets.wait_for(20e-6 if one else 1)
        assert found == (FOUND if one and looks else [])
