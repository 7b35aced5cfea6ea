"""D9, D10b, D11 on a real ext4: it fills up, it freezes, its power is cut. ``-m nightly``.

``RMQWIRE_POWER_CUTS=500`` asks for more power cuts than the usual 50.
"""

import os
import time

import pytest
import trio

from tests.faults.cluster import Cluster
from tests.faults.judge import judge
from tests.faults.load import CONSUMERS, PRODUCERS, Load, run_load, until
from tests.faults.mounts import small_disk
from tests.faults.report import report
from tests.faults.rounds import run_rounds, sound

pytestmark = [pytest.mark.nightly, pytest.mark.root]

POWER_CUTS = int(os.environ.get("RMQWIRE_POWER_CUTS", "50"))
LOG_SIZE = 256 * 1024
INDEX = {"maxHashSlotNum": 1000, "maxIndexNum": 4000}
FROZEN_S = 30
FIRST_CLEANING_S = 60
CLEANINGS_S = 15  # a few of them, and of the looks at the disk every 10 s


@pytest.mark.timeout(120 + POWER_CUTS * 15)
async def test_d11_power_cuts(tmp_path, history, capsys):
    """SYNC_FLUSH: what was acknowledged or read is there after every one."""
    settings = {"flushDiskType": "SYNC_FLUSH", "mappedFileSizeCommitLog": LOG_SIZE, **INDEX}
    with small_disk(tmp_path, 256) as disk:
        cluster = Cluster(tmp_path, disk.folder / "store", **settings)

        def cut():
            disk.cut_power()
            cluster.broker.kill()
            disk.unmount()
            disk.mount()
            cluster.start_broker()

        await run_rounds(cluster, history, POWER_CUTS, cut, name="power cut", crash=True)
        checker = judge(history, cluster, LOG_SIZE, "SYNC_FLUSH")
    sound(capsys, f"D11: {POWER_CUTS} power cuts of an ext4", cluster, checker)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("flush", ["ASYNC_FLUSH", "SYNC_FLUSH"])
async def test_d10b_a_disk_frozen_for_30_s(tmp_path, history, capsys, flush):
    """Sends stall, nothing is lost, all goes on by itself."""
    with small_disk(tmp_path, 256) as disk:
        settings = {"flushDiskType": flush, "mappedFileSizeCommitLog": LOG_SIZE, **INDEX}
        cluster = Cluster(tmp_path, disk.folder / "store", **settings)
        load = Load(cluster.namesrv_addr, history)
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(run_load, load, PRODUCERS, CONSUMERS)
                await until(lambda: load.acked > 100, 30)
                history.add("fault", type="start", name="frozen disk")
                with disk.frozen():
                    await trio.sleep(1)
                    before = load.acked
                    await trio.sleep(FROZEN_S - 1)
                    stalled = load.acked == before
                thawed = trio.current_time()
                history.add("fault", type="stop", name="frozen disk")
                await until(lambda: load.acked > before, 30)
                resumed = trio.current_time() - thawed
                await trio.sleep(2)
                load.stopping = True
            assert cluster.broker.stop() == 0
            assert "Traceback" not in cluster.broker.said
        finally:
            cluster.close()
        checker = judge(history, cluster, LOG_SIZE, flush)
    report(
        capsys,
        f"D10b {flush}: frozen for {FROZEN_S} s, {checker.acked} acknowledged,"
        f" {load.refused} in doubt or refused, violations {len(checker.violations)},"
        f" SEND_OK again after {resumed:.2f} s",
    )
    assert [str(violation) for violation in checker.violations[:10]] == []
    assert stalled


def log_files(cluster):
    return sorted(int(file.name) for file in (cluster.store / "commitlog").iterdir())


async def fill(disk, share):
    """Fill the disk up, and let it be looked at and cleaned."""
    disk.fill(f"ballast{share}", share)
    await trio.sleep(CLEANINGS_S)


async def refused_until_freed(load, disk):
    """Send to a full disk, make room; give the refusal, and the seconds until writes are back."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(load.produce, "late")
        await until(lambda: load.refused >= 3, 30)
        remark = load.last_remark
        assert load.acked == 0
        for file in disk.folder.glob("ballast*"):
            file.unlink()
        freed = trio.current_time()
        await until(lambda: load.acked > 0, 30)
        load.stopping = True
        return remark, trio.current_time() - freed


@pytest.mark.timeout(300)
async def test_d9_a_disk_that_fills_up(tmp_path, history, capsys):
    """75 %: what is expired goes. 85 %: what is old goes. 90 %: no writes until there is room."""
    settings = {
        "mappedFileSizeCommitLog": LOG_SIZE,
        "cleanResourceInterval": 1000,
        "deleteCommitLogFilesInterval": 10,
        "deleteWhen": f"{(time.localtime().tm_hour + 12) % 24:02d}",
    }
    with small_disk(tmp_path, 64) as disk:
        cluster = Cluster(tmp_path, disk.folder / "store", **settings, **INDEX)
        load = Load(cluster.namesrv_addr, history, payload=b"x" * 4000)
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(run_load, load, PRODUCERS, 1)
                await until(lambda: len(log_files(cluster)) > 12, 60)
                load.stopping = True
            began = log_files(cluster)
            await trio.sleep(FIRST_CLEANING_S)
            for share in (0.72, 0.80):  # nothing is expired, so nothing goes
                await fill(disk, share)
                assert log_files(cluster) == began
            await fill(disk, 0.88)
            left, share = log_files(cluster), disk.used()
            removed = len(began) - len(left)
            assert removed >= 1
            assert left == began[removed:]
            await fill(disk, 0.97)
            assert log_files(cluster)[-1] == began[-1]  # the one being written stays
            again = Load(cluster.namesrv_addr, history)
            refused, resumed = await refused_until_freed(again, disk)
            assert "CODE: 14" in refused
            assert cluster.broker.stop() == 0
            assert "Traceback" not in cluster.broker.said
        finally:
            cluster.close()
    report(
        capsys,
        f"D9: {len(began)} files of {LOG_SIZE // 1024} KiB; removed at 72 % 0, at 80 % 0, at 88 %"
        f" {removed} (then {share:.0%} used); at 97 % {refused[:90]!r}; writes back"
        f" {resumed:.1f} s after there was room",
    )
