"""The rows of HA faults find what they should: every seeded fault of the replication is killed."""

from __future__ import annotations

import sys

import pytest

from tests.sim import (
    test_ha_divergence_rows,
    test_ha_grid,
    test_ha_master_rows,
    test_ha_slave_rows,
)
from tests.support.ha_mutants import MUTANTS
from tests.support.ha_rows import ROWS

KILLED = []


def first_finding():
    """Go through the rows; name the first one that fails, None if all hold."""
    slow = test_ha_divergence_rows.__name__
    for judge in sorted(ROWS, key=lambda judge: judge.__module__ == slow):
        try:
            judge()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            return judge.__name__
    return None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_mutant_is_killed(monkeypatch, mutant):
    mutant(monkeypatch)
    finding = first_finding()
    assert finding is not None, "this fault of the replication would go unnoticed"
    KILLED.append(mutant.__name__)


def test_the_rows_are_there():
    modules = (
        test_ha_divergence_rows,
        test_ha_grid,
        test_ha_master_rows,
        test_ha_slave_rows,
    )
    assert {judge.__module__ for judge in ROWS} == {module.__name__ for module in modules}


def test_figures(capsys):
    with capsys.disabled():
        sys.stdout.write(f"\nHA mutants killed {len(KILLED)} of {len(MUTANTS)}\n")
    assert len(MUTANTS) >= 15
