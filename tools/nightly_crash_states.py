"""Check many crash states of the store: ``python -m tools.nightly_crash_states --states 100000``.

The same sweep as ``tests/sim/test_power_cut.py``, over more runs. Prints states, violations and
states per second; exit code 1 when anything broke. ``--seed`` chooses the first run. With
``--progress FILE`` the totals stand in that file after each run, and a later call goes on from
them: so it may be stopped at any time, or be done in pieces of ``--seconds``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.support.crash_states import record_run, sweep
from tests.support.faulty_files import Fault, FaultyFiles

KINDS = 4  # plain, 4096-byte sectors, a sync that failed before, plain


@dataclass(slots=True)
class Totals:
    """What all calls together have checked."""

    seed: int  # of the next run
    runs: int = 0
    states: int = 0
    violations: int = 0
    seconds: float = 0.0

    def add(self, states: int, violations: int, seconds: float) -> None:
        """Count one run."""
        self.seed += 1
        self.runs += 1
        self.states += states
        self.violations += violations
        self.seconds += seconds

    def __str__(self) -> str:
        rate = self.states / max(self.seconds, 0.001)
        return (
            f"runs {self.runs} states {self.states} violations {self.violations}"
            f" states/s {rate:.0f} next seed {self.seed}"
        )


def recorded(seed: int):
    """Return the run of a seed; its kind changes with the seed."""
    if seed % KINDS == 1:
        return record_run(seed, sector=4096, mapped_file_size_commit_log=16384)
    if seed % KINDS == 2:
        fault = Fault("datasync", "commitlog", first=4 + seed % 17)
        return record_run(seed, faults=lambda disk: FaultyFiles(disk, fault))
    return record_run(seed)


def check_run(seed: int) -> tuple[int, int]:
    """Sweep one run; give its states and how many of them broke something."""
    count, broken = sweep(recorded(seed), seed)
    for state, found in broken[:3]:
        print(f"seed {seed} change {state.at} {state.name}: {found[0]}", flush=True)
    return count, len(broken)


def totals_of(options: argparse.Namespace) -> Totals:
    """Return the totals to go on from."""
    if options.progress and options.progress.exists():
        return Totals(**json.loads(options.progress.read_text("utf-8")))
    return Totals(options.seed)


def main() -> int:
    """Sweep until enough states were checked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--states", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1000, help="first seed")
    parser.add_argument("--progress", type=Path, help="file of the totals, to go on later")
    parser.add_argument("--seconds", type=float, help="begin no further run after this time")
    options = parser.parse_args()
    totals = totals_of(options)
    end = time.monotonic() + (options.seconds or float("inf"))
    while totals.states < options.states and time.monotonic() < end:
        began = time.monotonic()
        totals.add(*check_run(totals.seed), time.monotonic() - began)
        if options.progress:
            options.progress.write_text(json.dumps(asdict(totals)), "utf-8")
    print(totals)
    return 1 if totals.violations else 0


if __name__ == "__main__":
    sys.exit(main())
