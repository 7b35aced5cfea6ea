"""Asyncio programs as tests."""

import asyncio


def program(function):
    """Run a coroutine function as an asyncio program of its own."""

    def test(rmq):
        asyncio.run(asyncio.wait_for(function(rmq), 40))

    test.__name__ = function.__name__
    return test
