"""N1 beside Java: every fault at every point of the link, a Java master or a Java slave.

The same cells as ``python -m tools.nightly_ha_grid --pair java-rmqwire``, which can go on where it
stopped. All 66 of both pairs: ``pytest interop/test_ha_grid.py -m optin --rocketmq 5.5.0 -k grid``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from interop.cluster import Cluster
from interop.ha_grid import running_pair
from tests.support.ha_grid import CELLS, EACH_POINT, run_cell
from tests.support.ha_proxy import FAULTS

PAIRS = ("java-rmqwire", "rmqwire-java")
pytestmark = pytest.mark.optin


async def passed(kinds: str, version: str, home: Path, cluster: Cluster, cells: list) -> int:
    """Run cells on a pair that is kept running; fail with those that are not as they should be."""
    master, slave = kinds.split("-")
    async with running_pair((master, slave), version, home, cluster) as pair:
        results = [await run_cell(pair, point, fault) for point, fault in cells]
    assert [str(result) for result in results if result.wrong] == []
    return len(results)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("pair", PAIRS)
async def test_n1_grid(
    cluster: Cluster, version: str, tmp_path: Path, capsys, pair: str, fault: str
) -> None:
    cells = [cell for cell in CELLS if cell[1] == fault]
    count = await passed(pair, version, tmp_path, cluster, cells)
    with capsys.disabled():
        sys.stdout.write(f"\n{pair} {version}, {fault}: cells passed {count}/{len(cells)}\n")


@pytest.mark.parametrize("pair", PAIRS)
async def test_n1_each_point(
    cluster: Cluster, version: str, tmp_path: Path, capsys, pair: str
) -> None:
    count = await passed(pair, version, tmp_path, cluster, EACH_POINT)
    with capsys.disabled():
        sys.stdout.write(f"\n{pair} {version}, each point: cells passed {count}/11\n")
