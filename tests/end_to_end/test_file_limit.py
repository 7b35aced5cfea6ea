"""A server process that may open 64 files, and 100 connections: the store goes on opening its own."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time

import pytest

from rmqwire.codec.command import decode_command, encode_command
from tests.support.requests import send

SCRIPT = (
    'ulimit -n 64; exec "$0" -m rmqwire standalone --data "$1" --namesrv-port 0 --broker-port 0'
)


@pytest.fixture
def broker(tmp_path):
    """Return the address of a broker in a process with few files."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", SCRIPT, sys.executable, str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = ""
    while "data in" not in said:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        said += line
    yield "127.0.0.1", int(re.search(r"listens on \S+:(\d+)", said)[1])
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert "is turned away: 32 connections are open" in err


def is_open(connection):
    """Return whether the server has kept the connection."""
    connection.settimeout(0)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    finally:
        connection.settimeout(10)


def code_of_a_send(connection, topic):
    connection.sendall(encode_command(send(topic)))
    frame = connection.recv(65_536)
    assert frame
    return decode_command(frame).code


def test_connections_leave_files_for_the_store(broker):
    flood = [socket.create_connection(broker, timeout=10) for _ in range(100)]
    try:
        deadline = time.monotonic() + 10
        while len(kept := [one for one in flood if is_open(one)]) > 32:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert len(kept) == 32
        for number in range(10):  # each opens a queue's file and writes topics.json anew
            assert code_of_a_send(kept[0], f"New{number}") == 0
    finally:
        for one in flood:
            one.close()
    deadline = time.monotonic() + 10
    while True:  # there is room again
        with socket.create_connection(broker, timeout=10) as fresh:
            time.sleep(0.05)
            if is_open(fresh):
                assert code_of_a_send(fresh, "After") == 0
                return
        assert time.monotonic() < deadline
