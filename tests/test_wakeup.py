"""Waking tasks from plain calls, of this thread and of others."""

import trio
import trio.testing

from rmqwire.wakeup import AnyThreadArrivals, AnyThreadWakeup, OneWait, next_beat


async def waits(wakeup, times, seconds=float("inf")):
    await wakeup.wait(seconds)
    times.append(trio.current_time())


async def test_a_call_wakes_now_or_at_the_next_wait(nursery, autojump_clock):
    wakeup, times = AnyThreadWakeup(), []
    wakeup()
    wakeup()
    await waits(wakeup, times)
    assert not wakeup.called, "they count once"
    nursery.start_soon(waits, wakeup, times, 9)
    await trio.sleep(1)
    assert len(times) == 1
    wakeup()
    assert wakeup.called
    await trio.testing.wait_all_tasks_blocked()
    await waits(wakeup, times, 2)
    assert times == [0, 1, 3]


async def test_another_thread_wakes_as_well(nursery):
    wakeup, times = AnyThreadWakeup(), []
    nursery.start_soon(waits, wakeup, times)
    await trio.testing.wait_all_tasks_blocked()
    await trio.to_thread.run_sync(wakeup)
    await trio.testing.wait_all_tasks_blocked()
    assert len(times) == 1


def test_after_the_end_of_the_loop_a_call_of_another_thread_is_nothing():
    made = []

    async def cut():
        wakeup = AnyThreadWakeup()
        made.append(wakeup)
        with trio.move_on_after(0):
            await wakeup.wait()
        wakeup._waiting = trio.lowlevel.current_task()  # as if it were in the middle of ending
        wakeup._thread = 0

    trio.run(cut)
    made[0]()
    assert made[0].called


async def test_one_wait_ends_once_and_may_be_given_up(nursery, autojump_clock):
    async def wait(one):
        await one.wait()
        over.append(one)

    over, one = [], OneWait()
    nursery.start_soon(wait, one)
    await trio.testing.wait_all_tasks_blocked()
    assert not over
    one.end()
    await trio.testing.wait_all_tasks_blocked()
    await wait(one)
    assert over == [one, one]
    left = OneWait()
    with trio.move_on_after(1) as scope:
        await wait(left)
    assert scope.cancelled_caught
    left.end()
    await wait(left)
    assert over[2:] == [left]


async def test_a_beat_is_the_next_multiple_of_its_period(autojump_clock):
    times = []
    await trio.sleep(0.3)
    for period_s in (0.5, 0.5, 1.0, 10.0, 0):
        await next_beat(period_s)
        times.append(trio.current_time())
    assert times == [0.5, 1, 2, 10, 10]


async def test_another_thread_wakes_all_who_wait(nursery):
    async def wait():
        await left.wait()
        over.append(1)

    left, over = AnyThreadArrivals(), []
    left.wake_all()
    nursery.start_soon(wait)
    nursery.start_soon(wait)
    await trio.testing.wait_all_tasks_blocked()
    await trio.to_thread.run_sync(left.wake_all)
    await trio.testing.wait_all_tasks_blocked()
    assert over == [1, 1]
    nursery.start_soon(wait)
    await trio.testing.wait_all_tasks_blocked()
    left.wake_all()
    await trio.testing.wait_all_tasks_blocked()
    assert over == [1, 1, 1]


def test_after_the_end_of_the_loop_nobody_is_woken():
    async def cut():
        left = AnyThreadArrivals()
        made.append(left)
        await left.wait(0)
        left._thread = 0

    made = []
    trio.run(cut)
    made[0].wake_all()
