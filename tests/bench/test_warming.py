"""When Java is warm."""

import os

import pytest

from bench import warming
from bench.machine import compiling_seconds
from bench.warming import Warming, stands

REST = [0.3, 0.02, 0.0, 0.0]


@pytest.mark.parametrize(
    ("rates", "is_warm"),
    [
        ([100, 100, 100], False),  # nothing to compare with
        ([10, 50, 90, 100], False),
        ([98, 100, 97, 99], True),
        ([100, 60, 90, 70], True),  # noise isn't growth
        ([100, 90, 104, 90], False),
    ],
)
def test_a_rate_stands_when_its_last_three_slices_bring_nothing_new(rates, is_warm):
    assert stands(rates, REST) is is_warm


def test_a_rate_that_others_hold_down_does_not_stand_while_compilers_work():
    assert not stands([100, 100, 100, 100], [0.9, 0.1, 0.15, 0.1])


def test_the_compilers_share_is_that_of_each_slice(monkeypatch):
    seconds, compiled = iter([0.0, 1.0, 3.0]), iter([5.0, 5.5, 5.7])
    monkeypatch.setattr(warming.time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(warming, "compiling_seconds", lambda _: next(compiled))
    process = Warming(1)
    process.add(1_000)
    process.add(2_000)
    assert process._compiling == pytest.approx([0.5, 0.1])
    assert str(process) == "1,000, 2,000"
    assert not process.is_over


def test_what_is_no_jvm_compiles_nothing():
    assert compiling_seconds(os.getpid()) == 0.0
