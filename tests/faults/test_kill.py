"""K1, K2, K5: the broker is killed again and again under load; what it acknowledged is there.

``RMQWIRE_KILLS=200`` asks for more kills than the usual 20.
"""

import json
import os
import random

import pytest
import trio

from rmqwire.store.files import RealFiles
from tests.faults.cluster import Cluster, report
from tests.faults.load import GROUP, Load, run_load, until
from tests.support.checker import Checker
from tests.support.histories import StoreDriver
from tests.support.stores import make_store, small_config

KILLS = int(os.environ.get("RMQWIRE_KILLS", "20"))
PRODUCERS, CONSUMERS = 8, 4
LOG_SIZES = (64 * 1024, 256 * 1024)


def judge(history, cluster, log_size, flush):
    """Check the whole history and the folder that is left behind."""
    checker = Checker().feed_file(history.path)
    checker.feed({"op": "consumed", "group": GROUP})
    config = small_config(
        str(cluster.store),
        mapped_file_size_commit_log=log_size,
        mapped_file_size_consume_queue=6000,
        flush_disk_type=flush,
    )
    store = make_store(RealFiles(), config=config)
    store.open()
    driver = StoreDriver(store, lambda event: _feed_topic(checker, event))
    driver.drain()
    driver.audit()
    store.close()
    return checker


def _feed_topic(checker, event):
    """The broker's own topics hold no messages of ours."""
    if event["op"] == "drain" and event["type"] == "queue" and event["queue"][:6] != "Faults":
        return
    checker.feed(json.loads(json.dumps(event)))


def percentile(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


@pytest.mark.timeout(60 + KILLS * 12)
@pytest.mark.parametrize(
    ("flush", "log_size"), [("ASYNC_FLUSH", LOG_SIZES[0]), ("SYNC_FLUSH", LOG_SIZES[1])]
)
async def test_killed_under_load(tmp_path, history, capsys, flush, log_size):
    rng = random.Random(7)
    cluster = Cluster(tmp_path, flushDiskType=flush, mappedFileSizeCommitLog=log_size)
    load = Load(cluster.namesrv_addr, history)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(run_load, load, PRODUCERS, CONSUMERS)
            for _ in range(KILLS):
                before = load.acked
                await trio.sleep(rng.uniform(0.2, 0.9))
                await until(lambda: load.acked > before, 30)  # noqa: B023 - awaited at once
                history.add("fault", type="start", name="SIGKILL")
                cluster.broker.kill()
                await trio.to_thread.run_sync(cluster.start_broker)
                history.add("fault", type="stop", name="SIGKILL")
            await trio.sleep(1)
            load.stopping = True
        assert cluster.broker.stop() == 0
    finally:
        cluster.close()
    checker = judge(history, cluster, log_size, flush)
    starts = cluster.starts_s[1:]
    report(
        capsys,
        f"{flush}: {KILLS} kills, {checker.acked} acknowledged, violations"
        f" {len(checker.violations)}, start to serving p50 {percentile(starts, 0.5):.2f} s"
        f" p99 {percentile(starts, 0.99):.2f} s",
    )
    assert [str(violation) for violation in checker.violations[:10]] == []
    assert checker.acked > KILLS * 20
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
