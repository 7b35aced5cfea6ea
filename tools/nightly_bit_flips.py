"""Flip many single bits of a log: ``python -m tools.nightly_bit_flips --flips 10000``.

Half of them with Java's checksums alone, half with ``enabledAppendPropCRC``. Prints by field how
many were told; exit code 1 when wrong bytes were served that should have been found.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.support.bit_flips import flip_many


def main() -> int:
    """Flip, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    wrong = 0
    names = ("Java's checksums alone", "with enabledAppendPropCRC")
    for name, flips in zip(names, flip_many(options.flips, options.seed), strict=True):
        open_ = sum(flips.uncovered.values())
        share = 100 * (flips.count - open_) / flips.count
        print(
            f"{name}: flips {flips.count} told or harmless {share:.1f} % wrong {len(flips.wrong)}"
        )
        print(flips.table())
        print(*flips.wrong[:10], sep="\n")
        wrong += len(flips.wrong)
    print(f"seed {options.seed} served wrong {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
