"""What was deleted stays deleted, and nothing behind it is lost, whenever the power goes.

Topics are deleted and made again by the next send, under one name; every change on the disk is a
moment at which a crash may come, and after each recovery more is written and the power goes again.
"""

import sys

import pytest

from rmqwire.store.deleted_topics import DeletedTopics
from rmqwire.store.queues.queue_table import ConsumeQueueStore
from tests.support.crash_states import record_run, sweep
from tests.support.faulty_files import Fault, FaultyFiles
from tests.support.seeded import nothing

STATES = 100
CHECKED = []


def findings(seed, states=STATES, **settings):
    run = record_run(seed, deletions=True, **settings)
    count, broken = sweep(run, seed, limit=states)
    CHECKED.append(count)
    return [(state.at, state.name, list(map(str, found[:3]))) for state, found in broken]


@pytest.mark.parametrize("seed", range(12))
def test_deletions_and_power_cuts(seed):
    assert findings(seed) == []


@pytest.mark.parametrize("seed", [200, 201])
def test_deletions_after_a_failed_sync(seed):
    def faults(disk):
        return FaultyFiles(disk, Fault("datasync", "commitlog", first=8 + seed % 7))

    assert findings(seed, faults=faults) == []


def forget_deletions(patch):
    patch.setattr(DeletedTopics, "covers", lambda *_: False)
    patch.setattr(ConsumeQueueStore, "drop_deleted", nothing)


def note_nothing(patch):
    patch.setattr(DeletedTopics, "add", nothing)


def keep_notes_above_the_end(patch):
    patch.setattr(DeletedTopics, "cut", nothing)


def leave_half_deleted_queues(patch):
    patch.setattr(ConsumeQueueStore, "drop_deleted", nothing)


# Each with the run that shows it, as long as runs are what they are now; else it is looked for.
MUTANTS = (
    (forget_deletions, 0),
    (note_nothing, 0),
    (keep_notes_above_the_end, 9),
    (leave_half_deleted_queues, 0),
)


@pytest.mark.parametrize(
    ("mutant", "seed"), MUTANTS, ids=[mutant.__name__ for mutant, _ in MUTANTS]
)
def test_a_seeded_fault_is_found(monkeypatch, mutant, seed):
    mutant(monkeypatch)
    found = any(findings(one) for one in (seed, *range(12)))
    assert found, "this fault would go unnoticed"


def test_figures(capsys):
    with capsys.disabled():
        sys.stdout.write(f"\ndeletions: {sum(CHECKED)} crash states of {len(CHECKED)} runs\n")
