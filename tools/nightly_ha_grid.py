"""Run the grid of HA faults on real processes: ``python -m tools.nightly_ha_grid``.

11 points x 6 faults on a SYNC_MASTER with ``inSyncReplicas=2`` and its slave, each a process, with
a fault proxy between them. ``--pair java-rmqwire`` takes a Java master, ``rmqwire-java`` a Java
slave. Each fault has a pair of its own, side by side: they wait most of the time. ``--state FILE``
keeps what has passed, and goes on there. Exit code 1 when a cell failed.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import trio

from interop.cluster import MavenCluster
from interop.ha_grid import JAVA, running_pair
from tests.support.ha_grid import CELLS, EACH_POINT, run_cell
from tests.support.ha_proxy import FAULTS


class Grid:
    """Cells that are left, those that have passed, and how many failed."""

    def __init__(self, options, cells, passed):
        self.options = options
        self.cells = cells
        self.passed = passed
        self.failed = 0
        self.until = time.monotonic() + options.seconds
        self._jobs = trio.CapacityLimiter(options.jobs)

    async def run(self):
        with ExitStack() as stack:
            home = self.options.home
            if home is None:
                home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            groups: dict[str, list] = {}
            for cell in self.cells:
                name = "each-point" if self.options.each_point else cell[1].replace(" ", "-")
                groups.setdefault(name, []).append(cell)
            async with trio.open_nursery() as nursery:
                for name, cells in groups.items():
                    nursery.start_soon(self._run_pair, home / name, cells)

    async def _run_pair(self, home, cells):
        kinds = tuple(self.options.pair.split("-"))
        release = self.options.rocketmq
        cluster = MavenCluster(release, home) if JAVA in kinds else None
        async with self._jobs:
            try:
                async with running_pair(kinds, release, home, cluster) as pair:
                    await self._run_cells(pair, cells)
            except Exception as error:  # noqa: BLE001 - the other pairs go on
                print(f"{cells[0][1]}: {error!r}", flush=True)
                self.failed += 1

    async def _run_cells(self, pair, cells):
        for point, fault in cells:
            if time.monotonic() > self.until:
                return
            result = await run_cell(pair, point, fault)
            print(result, flush=True)
            if result.wrong:
                self.failed += 1
            else:
                self.passed.append([point, fault])
                self._save()

    def _save(self):
        if self.options.state is not None:
            self.options.state.write_text(json.dumps(self.passed))


def main() -> int:
    """Run what has not passed yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pair", default="rmqwire-rmqwire", help="kinds of master and slave")
    parser.add_argument("--rocketmq", default="5.5.0", help="release of both")
    parser.add_argument("--each-point", action="store_true", help="11 cells: each point once")
    parser.add_argument("--fault", choices=FAULTS, help="only this fault")
    parser.add_argument("--jobs", type=int, default=len(FAULTS), help="pairs side by side")
    parser.add_argument("--home", type=Path, help="folder of the stores and logs, kept")
    parser.add_argument("--state", type=Path, help="file of the cells that have passed")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no cell after that")
    options = parser.parse_args()
    state = options.state
    passed = json.loads(state.read_text()) if state is not None and state.exists() else []
    wanted = EACH_POINT if options.each_point else CELLS
    left = [cell for cell in wanted if list(cell) not in passed]
    grid = Grid(options, [cell for cell in left if options.fault in {None, cell[1]}], passed)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the brokers too
    trio.run(grid.run)
    done = sum(list(cell) in passed for cell in wanted)
    print(
        f"{options.pair} {options.rocketmq}: cells passed {done}/{len(wanted)} failed {grid.failed}"
    )
    return 1 if grid.failed else 0


if __name__ == "__main__":
    sys.exit(main())
