"""The way from the engine to a loop is one, and holds no loop that nobody else has."""

from __future__ import annotations

import asyncio
import gc
import weakref

from rmqwire.aio.returns import returns_of


def test_there_is_one_way_to_a_loop_as_long_as_somebody_has_it():
    loop, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    way = returns_of(loop)
    assert returns_of(loop) is way
    assert returns_of(other).loop is other
    loop.close()
    other.close()


def test_what_is_put_there_is_called_though_nobody_has_the_way():
    called = []

    async def main():
        returns_of(asyncio.get_running_loop()).put(lambda: called.append("it"))
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(main())
    assert called == ["it"]


def test_a_loop_that_is_over_is_not_kept():
    loop = asyncio.new_event_loop()
    there, way = weakref.ref(loop), returns_of(loop)
    loop.close()
    del loop, way
    gc.collect()
    assert there() is None
