"""When a broker rests, and what of its CPU belongs to no load."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bench import machine
from bench.machine import SETTLE_LIMIT_S, settle, share_of


class Process:
    """A process that takes a share of a core, another one from some time on."""

    def __init__(self, *shares, each_s=1.0):
        self.now_s = 0.0
        self.shares, self.each_s = shares, each_s

    def sleep(self, seconds):
        self.now_s += seconds

    def cpu_seconds(self, _):
        passed = [min(max(self.now_s - n * self.each_s, 0), self.each_s) for n in range(99)]
        shares = [*self.shares, *[self.shares[-1]] * 99]
        return sum(share * took for share, took in zip(shares, passed, strict=False))


@pytest.fixture
def run(monkeypatch):
    def start(*shares):
        process = Process(*shares)
        monkeypatch.setattr(machine, "cpu_seconds", process.cpu_seconds)
        clock = SimpleNamespace(monotonic=lambda: process.now_s, sleep=process.sleep)
        monkeypatch.setattr(machine, "time", clock)
        return process

    return start


def test_what_a_process_takes_is_told_for_some_time(run):
    run(0.25)
    assert share_of([1], 2.0) == pytest.approx(0.25)


def test_it_is_waited_until_what_was_put_off_is_done(run):
    process = run(0.9, 0.9, 0.01)
    assert settle([1]) == 0
    assert process.now_s == pytest.approx(2.1)


def test_one_that_never_does_nothing_rests_at_what_it_always_takes(run):
    process = run(0.9, 0.15)
    assert settle([1], 0.15) == pytest.approx(1.1 * 0.15)
    assert process.now_s == pytest.approx(1.1)


def test_nobody_is_waited_for_for_ever(run):
    process = run(0.5)
    settle([1], 0.1)
    assert process.now_s == pytest.approx(SETTLE_LIMIT_S, abs=0.2)
