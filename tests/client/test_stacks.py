"""The stacks that a client tells of itself."""

import asyncio
import threading

import trio

from rmqwire.client.stacks import stacks


async def waits_for(event):
    await event.wait()


def test_each_thread_has_its_stack_innermost_first():
    leave = threading.Event()
    thread = threading.Thread(target=leave.wait, name="a-listener-that-hangs")
    thread.start()
    try:
        told = stacks().split("\n\n")
    finally:
        leave.set()
        thread.join()
    (lines,) = (one.splitlines() for one in told if one.startswith("a-listener-that-hangs "))
    assert lines[0] == f"{'a-listener-that-hangs':<40}TID: {thread.ident}"
    assert all(line.startswith(f"{'a-listener-that-hangs':<40}") for line in lines)
    assert "threading.Condition.wait(threading.py:" in lines[1]
    assert "threading.Thread._bootstrap(threading.py:" in lines[-1]


async def test_each_task_that_waits_has_one_too(nursery):
    event = trio.Event()
    nursery.start_soon(waits_for, event)
    await trio.testing.wait_all_tasks_blocked()
    (lines,) = (
        one.splitlines() for one in stacks().split("\n\n") if one.startswith("task waits_for ")
    )
    assert lines[0].endswith(f"{__name__}.waits_for")
    assert f"{__name__}.waits_for(test_stacks.py:" in lines[-1]
    event.set()


def test_tasks_of_a_program_on_asyncio_have_theirs():
    ready, leave = threading.Event(), asyncio.Event()

    async def program():
        loops.append(asyncio.get_running_loop())
        asyncio.get_running_loop().call_soon(ready.set)
        await waits_for(leave)

    loops = []
    thread = threading.Thread(target=lambda: asyncio.run(program()))
    thread.start()
    ready.wait()
    told = stacks()
    loops[0].call_soon_threadsafe(leave.set)
    thread.join()
    assert f"{__name__}.waits_for(test_stacks.py:" in told
    assert ".program(test_stacks.py:" in told
