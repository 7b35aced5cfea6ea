"""Power cuts and kills amid pops: ``python -m tools.nightly_pop_crashes --lives 40``.

The same as ``tests/sim/test_pop_power_cut.py``, more of it: the power goes at a third of all changes on
the disk of each life, for every third life once more while what was left open comes again; and one life
is killed at every call of the disk. Prints what was wrong, and how much was tried; exit code 1 when
anything was wrong.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from itertools import count

from tests.support.pop_sim import SYNC, PopCrashes, killed_at


def main() -> int:
    """Try it all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lives", type=int, default=40)
    parser.add_argument("--seed", type=int, default=100, help="of the first life")
    options = parser.parse_args()
    logging.disable()
    began, wrong, states = time.monotonic(), 0, 0
    for seed in range(options.seed, options.seed + options.lives):
        crashes = PopCrashes(seed, **(SYNC if seed % 2 else {}))
        for found in crashes.findings(max(crashes.changes // 3, 1), twice=not seed % 3):
            wrong += 1
            print(f"seed {seed}: {found}", flush=True)
        states += crashes.states
    calls = 0
    for call in count(1):
        found = killed_at(call)
        if found is None:
            break
        calls = call
        if found:
            wrong += 1
            print(found, flush=True)
    print(f"{options.lives} lives, {states} power cuts; killed at each of {calls} calls of another; "
          f"{wrong} wrong; {time.monotonic() - began:.0f} s")  # fmt: skip
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
