"""T1-T4: the power goes at any moment of transactions: none half visible, none lost, none twice."""

import sys

import pytest

from tests.support.transaction_mutants import MUTANTS
from tests.support.transaction_sim import record_run, sweep

RUNS = [(seed, release) for seed in range(3) for release in ("4.9.7", "5.5.0")]
CHECKED = []
KILLED = []


@pytest.mark.parametrize(("seed", "release"), RUNS)
def test_every_disk_of_a_power_cut_keeps_its_transactions(seed, release):
    count, wrong = sweep(record_run(seed, release), seed, 60)
    assert wrong == []
    CHECKED.append(count)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_mutant_is_killed(monkeypatch, mutant):
    mutant(monkeypatch)
    for seed, release in RUNS:
        if sweep(record_run(seed, release), seed, 60)[1]:
            KILLED.append(mutant.__name__)
            return
    pytest.fail("this fault of transactions would go unnoticed")


def test_figures(capsys):
    with capsys.disabled():
        sys.stdout.write(
            f"\ntransactions: {sum(CHECKED)} crash states, 0 violations; "
            f"mutants killed {len(KILLED)} of {len(MUTANTS)}\n"
        )
    assert len(MUTANTS) >= 2
