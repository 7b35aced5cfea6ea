"""produce and consume as parts of a pipe: ends that close early, signals while waiting."""

import re
import signal
import subprocess
import sys

import pytest

from rmqwire.cli.runner import OUTPUT_CLOSED


def rmqwire(*arguments, **streams):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | streams
    return subprocess.Popen([sys.executable, "-m", "rmqwire", *map(str, arguments)], **pipes)


@pytest.fixture
def namesrv(tmp_path):
    ports = ["--namesrv-port", "0", "--broker-port", "0"]
    servers = rmqwire("standalone", "--data", tmp_path / "data", *ports)
    line = servers.stdout.readline()
    while b"data in" not in servers.stdout.readline():
        pass
    yield re.search(rb"address (\S+)", line)[1].decode()
    servers.terminate()
    _, err = servers.communicate(timeout=30)
    assert (servers.returncode, err) == (0, b"")


def ended(process):
    code, err = process.wait(30), process.stderr.read()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()
    return code, err


def interrupted(process):
    process.send_signal(signal.SIGINT)
    return ended(process)


def test_ends_that_close_and_signals_while_waiting(namesrv):
    to_it = ["-n", namesrv, "-t", "T"]
    producer = rmqwire("produce", *to_it)  # stdin stays open: it waits in a read
    producer.stdin.write(b"one\ntwo\nthree\n")
    producer.stdin.flush()
    for _ in range(3):
        assert producer.stdout.readline().startswith(b"SEND_OK ")
    assert interrupted(producer) == (0, b"")

    producer = rmqwire("produce", *to_it)
    producer.stdout.close()
    producer.stdin.write(b"four\n")
    producer.stdin.flush()
    assert ended(producer) == (OUTPUT_CLOSED, b"")

    consumer = rmqwire("consume", *to_it, "--first", "-g", "closed")
    consumer.stdout.close()
    assert ended(consumer) == (OUTPUT_CLOSED, b"")

    consumer = rmqwire("consume", *to_it, "--first", "-g", "interrupted")
    seen = [consumer.stdout.readline() for _ in range(4)]
    assert sorted(seen) == [b"four\n", b"one\n", b"three\n", b"two\n"]
    assert interrupted(consumer) == (0, b"")
    again = rmqwire("consume", *to_it, "-g", "interrupted", "--timeout", "1")
    assert again.communicate(timeout=30) == (b"", b"")  # what was printed was acknowledged
