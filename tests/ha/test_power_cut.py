"""N2: a slave that acknowledged loses its power.

By default acks mean the page cache, as in Java: the master alone keeps the promise then. With
``haAckAfterFlush`` what was acknowledged is on the slave's disk.
"""

from __future__ import annotations

import random

import pytest

from tests.ha.support import Pair, fill, log_bytes, master_store, slave_store
from tests.support.crash_states import Run, crash_states, new_disk
from tests.support.recording_files import RecordingFiles
from tests.support.stores import Clock


def replicated(seed: int, **option):
    """Replicate for a while; give the disk's history and (changes so far, highest ack)."""
    rng = random.Random(seed)
    clock = Clock()
    disk = new_disk()
    files = RecordingFiles(disk)
    run = Run(None, disk.copy(), files.trace)
    pair = Pair(master_store(clock), slave_store(clock, files, **option), clock)
    acks = []
    for number in range(25):
        fill(pair.master, rng.randint(1, 3), size=rng.choice((10, 200, 900)), first=number * 10)
        pair.sync()
        if rng.random() < 0.4:
            pair.slave.flushes.run_flush(pair.slave.flushes.log_flush_plan(thorough=True))
        pair.link.tick()
        pair.up()
        acks.append((len(files.trace), pair.slaves.pushed))
    return run, acks, log_bytes(pair.master)


def lost_acks(seed: int, **option) -> tuple[int, int]:
    """Cut the power everywhere; count the states, and those without something acknowledged."""
    run, acks, master = replicated(seed, **option)
    assert acks[-1][1] > len(master) // 2
    states = lost = 0
    for state in crash_states(run, random.Random(seed), per_boundary=10):
        acked = max((ack for at, ack in acks if at <= state.at), default=0)
        slave = slave_store(files=state.files)
        assert master.startswith(log_bytes(slave))
        states += 1
        lost += slave.log.end < acked
    return states, lost


@pytest.mark.parametrize("seed", range(3))
def test_n2_with_the_option_what_was_acknowledged_outlives_the_slave_s_power(seed):
    states, lost = lost_acks(seed, ha_ack_after_flush=True)
    assert states > 200
    assert lost == 0


def test_n2_without_it_the_ack_is_the_page_cache_s():
    assert lost_acks(0)[1] > 0
