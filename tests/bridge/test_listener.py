"""Listeners of other threads as a trio consumer calls them."""

import pytest

from rmqwire.bridge.listener import in_workers
from rmqwire.errors import UsageError


async def told(*arguments):
    return arguments


def test_an_async_listener_needs_no_worker():
    assert in_workers(told) is told


def test_what_takes_no_messages_is_refused():
    with pytest.raises(UsageError, match="must take messages"):
        in_workers(lambda: None)
