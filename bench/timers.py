"""Timers: a million that wait, and a simulated week of random times.

    python -m bench timers [--pending 1000000] [--week 100000]

The first fills a store with timers, says how fast they get into the wheel, how much memory they take and how
long a start takes, and delivers a part of them. The second sends random times over seven days to a clock that
is moved, with restarts, and says how late they came.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from rmqwire.broker.delivery.timers import TimerMessageStore
from rmqwire.broker.stats import BrokerStats
from rmqwire.broker.tables.timer_metrics import TimerMetrics
from rmqwire.codec import message_const as const
from rmqwire.codec.record import iter_messages, pack_host
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.disk.files import RealFiles
from rmqwire.disk.table_file import ConfigFile
from rmqwire.store.config import StoreConfig
from rmqwire.store.message_store import MessageStore
from rmqwire.store.results import MessageInner

HOST = pack_host("127.0.0.1", 10911)
BEGIN_MS = 1_795_000_000_000
DAY_MS = 86_400_000
PASS = 64  # sends of one pass


class Bench:
    """A store with timers on a real disk and a clock that is moved."""

    def __init__(self, root: Path, now_ms: int) -> None:
        self.now_ms = now_ms
        config = StoreConfig(
            store_path_root_dir=str(root),
            mapped_file_size_commit_log=256 << 20,
            timer_max_delay_sec=8 * 86_400,
            max_hash_slot_num=1_000,
            max_index_num=4_000,
            message_index_enable=False,
        )
        files = RealFiles()
        self.store = MessageStore(config, DEFAULT_RELEASE, files, self.clock, HOST)
        self.store.open()
        metrics = ConfigFile(f"{root}/config/timermetrics", files, holds="timingCount")
        self.timers = TimerMessageStore(
            self.store,
            DEFAULT_RELEASE,
            "broker-a",
            TimerMetrics(metrics, DEFAULT_RELEASE, self.clock),
            BrokerStats("c"),
            self.clock,
            Random(1),
            lambda: None,
        )
        began = time.perf_counter()
        self.timers.start()
        self.started_s = time.perf_counter() - began

    def clock(self) -> int:
        return self.now_ms

    def send(self, number: int, due_ms: int) -> None:
        inner = MessageInner("T", 0, 0, 0, b"", b"%d" % due_ms, 0, self.now_ms, HOST)
        properties = {
            const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX: f"{number:032X}",
            const.PROPERTY_TIMER_DELIVER_MS: str(due_ms),
        }
        self.timers.delay(inner, properties)
        self.store.puts.put(inner, lambda _: None)

    def work(self) -> int:
        """Do all that is to be done now; return when there is more."""
        while True:
            due = self.timers.step()
            self.store.puts.end_pass()
            if due is None or due > self.now_ms:
                return due or self.now_ms + 1_000

    def flush(self) -> None:
        plan = self.timers.flush_plan()
        if plan is not None:
            plan.run(self.store.files)
            self.timers.flushed(plan)

    def close(self) -> None:
        self.timers.stop()
        self.store.close()


def memory_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def pending(root: Path, count: int) -> None:
    """Let many wait over three days, start again, deliver an hour of them."""
    rng = Random(1)
    bench = Bench(root, BEGIN_MS)
    before = memory_mib()
    began = time.process_time()
    for first in range(0, count, PASS):
        for number in range(first, min(first + PASS, count)):
            bench.send(number, BEGIN_MS + 10_000 + rng.randrange(3 * DAY_MS))
        bench.store.puts.end_pass()
    sent_s = time.process_time() - began
    began = time.process_time()
    bench.work()
    enqueued_s = time.process_time() - began
    say(f"{count:,} timers: send {1e6 * sent_s / count:.0f} us, into the wheel "
        f"{1e6 * enqueued_s / count:.0f} us each (CPU); {memory_mib() - before:.0f} MiB more")  # fmt: skip
    bench.flush()
    bench.close()
    bench = Bench(root, BEGIN_MS + 1_000)
    say(f"start with them: {bench.started_s:.2f} s, {memory_mib():.0f} MiB in all")
    began = time.process_time()
    bench.now_ms += 3_600_000 * 6
    bench.work()
    delivered = bench.store.max_offset("T", 0)
    took_s = time.process_time() - began
    say(f"{delivered:,} due at once: {1e6 * took_s / max(delivered, 1):.0f} us each (CPU)")
    bench.close()


def week(root: Path, count: int) -> None:
    """Random times over seven days, rolled at the window of two, with two restarts."""
    rng = Random(2)
    bench = Bench(root, BEGIN_MS)
    end_ms = BEGIN_MS + 7 * DAY_MS
    moments = sorted(rng.randrange(BEGIN_MS, end_ms) for _ in range(count))
    restarts = [BEGIN_MS + 2 * DAY_MS, BEGIN_MS + 5 * DAY_MS]
    for number, moment in enumerate(moments):
        _go_to(bench, moment)
        bench.send(number, moment + rng.randrange(1_000, 4 * DAY_MS))
        bench.store.puts.end_pass()
        bench.work()
        if restarts and moment >= restarts[0]:
            restarts.pop(0)
            bench.close()
            bench = Bench(root, bench.now_ms)
    _go_to(bench, end_ms + 4 * DAY_MS + 10_000)
    late, keys, offset = [], set(), 0
    while (result := bench.store.get_message("T", 0, offset, 32)).body:
        for one in iter_messages(result.body):
            late.append(one.store_timestamp - int(one.body))
            keys.add(one.unique_key)
        offset = result.next_begin_offset
    late.sort()
    say(f"a week, {count:,} timers, 2 restarts: {len(late):,} came, {len(late) - len(keys)} twice, "
        f"early {sum(one < 0 for one in late)}; late p50 {late[len(late) // 2]} ms, "
        f"p99 {late[len(late) * 99 // 100]} ms, max {late[-1]} ms")  # fmt: skip
    bench.close()


def _go_to(bench: Bench, moment: int) -> None:
    """Move the clock as the broker's task does: to when something is due, a second at a time."""
    while bench.now_ms < moment:
        due = bench.work()
        bench.now_ms = min(max(due, bench.now_ms + 1), moment)
    bench.work()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pending", type=int, default=1_000_000)
    parser.add_argument("--week", type=int, default=100_000)
    options = parser.parse_args()
    for run, count in ((pending, options.pending), (week, options.week)):
        if count:
            with tempfile.TemporaryDirectory() as folder:
                run(Path(folder) / "store", count)


if __name__ == "__main__":
    main()
