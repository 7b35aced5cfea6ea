"""Run the grid of HA faults on real processes: ``python -m tools.nightly_ha_grid``.

11 points x 6 faults on a SYNC_MASTER with ``inSyncReplicas=2`` and its slave, each a process, with
a fault proxy between them. ``--pair java-rmqwire`` takes a Java master, ``rmqwire-java`` a Java
slave. ``--state FILE`` keeps what has passed, and goes on there. Exit code 1 when a cell failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import trio

from interop.cluster import MavenCluster
from interop.ha_grid import JAVA, running_pair
from tests.support.ha_grid import CELLS, run_cell
from tests.support.ha_proxy import FAULTS
from tests.support.ha_tap import POINTS

EACH_POINT = [(point, FAULTS[at % len(FAULTS)]) for at, point in enumerate(POINTS)]


async def run(options, cells, passed) -> int:
    """Run cells until they're done or the time is over; give how many failed."""
    kinds = tuple(options.pair.split("-"))
    failed = 0
    until = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        cluster = MavenCluster(options.rocketmq, home) if JAVA in kinds else None
        async with running_pair(kinds, options.rocketmq, home, cluster) as pair:
            for point, fault in cells:
                if time.monotonic() > until:
                    break
                result = await run_cell(pair, point, fault)
                print(result, flush=True)
                failed += bool(result.wrong)
                if not result.wrong:
                    passed.append([point, fault])
    return failed


def main() -> int:
    """Run what has not passed yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pair", default="rmqwire-rmqwire", help="kinds of master and slave")
    parser.add_argument("--rocketmq", default="5.5.0", help="release of both")
    parser.add_argument("--each-point", action="store_true", help="11 cells: each point once")
    parser.add_argument("--fault", choices=FAULTS, help="only this fault")
    parser.add_argument("--state", type=Path, help="file of the cells that have passed")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no cell after that")
    options = parser.parse_args()
    state = options.state
    passed = json.loads(state.read_text()) if state is not None and state.exists() else []
    wanted = EACH_POINT if options.each_point else CELLS
    left = [cell for cell in wanted if list(cell) not in passed]
    failed = trio.run(run, options, [c for c in left if options.fault in {None, c[1]}], passed)
    if state is not None:
        state.write_text(json.dumps(passed))
    done = sum(list(cell) in passed for cell in wanted)
    print(f"{options.pair} {options.rocketmq}: cells passed {done}/{len(wanted)} failed {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
