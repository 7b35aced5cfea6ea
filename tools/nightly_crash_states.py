"""Check many crash states of the store: ``python -m tools.nightly_crash_states --states 100000``.

The same sweep as ``tests/sim/test_power_cut.py``, over more runs. Prints states, violations and
states per second; exit code 1 when anything broke. ``--seed`` goes on where the last run ended.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.support.crash_states import record_run, sweep
from tests.support.faulty_files import Fault, FaultyFiles

KINDS = 4  # plain, 4096-byte sectors, a sync that failed before, plain


def recorded(seed: int):
    """Give the run of a seed; its kind changes with the seed."""
    if seed % KINDS == 1:
        return record_run(seed, sector=4096, mapped_file_size_commit_log=16384)
    if seed % KINDS == 2:
        fault = Fault("datasync", "commitlog", first=4 + seed % 17)
        return record_run(seed, faults=lambda disk: FaultyFiles(disk, fault))
    return record_run(seed)


def main() -> int:
    """Sweep until enough states were checked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--states", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1000, help="first seed")
    options = parser.parse_args()
    states = violations = 0
    seed, began = options.seed, time.monotonic()
    while states < options.states:
        count, broken = sweep(recorded(seed), seed)
        states += count
        violations += len(broken)
        for state, found in broken[:3]:
            print(f"seed {seed} change {state.at} {state.name}: {found[0]}", flush=True)
        seed += 1
    rate = states / (time.monotonic() - began)
    print(f"states {states} violations {violations} states/s {rate:.0f} next seed {seed}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
