"""The lab finds what it should: every seeded fault of the store is killed."""

import sys

import pytest

from tests.support.lab import STAGES, first_finding
from tests.support.mutants import MUTANTS

KILLED = []


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_the_store_itself_survives(stage):
    assert stage() == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_mutant_is_killed(monkeypatch, mutant):
    mutant(monkeypatch)
    finding = first_finding()
    assert finding is not None, "this fault of the store would go unnoticed"
    KILLED.append(mutant.__name__)


def test_figures(capsys):
    with capsys.disabled():
        sys.stdout.write(f"\nmutants killed {len(KILLED)} of {len(MUTANTS)}\n")
    assert len(MUTANTS) >= 20
