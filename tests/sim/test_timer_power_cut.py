"""T8-T10: power cuts, kills and restarts at any moment, and faults of ours that this finds."""

from __future__ import annotations

import sys
from random import Random

import pytest

from rmqwire.broker.delivery import timer_dequeue, timer_enqueue
from rmqwire.store.timer import recovery, timer_store, wheel
from rmqwire.store.timer.timer_log import TimerLog
from tests.support.crash_states import new_disk
from tests.support.faulty_files import Fault, FaultyFiles, ProcessKilled
from tests.support.stores import Clock
from tests.support.timer_sim import TimerSim, finding, lost

SEEDS = range(4)
LAB = range(24)  # seeds that no fault of ours may survive
MUTANTS = []


def mutant(function):
    MUTANTS.append(function)
    return function


@pytest.mark.parametrize("seed", SEEDS)
def test_none_is_lost_and_none_early(seed):
    assert finding(seed) is None


@mutant
def check_point_is_believed_whatever_the_commit_log_has(patch):
    def newest(self):
        return self._noted.newest, self._noted.newest

    patch.setattr(recovery._Recovery, "_figures", newest)


@mutant
def units_behind_the_wheel_are_forgotten(patch):
    patch.setattr(recovery._Recovery, "_hang", lambda *_: None)


@mutant
def slots_behind_the_log_are_kept(patch):
    patch.setattr(recovery._Recovery, "_mend_slots", lambda *_: None)


@mutant
def what_the_log_has_is_put_there_again(patch):
    patch.setattr(timer_enqueue.TimerEnqueue, "_was_taken", lambda *_: False)


@mutant
def a_tick_is_over_before_its_messages_are_stored(patch):
    end = timer_dequeue.TimerDequeue._begin

    def hasty(self, now_ms):
        begun = end(self, now_ms)
        if begun:
            self.read_ms += self._files.precision_ms
        return begun

    patch.setattr(timer_dequeue.TimerDequeue, "_begin", hasty)


@mutant
def the_newest_figures_are_the_safe_ones(patch):
    encode = timer_store.TimerFiles._encode

    def rash(self, progress):
        self._safe = progress
        return encode(self, progress)

    patch.setattr(timer_store.TimerFiles, "_encode", rash)


@mutant
def slots_are_not_written(patch):
    def forgetful(self):
        if self._handle < 0:
            self._open()
        self.dirty.clear()
        return self._handle

    patch.setattr(wheel.TimerWheel, "write", forgetful)


@mutant
def log_is_not_synced(patch):
    patch.setattr(TimerLog, "plan_flush", lambda *_: None)


@mutant
def the_next_tick_is_delivered_too(patch):
    step = timer_dequeue.TimerDequeue.step
    patch.setattr(
        timer_dequeue.TimerDequeue, "step", lambda self, now_ms: step(self, now_ms + 1_000)
    )


@mutant
def the_queue_counts_as_read_a_message_too_far(patch):
    patch.setattr(timer_enqueue.TimerEnqueue, "committed", property(lambda self: self.offset + 1))


@mutant
def what_is_over_is_delivered_before_recalls_are_read(patch):
    take = timer_enqueue.TimerEnqueue._take

    def hasty(self, message, now_ms, read_ms):
        take(self, message, now_ms, max(read_ms, now_ms // 1_000 * 1_000))

    patch.setattr(timer_enqueue.TimerEnqueue, "_take", hasty)


@mutant
def a_lost_log_is_no_reason_to_read_again(patch):
    patch.setattr(recovery._Recovery, "_behind_last_unit", lambda _: 1 << 40)


@pytest.mark.parametrize("change", MUTANTS, ids=lambda change: change.__name__)
def test_a_fault_of_ours_is_found(monkeypatch, change):
    change(monkeypatch)
    for seed in LAB:
        try:
            found = finding(seed)
        except AssertionError as error:
            found = str(error)
        if found is not None:
            return
    pytest.fail("this fault would go unnoticed")


def _some_of_everything(sim: TimerSim) -> None:
    """Send timers near, far and recalled, deliver, roll and flush."""
    for index, delay_ms in enumerate((300, 1_500, 4_000, 23_000, 50_000)):
        sim.send(f"K{index}", delay_ms)
    sim.recall("K2", sim.clock.now_ms + 4_000)
    sim.work()
    sim.flush_timers()
    sim.run_to(sim.clock.now_ms + 2_500)  # two are delivered
    sim.flush_log()
    sim.flush_timers()
    sim.send("late", 3_000)
    sim.run_to(sim.clock.now_ms + 12_000)  # one is taken out, two are rolled
    sim.flush_timers()
    sim.close()


@pytest.mark.parametrize("power", [False, True])
def test_killed_at_every_call_of_the_disk(power):
    """T8: whatever a step was about to do, nothing is lost, early, or delivered although recalled."""
    rng, clock = Random(5), Clock()
    for number in range(1, 1_000):
        disk, clock.now_ms = new_disk(), Clock().now_ms
        faulty = FaultyFiles(disk, Fault(first=number, kill=True))
        try:
            _some_of_everything(TimerSim(faulty, clock))
        except ProcessKilled:
            pass
        else:
            break
        pending = disk.pending()
        left = disk.crash(pending, [rng.randint(0, item.choices) for item in pending])
        again = TimerSim(left if power else disk.copy(), Clock(clock.now_ms + 700))
        assert lost(again) == set(), f"killed at call {number}"
        again.close()
    assert number > 100


def test_restarts_and_a_clock_that_jumps(capsys):
    """Timers with rolls, restarts, and a clock that jumps: each comes once."""
    rng, clock = Random(3), Clock()
    disk = new_disk()
    sim = TimerSim(disk, clock)
    begin, restarts = clock.now_ms, 0
    for number in range(125):
        for index in range(4):
            sim.send(f"W{number}.{index}", rng.randrange(100, 110_000))
        for _ in range(4):
            clock.now_ms += rng.choice((250, 700, 999, 4_000))
            sim.work()
        if number % 25 == 24:
            sim.close()
            sim = TimerSim(disk, clock)
            restarts += 1
        if number % 40 == 39:
            clock.now_ms += rng.choice((-40_000, 400_000))
    assert lost(sim) == set()
    found = sim.delivered()
    assert set(found.values()) == {1}
    assert len(found) == 500
    late = sorted(one.store_timestamp - int(one.body) for one in sim._messages("T"))
    with capsys.disabled():
        sys.stdout.write(
            f"\n500 timers over {(clock.now_ms - begin) / 3_600_000:.1f} h, {restarts} restarts: "
            f"late p50 {late[250]} ms, p99 {late[495]} ms\n"
        )
    sim.close()
