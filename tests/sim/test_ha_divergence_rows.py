"""N2, N7, N8: a slave that acknowledges the disk, and one whose log is not its master's."""

from __future__ import annotations

import trio

from rmqwire.errors import LogDiverged
from rmqwire.store.results import PutStatus
from tests.ha.support import Pair, fill, log_bytes, master_store, slave_store
from tests.support.ha_grid import until
from tests.support.ha_rows import row
from tests.support.ha_sim import MASTER, log_from, sim_pair

TOLD_WITHIN_S = 20  # after the master is back


@row
def test_n2_acks_wait_for_the_disk_where_they_shall():
    pair = Pair(master_store(), slave_store(ha_ack_after_flush=True))
    fill(pair.master, 4)
    pair.sync()
    assert pair.connection.ack == 0
    pair.slave.flushes.run_flush(pair.slave.flushes.log_flush_plan(thorough=True))
    pair.link.tick()
    pair.up()
    assert pair.connection.ack == pair.master.max_phy_offset


# --- N7, N8: two logs ------------------------------------------------------------------------------


async def diverge(lost, ours):
    """A master loses its last records to a power cut and writes others; give what the slave says."""
    async with sim_pair(MASTER) as pair:
        for _ in range(5):
            assert await pair.send()
        master = pair.master
        master.files.settle()
        for _ in range(lost):
            assert await pair.send()
        before = log_from(pair.slave.store, 0)
        await master.kill()
        pending = master.files.pending()
        master.files = master.files.crash(pending, [0] * len(pending))
        pair.sent += 100  # other bodies than those that were lost
        await master.start()
        assert master.store.max_phy_offset < len(before)
        fill(master.store, ours, first=700)
        pair.codes.clear()
        with trio.fail_after(TOLD_WITHIN_S):
            await until(lambda: _told(pair), 0.1)
        assert not await pair.send()
        await trio.sleep(30)
        assert not await pair.send()
        assert pair.codes == {PutStatus.FLUSH_SLAVE_TIMEOUT}
        assert log_from(pair.slave.store, 0) == before
        return pair.slave.following.fault


async def _told(pair):
    return "diverged" in pair.slave.following.fault


@row
async def test_n7_a_slave_ahead_is_told_and_nothing_is_appended():
    for lost, ours in [(1, 0), (3, 0), (3, 1), (1, 1), (1, 9), (6, 2), (2, 40)]:
        fault = await diverge(lost, ours)
        assert "diverged" in fault, f"{lost} lost, {ours} other: {fault!r}"


@row
async def test_n7_what_only_the_slave_has_is_saved_and_cut_where_that_is_the_policy():
    async with sim_pair(MASTER, ha_divergence_policy="truncate") as pair:
        for _ in range(5):
            assert await pair.send()
        master, slave = pair.master, pair.slave
        master.files.settle()
        common = master.store.max_phy_offset
        for _ in range(3):
            assert await pair.send()
        lost = log_from(slave.store, 0)[common:]
        await master.kill()
        pending = master.files.pending()
        master.files = master.files.crash(pending, [0] * len(pending))
        pair.acked.clear()
        pair.proxy.watch.reported = -1
        pair.sent += 100
        await master.start()
        await until(pair.send, 0.2)
        await until(pair.in_sync, 0.2)
        assert await pair.verdict() == []
        saved = [data for path, data in slave.files.data.items() if "diverged" in path]
        assert lost in [bytes(data) for data in saved]


@row
def test_n8_a_log_of_equal_length_is_told():
    for same in (1, 10, 40):
        pair = Pair(master_store(), slave_store())
        pair.sync()
        fill(pair.master, same)
        pair.sync()
        copy = pair.master.files.copy()
        fill(pair.master, 3, first=1000)
        pair.sync()
        pair.disconnect()
        before = log_bytes(pair.slave)
        other = Pair(master_store(files=copy), slave_store(files=pair.slave.files.copy()))
        fill(other.master, 3, first=2000)
        assert other.master.max_phy_offset == other.slave.max_phy_offset
        told = False
        try:
            other.sync()
        except LogDiverged as error:
            told = "different at offset" in str(error)
        assert told
        assert log_bytes(other.slave) == before
        assert other.slaves.pushed <= other.link.position
