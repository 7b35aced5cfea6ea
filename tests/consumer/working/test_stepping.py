"""Coroutines that are begun in one place and waited for in another."""

from contextvars import ContextVar, copy_context

import pytest
import trio
import trio.lowlevel

from rmqwire.consumer.working.stepping import Begun, begin, other_steps
from rmqwire.errors import UsageError

NAME = ContextVar("NAME", default="nobody")


async def waits(value):
    await trio.lowlevel.checkpoint()
    await trio.lowlevel.checkpoint()
    return value


class ToBeAwaited:
    def __await__(self):
        return waits(3).__await__()


async def test_what_waits_for_nothing_is_over_at_once():
    async def over():
        return 7

    assert begin(over()) == 7
    assert begin("no coroutine") == "no coroutine"


@pytest.mark.parametrize("something", [lambda: waits(3), ToBeAwaited])
async def test_what_waits_goes_on_when_it_is_waited_for(something):
    begun = begin(something())
    assert isinstance(begun, Begun)
    assert await other_steps(begun) == 3


async def test_what_it_raises_at_once_or_later_is_raised():
    async def fails(times):
        for _ in range(times):
            await trio.lowlevel.checkpoint()
        raise UsageError("no")

    with pytest.raises(UsageError):
        begin(fails(0))
    with pytest.raises(UsageError):
        await other_steps(begin(fails(2)))


async def test_it_hears_of_a_cancellation(autojump_clock):
    heard = []

    async def listens():
        try:
            await trio.sleep(10)
        except trio.Cancelled:
            heard.append(True)
            raise

    with trio.move_on_after(1) as scope:
        await other_steps(begin(listens()))
    assert scope.cancelled_caught
    assert heard == [True]


async def test_each_step_sees_the_context_variables_of_its_call():
    seen = []

    async def listens():
        NAME.set("mine")
        await trio.lowlevel.checkpoint()
        seen.append(NAME.get())

    variables = copy_context()
    begun = variables.run(begin, listens())
    await other_steps(begun, variables.run)
    assert (seen, NAME.get()) == (["mine"], "nobody")
