"""K1, K2, K5: the broker is killed again and again under load; what it acknowledged is there.

``RMQWIRE_KILLS=200`` asks for more kills than the usual 20.
"""

import os

import pytest
import trio

from tests.faults.cluster import Cluster
from tests.faults.judge import judge
from tests.faults.load import CONSUMERS, PRODUCERS, Load, run_load
from tests.faults.rounds import run_rounds, sound

KILLS = int(os.environ.get("RMQWIRE_KILLS", "20"))
LOG_SIZES = (64 * 1024, 256 * 1024)


@pytest.mark.timeout(60 + KILLS * 12)
@pytest.mark.parametrize(
    ("flush", "log_size"), [("ASYNC_FLUSH", LOG_SIZES[0]), ("SYNC_FLUSH", LOG_SIZES[1])]
)
async def test_killed_under_load(tmp_path, history, capsys, flush, log_size):
    cluster = Cluster(tmp_path, flushDiskType=flush, mappedFileSizeCommitLog=log_size)

    def kill():
        cluster.broker.kill()
        cluster.start_broker()

    await run_rounds(cluster, history, KILLS, kill, name="SIGKILL")
    sound(capsys, f"{flush}: {KILLS} kills", cluster, judge(history, cluster, log_size, flush))
    segments = len(list((cluster.store / "commitlog").iterdir()))
    assert segments > 2


@pytest.mark.timeout(120)
@pytest.mark.parametrize("flush", ["ASYNC_FLUSH", "SYNC_FLUSH"])
async def test_sigterm_under_load(tmp_path, history, flush):
    size = LOG_SIZES[1]
    cluster = Cluster(tmp_path, flushDiskType=flush, mappedFileSizeCommitLog=size)
    load = Load(cluster.namesrv_addr, history)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(run_load, load, PRODUCERS, CONSUMERS)
            for _ in range(2):
                await trio.sleep(1)
                history.add("fault", type="start", name="SIGTERM")
                code = await trio.to_thread.run_sync(cluster.broker.stop)
                assert (code, (cluster.store / "abort").exists()) == (0, False)
                await trio.to_thread.run_sync(cluster.start_broker)
            load.stopping = True
        assert cluster.broker.stop() == 0
    finally:
        cluster.close()
    checker = judge(history, cluster, size, flush)
    assert [str(violation) for violation in checker.violations[:10]] == []
