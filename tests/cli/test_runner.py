"""Exit codes, one-line errors, and signals."""

import errno
import os
import signal

import click
import pytest
import trio

from rmqwire.cli.runner import Failure, WrongUse, explained, run
from rmqwire.errors import ConfigError, ConnectFailed, StoreLocked, UsageError


def raising(error):
    async def job(outcome):
        raise error

    return job


@pytest.mark.parametrize(
    ("error", "text", "code"),
    [
        (ConfigError("b.conf: listenPort=x: no number"), "b.conf: listenPort=x: no number", 2),
        (UsageError("bad topic"), "bad topic", 2),
        (StoreLocked("lock is held"), "lock is held", 1),
        (ConnectFailed("connect failed", "a:1"), "connect failed <a:1>", 1),
        (OSError(errno.EADDRINUSE, "Address already in use", "0.0.0.0:9876"),
         "0.0.0.0:9876: Address already in use", 1),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device", 1),
    ],
)  # fmt: skip
def test_errors_of_the_user_and_the_surroundings_are_one_line(error, text, code):
    with pytest.raises(Failure) as raised:
        run(raising(error))
    assert raised.value.message == text
    assert raised.value.exit_code == code


def test_groups_are_looked_into():
    group = ExceptionGroup("g", [ExceptionGroup("h", [UsageError("deep")])])
    assert isinstance(explained(group), WrongUse)
    assert explained(click.UsageError("x")).exit_code == 2


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ExceptionGroup) as raised:
        run(raising(KeyError("bug")))
    assert raised.group_contains(KeyError)
    mixed = ExceptionGroup("g", [UsageError("u"), KeyError("k")])
    assert explained(mixed) is mixed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_job_in_order_with_code_0(number):
    log = []

    async def job(outcome):
        try:
            os.kill(os.getpid(), number)
            await trio.sleep_forever()
        finally:
            log.append(outcome.interrupted)

    assert run(job) == 0
    assert log == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_job_says_the_code():
    async def job(outcome):
        outcome.code = 3

    assert run(job) == 3
