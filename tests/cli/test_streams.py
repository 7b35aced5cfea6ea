"""Every command with streams that fail: one line, the right exit code, bytes as they are."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rmqwire.cli import main
from rmqwire.cli.runner import OUTPUT_CLOSED, WRONG_USE
from tests.inspector.stores import unpack

NOWHERE = "127.0.0.1:1"  # nobody listens there
NO_SPACE = os.strerror(errno.ENOSPC)
CLOSED = os.strerror(errno.EBADF)
PRINTING = [
    ["inspect", "commitlog", "STORE"],
    ["inspect", "commitlog", "STORE", "--json"],
    ["store", "verify", "STORE"],
    ["store", "repair", "STORE"],
    ["broker", "-p"],
    ["namesrv", "-p"],
    ["--version"],
    ["store", "--help"],
]
ids = [" ".join(arguments) for arguments in PRINTING]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return unpack(tmp_path_factory.mktemp("store"), "5.5.0", "clean_shutdown")


def rmqwire(*arguments, shell="", **streams):
    """Run a command; ``shell`` is what a shell would have behind it, as ``>&-``."""
    command = [sys.executable, "-m", "rmqwire", *arguments]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE) | streams
    return subprocess.run(command, timeout=50, check=False, **pipes)


@pytest.mark.parametrize("arguments", PRINTING, ids=ids)
def test_a_full_disk_is_one_line_and_code_1(arguments, store):
    with Path("/dev/full").open("wb") as full:
        ended = rmqwire(*[a.replace("STORE", str(store)) for a in arguments], stdout=full)
    last = ended.stderr.decode().splitlines()[-1]
    assert (ended.returncode, b"Traceback" in ended.stderr) == (1, False)
    assert last.startswith("Error: ")
    assert last.endswith(NO_SPACE)


@pytest.mark.parametrize("arguments", PRINTING, ids=ids)
def test_a_reader_that_went_away_is_code_141_without_a_word(arguments, store):
    reader, writer = os.pipe()
    os.close(reader)
    ended = rmqwire(*[a.replace("STORE", str(store)) for a in arguments], stdout=writer)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (OUTPUT_CLOSED, b"")


@pytest.mark.parametrize("arguments", PRINTING[1:5], ids=ids[1:5])
def test_a_closed_stdout_is_one_line_and_code_1(arguments, store):
    ended = rmqwire(*[a.replace("STORE", str(store)) for a in arguments], shell=">&-")
    assert ended.returncode == 1
    assert ended.stderr.decode().splitlines()[-1] == f"Error: stdout: {CLOSED}"


def test_a_closed_or_full_stderr_changes_no_exit_code(store):
    for shell in ("2>&-", "2>/dev/full"):
        assert rmqwire("inspect", "commitlog", str(store / "no such"), shell=shell).returncode == 1
        assert rmqwire("broker", "-c", "no such", shell=shell).returncode == WRONG_USE
        assert rmqwire("no such command", shell=shell).returncode == WRONG_USE


def test_a_closed_stdin_is_one_line_and_code_1():
    for arguments in (["produce", "-n", NOWHERE, "-t", "T"], ["inspect", "frame", "-"]):
        ended = rmqwire(*arguments, shell="<&-")
        assert (ended.returncode, ended.stdout) == (1, b"")
        assert ended.stderr.decode() == f"Error: stdin: {CLOSED}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["produce", "-t", "T", "-b", "x", "-k", "q\udcff"],
        ["produce", "-t", "T", "-b", "x", "--tag", "q\udcff"],
        ["produce", "-t", "T", "-b", "x", "--property", "a=q\udcff"],
        ["produce", "-t", "q\udcff", "-b", "x"],
        ["produce", "-t", "T", "-b", "x", "-g", "q\udcff"],
        ["consume", "-t", "T", "-s", "q\udcff"],
        ["consume", "-t", "T", "--sql", "q\udcff"],
        ["consume", "-t", "q\udcff"],
    ],
    ids=repr,
)
def test_bytes_that_can_be_no_text_of_a_message_are_wrong_use(arguments):
    """A shell's byte FF is an argument's lone surrogate DCFF."""
    ended = CliRunner().invoke(main, [*arguments, "-n", NOWHERE])
    assert (ended.exit_code, ended.stdout) == (WRONG_USE, "")
    assert ended.stderr.splitlines()[-1].endswith(r"q\udcff' is not UTF-8")


def test_names_that_stdout_has_no_code_for_are_escaped(store):
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    with_dots = rmqwire("inspect", "commitlog", str(store), "--limit", "0", env=env)
    assert (with_dots.returncode, with_dots.stderr) == (0, b"")
    assert b"\\u2026" in with_dots.stdout  # the ellipsis of a long body
