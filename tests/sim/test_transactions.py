"""T1-T4: the power goes at any moment of transactions: none half visible, none lost, none twice."""

import sys

import pytest

from rmqwire.broker.processors.transaction_lane import TransactionLane
from tests.support.transaction_mutants import MUTANTS
from tests.support.transaction_sim import Broker, LaneBroker, record_run, sweep

RUNS = [(seed, release) for seed in range(3) for release in ("4.9.7", "5.5.0")]
KINDS = (Broker, LaneBroker)
CHECKED = []
KILLED = []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seed", "release"), RUNS)
def test_every_disk_of_a_power_cut_keeps_its_transactions(seed, release, kind):
    count, wrong = sweep(record_run(seed, release, kind), seed, 60)
    assert wrong == []
    CHECKED.append(count)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_mutant_is_killed(monkeypatch, mutant):
    mutant(monkeypatch)
    for seed, release in RUNS:
        for kind in KINDS:
            if sweep(record_run(seed, release, kind), seed, 60)[1]:
                KILLED.append(mutant.__name__)
                return
    pytest.fail("this fault of transactions would go unnoticed")


def test_a_lane_takes_what_producers_send_here(monkeypatch):
    take, taken = TransactionLane.take, []

    def counted(self, inputs):
        found = take(self, inputs)
        taken.extend(count for count, _ in found)
        return found

    monkeypatch.setattr(TransactionLane, "take", counted)
    record_run(0, "5.5.0", LaneBroker)
    assert sum(taken) > 15


def test_figures(capsys):
    with capsys.disabled():
        sys.stdout.write(
            f"\ntransactions: {sum(CHECKED)} crash states, 0 violations; "
            f"mutants killed {len(KILLED)} of {len(MUTANTS)}\n"
        )
    assert len(MUTANTS) >= 2
