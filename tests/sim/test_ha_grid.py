"""N1: the grid of HA faults, 11 points x 6 faults, on simulated streams, disks and clock.

The 66 cells of the figure stop and kill the slave; 22 more do it to the master.
"""

from __future__ import annotations

import sys

import pytest

from rmqwire.codec.ha import pack_report, pack_transfer
from rmqwire.store.results import PutStatus
from tests.support import ha_tap
from tests.support.ha_grid import CELLS, reach, run_cell
from tests.support.ha_proxy import BLACKHOLE_DOWN, BLACKHOLE_UP, FAULTS, FIN, RST, SIGKILL, SIGSTOP
from tests.support.ha_rows import row
from tests.support.ha_sim import MASTER, SLAVE_NODE, sim_pair
from tests.support.ha_tap import POINTS, Tap, Watch

PASSED = {SLAVE_NODE: [], MASTER: []}


async def run_cells(cells, peer=SLAVE_NODE):
    """Run cells one after the other on one pair; give the results and the pair."""
    results = []
    async with sim_pair(peer) as pair:
        for point, fault in cells:
            results.append(await run_cell(pair, point, fault))
    return results, pair


@pytest.mark.parametrize(
    ("peer", "fault"),
    [(SLAVE_NODE, fault) for fault in FAULTS] + [(MASTER, SIGSTOP), (MASTER, SIGKILL)],
)
async def test_n1_grid(autojump_clock, peer, fault):
    results, pair = await run_cells([cell for cell in CELLS if cell[1] == fault], peer)
    assert len(results) == 11
    assert [str(result) for result in results if result.wrong] == []
    PASSED[peer] += results
    assert pair.codes <= {PutStatus.PUT_OK, PutStatus.FLUSH_SLAVE_TIMEOUT}
    assert pair.acked


@row
async def test_n1_some_cells():
    cells = [
        (ha_tap.PARTIAL_FIRST_REPORT, BLACKHOLE_UP),
        (ha_tap.IN_HEADER, BLACKHOLE_DOWN),
        (ha_tap.IN_BODY, RST),
        (ha_tap.BODY_COMPLETE, SIGKILL),
        (ha_tap.PARTIAL_REPORT, FIN),
        (ha_tap.PAST_SILENCE, SIGSTOP),
    ]
    results, _ = await run_cells(cells)
    assert [str(result) for result in results if result.wrong] == []


def test_n1_figures(capsys):
    with capsys.disabled():
        for peer, results in PASSED.items():
            longest = max((result.heal_s for result in results), default=0)
            sys.stdout.write(
                f"\nHA cells passed with the {peer} stopped or killed: {len(results)};"
                f" lag 0 at most {longest:.0f} s after the fault\n"
            )
    assert len(CELLS) == 66


@pytest.mark.parametrize(
    ("point", "holds"),
    [
        (ha_tap.PARTIAL_FIRST_REPORT, lambda got, end, reported: (got, reported) == (-1, -1)),
        (ha_tap.REPORTED, lambda got, end, reported: got == reported < end),
        (ha_tap.IN_HEADER, lambda got, end, reported: got == end),
        (ha_tap.IN_BODY, lambda got, end, reported: got > end),
        (ha_tap.BODY_COMPLETE, lambda got, end, reported: got > end),
        (ha_tap.APPENDED, lambda got, end, reported: got == end > reported),
        (ha_tap.PARTIAL_REPORT, lambda got, end, reported: got == end > reported),
    ],
)
async def test_a_point_is_what_its_name_says(autojump_clock, point, holds):
    async with sim_pair(ha_transfer_batch_size=100_000) as pair:
        await reach(pair, point, SIGSTOP)
        tap = pair.proxy.links[0].tap
        assert holds(tap.got, pair.slave.store.max_phy_offset, tap.reported)
        await pair.proxy.heal()


# --- the tap itself -------------------------------------------------------------------------------

DOWN = pack_transfer(100, 0) + pack_transfer(100, 40) + bytes(40) + pack_transfer(140, 0)
UP = pack_report(100) + pack_report(100) + pack_report(140)


@pytest.mark.parametrize(
    ("point", "at"),
    [(ha_tap.IN_HEADER, 12 + 5), (ha_tap.IN_BODY, 24 + 20), (ha_tap.BODY_COMPLETE, 24 + 40)],
)
def test_the_tap_cuts_the_master_s_bytes(point, at):
    tap = Tap(Watch(), point)
    tap.up(pack_report(100))
    assert tap.down(DOWN) == at
    assert tap.down(DOWN[at:]) is None  # goes on behind the fault
    tap.up(pack_report(140))
    assert tap.watch.wrong == []


@pytest.mark.parametrize(
    ("point", "at"),
    [
        (ha_tap.PARTIAL_FIRST_REPORT, 3),
        (ha_tap.REPORTED, 8),
        (ha_tap.APPENDED, 16),
        (ha_tap.PARTIAL_REPORT, 16 + 3),
    ],
)
def test_the_tap_cuts_the_slave_s_bytes(point, at):
    tap = Tap(Watch(), point)
    passed = tap.up(UP[:8])
    if passed is None:
        tap.down(DOWN)
        passed = 8 + tap.up(UP[8:])
    assert passed == at
    assert tap.watch.reported == (100 if at > 7 else -1)


@pytest.mark.parametrize(
    "reports", [(100, 141), (100, 140, 120)], ids=["more than it got", "going back"]
)
def test_the_tap_sees_what_no_slave_may_report(reports):
    tap = Tap(Watch())
    tap.up(pack_report(reports[0]))
    tap.down(DOWN)
    for offset in reports[1:]:
        tap.up(pack_report(offset))
    assert "I10" in tap.watch.wrong[0]


def test_there_are_66_cells():
    assert len(CELLS) == len(set(CELLS)) == len(POINTS) * len(FAULTS) == 66
