"""Exit codes, one-line errors, and signals."""

import errno
import os
import resource
import signal
import sys

import click
import pytest
import trio
from click.testing import CliRunner

from rmqwire.cli import main
from rmqwire.cli.output import OutputFailed, announce, say
from rmqwire.cli.runner import INTERRUPTED, WrongUse, explained, perform, run, write_no_core
from rmqwire.errors import ConfigError, ConnectFailed, StoreLocked, UsageError

SIGNALS = [signal.SIGINT, signal.SIGTERM]


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
def test_errors_of_the_user_and_the_surroundings_are_one_line(error, text, code, capsys):
    assert perform(lambda: run(raising(error))) == code
    assert capsys.readouterr() == ("", f"Error: {text}\n")


def test_groups_are_looked_into():
    group = ExceptionGroup("g", [ExceptionGroup("h", [UsageError("deep")])])
    assert isinstance(explained(group), WrongUse)
    assert explained(click.UsageError("x")).exit_code == 2


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ExceptionGroup) as raised:
        perform(lambda: run(raising(KeyError("bug"))))
    assert raised.group_contains(KeyError)
    assert explained(ExceptionGroup("g", [UsageError("u"), KeyError("k")])) is None


def test_a_full_disk_below_stdout_is_told_from_one_below_a_file(capsys):
    full = OSError(errno.ENOSPC, "No space left on device")
    group = ExceptionGroup("g", [OSError(errno.EIO, "Input/output error"), OutputFailed(full)])
    assert perform(lambda: run(raising(group))) == 1
    assert capsys.readouterr().err == "Error: stdout: No space left on device\n"


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["heeded", "ignored"])
def before(request):
    """What a signal did before: a shell starts background jobs with SIGINT ignored."""
    old = {number: signal.signal(number, request.param) for number in SIGNALS}
    yield request.param
    for number, handler in old.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_job_in_order_with_code_0(number, before):
    log = []

    async def job(outcome):
        try:
            os.kill(os.getpid(), number)
            await trio.sleep_forever()
        finally:
            log.append(outcome.interrupted)

    assert run(job) == 0
    assert log == [True]
    assert {signal.getsignal(one) for one in SIGNALS} == {before}


def test_an_interrupted_command_is_code_130(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("rmqwire.cli.store.verify_store", interrupted)
    assert CliRunner().invoke(main, ["store", "verify", "x"]).exit_code == INTERRUPTED


def test_a_second_signal_ends_a_stop_that_hangs():
    async def job(outcome):
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                os.kill(os.getpid(), signal.SIGINT)
                await trio.sleep(60)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert perform(lambda: run(job)) == INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_server_may_have_no_stdout_and_a_result_may_not(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    announce("The Name Server boot success.")
    with pytest.raises(OutputFailed, match="stdout: Bad file descriptor"):
        say("a result")


def test_the_job_says_the_code():
    async def job(outcome):
        outcome.code = 3

    assert run(job) == 3


def test_a_process_with_secrets_leaves_no_memory_image():
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        write_no_core()
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
