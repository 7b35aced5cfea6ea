"""Mutate recorded frames, records and files; every decoder may raise what it documents, no more.

Usage: ``python fuzz/frames.py [--count 1000000] [--seed 1] [--only "frame JSON"]``.
Prints a table of outcomes. Exit 1 when a decoder raised anything else, or a result broke its
promise; the bytes that did it are printed as hex.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fuzz.decoders import ROWS, Row
from fuzz.mutate import mutate

MAX_REPORTED = 10  # undocumented errors kept of one decoder


@dataclass(slots=True)
class Outcome:
    """What came of one decoder's run."""

    row: Row
    runs: int = 0
    seconds: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)
    undocumented: list[tuple[str, bytes]] = field(default_factory=list)

    def line(self) -> str:
        """Return the line of the table."""
        refused = ", ".join(f"{name} {count:,}" for name, count in self.errors.most_common())
        read = self.runs - sum(self.errors.values()) - len(self.undocumented)
        bad = len(self.undocumented)
        return (
            f"{self.row.name:18} {self.runs:9,} {read:9,} {bad:5} "
            f"{self.seconds / max(self.runs, 1) * 1e6:8.1f}  {refused}"
        )


def run_row(row: Row, count: int, seed: int) -> Outcome:
    """Run one decoder over ``count`` mutated samples."""
    rng = Random(f"{seed}/{row.name}")
    pool = row.pool()
    if not pool:
        raise SystemExit(f"{row.name}: no samples")
    outcome = Outcome(row)
    started = time.perf_counter()
    for _ in range(count):
        data = mutate(rng, pool)
        if row.finish is not None:
            data = row.finish(data)
        outcome.runs += 1
        try:
            row.decode(data)
        except row.documented as error:
            outcome.errors[type(error).__name__] += 1
        except Exception as error:  # noqa: BLE001 - finding these is what the run is for
            outcome.undocumented.append((f"{type(error).__name__}: {error}", data))
            if len(outcome.undocumented) >= MAX_REPORTED:
                break
    outcome.seconds = time.perf_counter() - started
    return outcome


def run(count: int, seed: int, only: str | None = None) -> list[Outcome]:
    """Spread ``count`` mutations over the decoders and give the outcomes."""
    rows = [row for row in ROWS if only in (None, row.name)]
    share = -(-count // len(rows))
    return [run_row(row, share, seed) for row in rows]


def main() -> int:
    """Run, print the table and the bytes of every undocumented error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[row.name for row in ROWS])
    options = parser.parse_args()
    logging.disable()  # what is left out of a damaged table is told line by line
    outcomes = run(options.count, options.seed, options.only)
    print(f"{'decoder':18} {'mutations':>9} {'read':>9} {'bad':>5} {'us each':>8}  refused")
    for outcome in outcomes:
        print(outcome.line())
    print(f"total {sum(outcome.runs for outcome in outcomes):,}, seed {options.seed}")
    for outcome in outcomes:
        for what, data in outcome.undocumented:
            print(f"\n{outcome.row.name}: {what[:300]}\n  {data[:2000].hex()}")
    return 1 if any(outcome.undocumented for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
