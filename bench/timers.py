"""Timers: a million that wait, and a simulated week of random times.

    python -m bench timers [--pending 1000000] [--week 100000] [--kills 100] [--jumps 20]

The first fills a store with timers, says how fast they get into the wheel, how much memory they take and how
long a start takes, and delivers a part of them. The second sends random times over seven days to a clock that
is moved, with restarts, and says how late they came. The process is killed meanwhile, at random calls of the
disk, and the clock jumps to and fro; what falls due within a jump forward counts as late from its end on.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from rmqwire.broker.delivery.timers import TimerMessageStore
from rmqwire.broker.stats.broker_stats import BrokerStats
from rmqwire.broker.tables.timer_metrics import TimerMetrics
from rmqwire.codec import message_const as const
from rmqwire.codec.record import iter_messages, pack_host
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.disk.files import RealFiles
from rmqwire.disk.table_file import ConfigFile
from rmqwire.store.config import StoreConfig
from rmqwire.store.message_store import MessageStore
from rmqwire.store.results import MessageInner, PutStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.store.results import PutMessageResult

HOST = pack_host("127.0.0.1", 10911)
BEGIN_MS = 1_795_000_000_000
DAY_MS = 86_400_000
FLUSH_MS = 120_000  # between two flushes of the timers' files: what a kill may deliver again
PASS = 64  # sends of one pass
SECOND = 128 * PASS  # sends between two flushes


class Killed(BaseException):
    """The process ends here: nothing that it would do any more has an effect."""


class KillableFiles(RealFiles):
    """The disk of a process that is killed at one of its calls."""

    def __init__(self, calls: int | None = None) -> None:
        self._left = calls
        self._opened: set[int] = set()

    def _call(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise Killed

    def open(
        self, path: str, *, create: bool = False, private: bool = False, reading: bool = False
    ) -> int:
        handle = super().open(path, create=create, private=private, reading=reading)
        self._opened.add(handle)
        return handle

    def close(self, handle: int) -> None:
        self._opened.discard(handle)
        super().close(handle)

    def unlock(self, handle: int) -> None:
        self._opened.discard(handle)
        super().unlock(handle)

    def pwrite(self, handle: int, data: bytes | bytearray | memoryview, offset: int) -> None:
        self._call()
        super().pwrite(handle, data, offset)

    def fallocate(self, handle: int, size: int) -> None:
        self._call()
        super().fallocate(handle, size)

    def datasync(self, handle: int) -> None:
        self._call()
        super().datasync(handle)

    def rename(self, source: str, target: str) -> None:
        self._call()
        super().rename(source, target)

    def unlink(self, path: str) -> None:
        self._call()
        super().unlink(path)

    def end(self) -> None:
        """Close what a process that was killed has open."""
        for key, handle in list(self._locked.items()):
            if handle in self._opened:
                del self._locked[key]
        for handle in self._opened:
            os.close(handle)
        self._opened.clear()


class Bench:
    """A store with timers on a real disk and a clock that is moved.

    Args:
        root: the store's folder.
        now_ms: what the clock shows.
        files: the disk.
    """

    def __init__(self, root: Path, now_ms: int, files: RealFiles | None = None) -> None:
        self.now_ms = now_ms
        config = StoreConfig(
            store_path_root_dir=str(root),
            mapped_file_size_commit_log=256 << 20,
            timer_max_delay_sec=8 * 86_400,
            max_hash_slot_num=1_000,
            max_index_num=4_000,
            message_index_enable=False,
        )
        self.files = files = files or RealFiles()
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
        self.sent: set[int] = set()  # numbers that were acknowledged
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
        self.store.puts.put(inner, partial(self._sent, number))

    def _sent(self, number: int, result: PutMessageResult) -> None:
        if result.status == PutStatus.PUT_OK:
            self.sent.add(number)

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

    def flush_queues(self) -> None:
        """Write the units that the store keeps in memory until then."""
        flushes = self.store.flushes
        plan = flushes.queue_flush_plan(thorough=True)
        plan.run(self.store.files)
        flushes.queues_flushed(plan, thorough=True)

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
    before, sent_s, enqueued_s = memory_mib(), 0.0, 0.0
    for first in range(0, count, SECOND):
        began = time.process_time()
        for number in range(first, min(first + SECOND, count)):
            bench.send(number, BEGIN_MS + 10_000 + rng.randrange(3 * DAY_MS))
            if number % PASS == PASS - 1:
                bench.store.puts.end_pass()
        bench.store.puts.end_pass()
        sent_s += time.process_time() - began
        began = time.process_time()
        bench.work()
        enqueued_s += time.process_time() - began
        bench.flush()
        bench.flush_queues()
        bench.sent.clear()  # ours, not a broker's
    say(f"{count:,} timers: send {1e6 * sent_s / count:.0f} us, into the wheel "
        f"{1e6 * enqueued_s / count:.0f} us each (CPU); {memory_mib() - before:.0f} MiB more")  # fmt: skip
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


class Week:
    """Random times over seven days, rolled at the window of two.

    Args:
        root: the store's folder.
        count: timers.
        kills: how often the process is killed.
        jumps: how often the clock is set, every other time back.
    """

    def __init__(self, root: Path, count: int, kills: int, jumps: int) -> None:
        self._root = root
        self._rng = rng = Random(2)
        self._count = count
        self._end_ms = BEGIN_MS + 7 * DAY_MS
        self._kills_left = kills
        self._calls = max(count * 8 // max(kills, 1), 200)  # of the disk, between two kills
        self._jumps = sorted(rng.randrange(count) for _ in range(jumps))
        self._leaps: list[tuple[int, int]] = []  # forward: from, to
        self._acknowledged: set[int] = set()
        self._flush_ms = 0  # when the files are flushed next
        self.kills = 0
        self._bench = self._start(BEGIN_MS)

    def _start(self, now_ms: int) -> Bench:
        calls = self._rng.randrange(self._calls * 2) if self._kills_left > 0 else None
        while True:
            files = KillableFiles(calls)
            try:
                return Bench(self._root, now_ms, files)
            except Killed:  # while it recovers
                self._killed(files)
                calls = None

    def _killed(self, files: RealFiles) -> None:
        if isinstance(files, KillableFiles):
            files.end()
        self._kills_left -= 1
        self.kills += 1

    def _do(self, step: Callable[[Bench], None]) -> None:
        """Do a step; after a kill go on behind it."""
        bench = self._bench
        try:
            step(bench)
        except Killed:
            self._acknowledged |= bench.sent
            self._killed(bench.files)
            self._bench = self._start(bench.now_ms + self._rng.randrange(1_000))

    def _send(self, number: int, bench: Bench) -> None:
        bench.send(number, bench.now_ms + self._rng.randrange(1_000, 4 * DAY_MS))
        bench.store.puts.end_pass()
        bench.work()

    def _restart(self, bench: Bench) -> None:
        bench.close()
        self._acknowledged |= bench.sent
        self._bench = self._start(bench.now_ms)

    def _jump(self, number: int) -> None:
        bench, hours = self._bench, self._rng.randrange(1, 5)
        if number % 2:
            bench.now_ms -= hours * 900_000
        else:
            self._leaps.append((bench.now_ms, bench.now_ms + hours * 3_600_000))
            bench.now_ms += hours * 3_600_000

    def run(self) -> None:
        """Send them all and say how they came."""
        moments = sorted(self._rng.randrange(BEGIN_MS, self._end_ms) for _ in range(self._count))
        restarts = [BEGIN_MS + 2 * DAY_MS, BEGIN_MS + 5 * DAY_MS]
        for number, moment in enumerate(moments):
            self._go_to(moment)
            self._do(partial(self._send, number))
            while self._jumps and self._jumps[0] <= number:
                self._jumps.pop(0)
                self._jump(len(self._jumps))
            if restarts and moment >= restarts[0]:
                restarts.pop(0)
                self._do(self._restart)
        self._go_to(self._end_ms + 5 * DAY_MS)
        self._kills_left = 0
        self._do(self._restart)
        self._tell()

    def _go_to(self, moment: int) -> None:
        """Move the clock as the broker's task does: to when something is due, a second at a time."""

        def step(bench: Bench) -> None:
            while bench.now_ms < moment:
                due = bench.work()
                if bench.now_ms >= self._flush_ms:
                    bench.flush()
                    self._flush_ms = bench.now_ms + FLUSH_MS
                bench.now_ms = min(max(due, bench.now_ms + 1), moment)
            bench.work()

        while self._bench.now_ms < moment:
            self._do(step)

    def _lateness(self, due_ms: int, stored_ms: int) -> int:
        for begin, end in self._leaps:
            if begin < due_ms <= end <= stored_ms:
                due_ms = end
        return stored_ms - due_ms

    def _tell(self) -> None:
        late, early, keys, offset, bench = [], 0, set(), 0, self._bench
        while (result := bench.store.get_message("T", 0, offset, 32)).body:
            for one in iter_messages(result.body):
                early += one.store_timestamp < int(one.body)
                if one.unique_key not in keys:
                    keys.add(one.unique_key)
                    late.append(self._lateness(int(one.body), one.store_timestamp))
            offset = result.next_begin_offset
        late.sort()
        lost = {f"{number:032X}" for number in self._acknowledged} - keys
        say(f"a week, {self._count:,} timers, 2 restarts, {self.kills} kills, clock set "
            f"{len(self._leaps)} times forward: {len(self._acknowledged):,} acknowledged, {len(lost)} lost, "
            f"{early} early, {offset - len(keys)} twice; late p50 {late[len(late) // 2]} ms, "
            f"p99 {late[len(late) * 99 // 100]} ms, max {late[-1]} ms")  # fmt: skip
        bench.close()


def week(root: Path, count: int, kills: int, jumps: int) -> None:
    """Let a week pass, and say how many came, and when."""
    Week(root, count, kills, jumps).run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pending", type=int, default=1_000_000)
    parser.add_argument("--week", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--jumps", type=int, default=20)
    options = parser.parse_args()
    of_a_week = partial(week, kills=options.kills, jumps=options.jumps)
    for run, count in ((pending, options.pending), (of_a_week, options.week)):
        if count:
            with tempfile.TemporaryDirectory() as folder:
                run(Path(folder) / "store", count)


if __name__ == "__main__":
    main()
