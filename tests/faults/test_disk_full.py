"""D8, C9: a disk of 4 MiB fills up under load and is freed again; two brokers, one folder."""

import os
import subprocess
import sys

import pytest
import trio

from tests.faults.cluster import Cluster, Server
from tests.faults.load import Load, run_load, until
from tests.faults.report import report
from tests.faults.test_kill import judge
from tests.support.histories import HistoryFile

LOG_SIZE = 256 * 1024
INDEX = {"maxHashSlotNum": 1000, "maxIndexNum": 4000}  # bytes: 84 KB, not 420 MB
RESUME_S = 10


@pytest.fixture
def small_disk(tmp_path):
    """Mount 4 MiB of tmpfs."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs Linux and root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine doesn't let us mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.root
@pytest.mark.timeout(150)
@pytest.mark.parametrize("flush", ["ASYNC_FLUSH", "SYNC_FLUSH"])
async def test_disk_full(tmp_path, small_disk, capsys, flush):
    history = HistoryFile(tmp_path / "history.jsonl")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    cluster = Cluster(small_disk, flushDiskType=flush, mappedFileSizeCommitLog=LOG_SIZE, **INDEX)
    load = Load(cluster.namesrv_addr, history, payload=b"x" * 2000)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(run_load, load, 8, 4)
            await until(lambda: load.refused >= 20, 60)
            history.add("fault", type="start", name="disk full")
            assert "space" in load.last_remark or "disk" in load.last_remark.lower()
            assert cluster.broker.process.poll() is None
            await load.caught_up(20)
            assert not load.acked_places - load.consumed  # reading goes on
            full_at = load.acked
            ballast.unlink()
            history.add("fault", type="stop", name="disk full")
            began = trio.current_time()
            await until(lambda: load.acked > full_at, RESUME_S)
            resumed = trio.current_time() - began
            await trio.sleep(0.5)
            load.stopping = True
        assert cluster.broker.stop() == 0
        assert "Traceback" not in cluster.broker.said
    finally:
        cluster.close()
        history.close()
    checker = judge(history, cluster, LOG_SIZE, flush)
    report(
        capsys,
        f"{flush}, disk full: {checker.acked} acknowledged, {load.refused} refused,"
        f" violations {len(checker.violations)}, writes back after {resumed:.2f} s",
    )
    assert [str(violation) for violation in checker.violations[:10]] == []


def test_two_brokers_on_one_folder(tmp_path):
    cluster = Cluster(tmp_path)
    try:
        conf = tmp_path / "second.conf"
        conf.write_text(cluster.conf.read_text().replace(str(cluster.port), "0"))
        with pytest.raises(AssertionError, match="Lock failed"):
            Server("broker", "-c", conf, ready="data in")
        assert cluster.broker.process.poll() is None
        assert cluster.broker.stop() == 0
    finally:
        cluster.close()
