"""D1, D2: the power goes at any moment of a SYNC_FLUSH store's life, and then once more.

``python -m tools.nightly_crash_states`` runs the same over many more states.
"""

import sys

import pytest

from rmqwire.store.folder import flush_plan
from rmqwire.store.folder.flush_plan import FlushPlan
from tests.support.crash_states import record_run, sweep
from tests.support.faulty_files import Fault, FaultyFiles

STATES = 250
RUNS = 24
CHECKED = []


def sweep_all_well(run, seed, states=STATES):
    count, broken = sweep(run, seed, limit=states)
    assert [(state.at, state.name, list(map(str, found[:3]))) for state, found in broken] == []
    assert count > states * 0.8
    CHECKED.append(count)


@pytest.mark.parametrize("seed", range(14))
def test_power_cut(seed):
    sweep_all_well(record_run(seed), seed)


@pytest.mark.parametrize("seed", [100, 101])
def test_power_cut_with_sectors_of_4096_bytes(seed):
    run = record_run(seed, sector=4096, mapped_file_size_commit_log=16384)
    sweep_all_well(run, seed, 400)


@pytest.mark.parametrize("seed", [300, 301])
def test_power_cut_with_extension_units(seed):
    """No tags code is another one, wherever it stands: in a unit or in its extension."""
    run = record_run(seed, enable_consume_queue_ext=True, mapped_file_size_consume_queue_ext=500)
    sweep_all_well(run, seed, 250)


@pytest.mark.parametrize("seed", [400, 401, 402])
def test_power_cut_with_queues_that_are_synced_together(seed, monkeypatch):
    monkeypatch.setattr(flush_plan, "ONE_BY_ONE", 0)
    run = record_run(seed)
    assert any(one.kind == "sync_all" for one in run.trace)
    sweep_all_well(run, seed)


def test_queues_that_only_seem_to_be_synced_are_found(monkeypatch):
    monkeypatch.setattr(FlushPlan, "_sync_together", lambda self, files: bool(self._folders))
    count, broken = sweep(record_run(400), 400, limit=STATES)
    assert count > 0
    assert broken


@pytest.mark.parametrize("seed", [200, 201, 202])
def test_power_cut_after_a_failed_sync(seed):
    """The sync before the cut failed, and those after it did nothing and said yes."""

    def faults(disk):
        return FaultyFiles(disk, Fault("datasync", "commitlog", first=8 + seed % 7))

    sweep_all_well(record_run(seed, faults=faults), seed, 200)


def test_figures(capsys):
    with capsys.disabled():
        sys.stdout.write(
            f"\npower cuts: {sum(CHECKED)} states of {len(CHECKED)} runs, 0 violations\n"
        )
    assert sum(CHECKED) >= 5000 or len(CHECKED) < RUNS
