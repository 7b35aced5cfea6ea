"""Timers on a disk that loses power: a store and its timers, driven step by step."""

from __future__ import annotations

from collections import Counter
from random import Random

from rmqwire.broker.delivery.timers import TimerMessageStore
from rmqwire.broker.stats.broker_stats import BrokerStats
from rmqwire.broker.tables.timer_metrics import TimerMetrics
from rmqwire.codec import message_const as const
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.disk.table_file import ConfigFile
from tests.support.crash_states import new_disk
from tests.support.stores import ROOT, Clock, make_store, message, small_config

SLOTS = 128  # half the wheel: 128 s
WINDOW = 20
SETTINGS = {
    "mapped_file_size_commit_log": 16_384,
    "mapped_file_size_consume_queue": 2_000,
    "mapped_file_size_timer_log": 52 * 8,
    "timer_roll_window_slot": WINDOW,
    "timer_max_delay_sec": 120,
}


class TimerSim:
    """A store with timers on a simulated disk.

    Args:
        files: the disk.
        clock: its wall clock.
    """

    def __init__(self, files, clock: Clock) -> None:
        self.files = files
        self.clock = clock
        self.store = make_store(files, clock=clock, config=small_config(**SETTINGS))
        self.store.open()
        metrics = ConfigFile(f"{ROOT}/config/timermetrics", files, holds="timingCount")
        self.timers = TimerMessageStore(
            self.store,
            DEFAULT_RELEASE,
            "broker-a",
            TimerMetrics(metrics, DEFAULT_RELEASE, clock),
            BrokerStats("c"),
            clock,
            Random(1),
            lambda: None,
            SLOTS,
        )
        self.timers.start()

    def send(self, key: str, delay_ms: int) -> None:
        """Send a timer; its body is the time at which it's due."""
        due = self.clock.now_ms + delay_ms
        inner = message(body=b"%d" % due)
        properties = {
            const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX: key,
            const.PROPERTY_TIMER_DELIVER_MS: str(due),
        }
        self.timers.delay(inner, properties)
        self.store.puts.put(inner, lambda _: None)
        self.store.puts.end_pass()

    def recall(self, key: str, due_ms: int) -> None:
        """Take a timer back, before it's due."""
        inner = message(body=b"0")
        properties = {
            const.PROPERTY_TIMER_DEL_UNIQKEY: key,
            const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX: key,
            const.PROPERTY_TIMER_DELIVER_MS: str((due_ms - 1) // 1_000 * 1_000 + 1),
        }
        self.timers.delay(inner, properties)
        self.store.puts.put(inner, lambda _: None)
        self.store.puts.end_pass()

    def work(self) -> None:
        """Do all that is to be done now."""
        for _ in range(1_000):
            due = self.timers.step()
            self.store.puts.end_pass()
            if due is None or due > self.clock.now_ms:
                return
        raise AssertionError("the timers never rest")

    def flush_log(self) -> None:
        plan = self.store.flushes.log_flush_plan(thorough=True)
        if plan is not None:
            self.store.flushes.run_flush(plan)

    def flush_timers(self) -> None:
        plan = self.timers.flush_plan()
        if plan is not None:
            plan.run(self.files)
            self.timers.flushed(plan)

    def run_to(self, end_ms: int) -> None:
        while self.clock.now_ms < end_ms:
            self.clock.now_ms += 500
            self.work()

    def close(self) -> None:
        self.timers.stop()
        self.store.close()

    # --- what came of it

    def _messages(self, topic: str):
        offset = self.store.min_offset(topic, 0)
        while (result := self.store.get_message(topic, 0, offset, 32)).body:
            yield from iter_messages(result.body)
            offset = result.next_begin_offset

    def sent(self) -> dict[str, int]:
        """Return key -> due time of the timers that the log has, 0 of those that were taken back."""
        return {
            one.unique_key or "": int(one.body) for one in self._messages(const.TIMER_TOPIC)
        } | dict.fromkeys(self.recalled(), 0)

    def recalled(self) -> set[str]:
        """Return the keys of timers that the log says were taken back."""
        name = const.PROPERTY_TIMER_DEL_UNIQKEY
        found = (one.properties.get(name) for one in self._messages(const.TIMER_TOPIC))
        return {key for key in found if key is not None}

    def delivered(self) -> Counter[str]:
        """Count deliveries by key; none may be early."""
        found: Counter[str] = Counter()
        for one in self._messages("T"):
            assert one.store_timestamp >= int(one.body), f"{one.unique_key} came early"
            found[one.unique_key or ""] += 1
        return found


def one_step(sim: TimerSim, rng: Random, number: int) -> None:
    """Let time pass, send some, deliver, and flush one thing or the other."""
    sim.clock.now_ms += rng.choice((10, 300, 1_000, 2_500))
    for index in range(rng.choice((0, 1, 2, 4))):
        delay_ms = rng.choice((300, 1_500, 4_000, 15_000, 33_000, 50_000))
        sim.send(f"K{number}.{index}", delay_ms)
        if delay_ms > 4_000 and rng.random() < 0.2:
            sim.recall(f"K{number}.{index}", sim.clock.now_ms + delay_ms)
    if rng.random() < 0.9:
        sim.work()
    if rng.random() < 0.4:
        sim.flush_log()
    if rng.random() < 0.5:
        sim.flush_timers()
    if rng.random() < 0.2:
        plan = sim.store.flushes.queue_flush_plan(thorough=True)
        plan.run(sim.files)
        sim.store.flushes.queues_flushed(plan, thorough=True)


def lost(sim: TimerSim) -> set[str]:
    """Run until all are due; return what the log has and what never came."""
    sim.work()
    wanted, recalled = sim.sent(), sim.recalled()
    sim.run_to(max(wanted.values(), default=0) + 2_000)
    found = sim.delivered().keys()
    assert not recalled & found, f"{sorted(recalled & found)} were recalled and came"
    return wanted.keys() - found - recalled


def finding(seed: int, steps: int = 16) -> str | None:
    """Return what a run with power cuts and kills breaks, None if nothing."""
    rng, clock = Random(seed), Clock()
    disk = new_disk()
    sim = TimerSim(disk, clock)
    for number in range(steps):
        one_step(sim, rng, number)
        found = _after_power_cuts(sim, rng)
        if found is not None:
            return f"power cut behind step {number}: {found}"
    sim.work()
    sim.flush_log()
    sim.flush_timers()
    sim.send("near", 5_000)
    sim.work()  # it's in the wheel and in the log, and nothing is synced
    found = _after_restart(TimerSim(disk.copy(), Clock(clock.now_ms)))
    if found is not None:
        return f"kill behind a flush: {found}"
    sim.close()
    found = _after_restart(TimerSim(disk, Clock(clock.now_ms + rng.choice((0, 20_000)))))
    return None if found is None else f"restart: {found}"


def _after_power_cuts(sim: TimerSim, rng: Random) -> str | None:
    """Start from some of the disks that a power cut may leave now."""
    pending = sim.files.pending()
    everything = [item.choices for item in pending]
    for picks in (
        [0] * len(pending),
        everything,
        [rng.randint(0, most) for most in everything],
        [rng.choice((0, most)) for most in everything],
    ):
        left = sim.files.crash(pending, picks)
        if rng.random() < 0.1:
            for name in left.list(f"{ROOT}/timerlog"):
                left.unlink(f"{ROOT}/timerlog/{name}")
        down_ms = rng.choice((0, 700, 9_000, 40_000))
        again = TimerSim(left, Clock(sim.clock.now_ms + down_ms))
        if rng.random() < 0.3:
            one_step(again, rng, 1_000)
        if gone := lost(again):
            return f"{sorted(gone)} never came"
        again.close()
    return None


def _after_restart(sim: TimerSim) -> str | None:
    """Run to the end: each must come, and once."""
    if gone := lost(sim):
        return f"{sorted(gone)} never came"
    twice = [key for key, count in sim.delivered().items() if count > 1]
    sim.close()
    return f"{twice} came twice" if twice else None
