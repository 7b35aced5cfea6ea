"""A fault that comes again and again under load, and what must be true after the last one."""

import random

import trio

from tests.faults.load import CONSUMERS, PRODUCERS, Load, run_load, until
from tests.faults.report import percentile, report


async def run_rounds(cluster, history, count, fault, **named):
    """Let ``fault`` happen ``count`` times, each time after new messages were acknowledged.

    Args:
        cluster: serves the load; ended here.
        history: where each round's begin and end are written.
        count: of the faults.
        fault: makes it happen and starts the broker again; runs in a thread.
        named: what the history says of it.
    """
    rng = random.Random(7)
    load = Load(cluster.namesrv_addr, history)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(run_load, load, PRODUCERS, CONSUMERS)
            for _ in range(count):
                before = load.acked
                await trio.sleep(rng.uniform(0.2, 0.9))
                await until(lambda: load.acked > before, 30)  # noqa: B023 - awaited at once
                history.add("fault", type="start", **named)
                await trio.to_thread.run_sync(fault)
                history.add("fault", type="stop", name=named["name"])
            await trio.sleep(1)
            load.stopping = True
        assert cluster.broker.stop() == 0
    finally:
        cluster.close()


def sound(capsys, what, cluster, checker):
    """Report a history of many faults and find nothing wrong in it."""
    starts = sorted(cluster.starts_s[1:])
    report(
        capsys,
        f"{what}, {checker.acked} acknowledged, violations {len(checker.violations)},"
        f" start to serving p50 {percentile(starts, 0.5):.2f} s"
        f" p99 {percentile(starts, 0.99):.2f} s",
    )
    assert [str(violation) for violation in checker.violations[:10]] == []
    assert checker.acked > len(starts) * 20
