"""Waiting for servers."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from interop.processes import Node, complaints, free_port, wait_until


def test_a_server_that_can_t_be_asked_yet_is_waited_for() -> None:
    answers = iter([ConnectionRefusedError("refused"), TimeoutError("timed out"), EOFError(), True])

    def condition() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    wait_until(condition, "the server", 10)


def test_the_last_fault_is_told_when_the_time_is_up() -> None:
    def condition() -> bool:
        raise ConnectionRefusedError("refused")

    with pytest.raises(TimeoutError, match="the server: not within 0 s") as caught:
        wait_until(condition, "the server", 0)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_a_failure_of_the_test_itself_is_raised_at_once() -> None:
    def condition() -> bool:
        raise RuntimeError("the broker ended with 1")

    with pytest.raises(RuntimeError, match="ended with 1"):
        wait_until(condition, "the server", 10)


def test_what_a_server_complained_about_is_told(tmp_path: Path) -> None:
    script = "import time; print('all is well'); print('ERROR a disk is full', flush=True); time.sleep(99)"
    addr = f"127.0.0.1:{free_port()}"
    listener = socket.create_server(("127.0.0.1", int(addr.rpartition(":")[2])))
    with listener:
        node = Node.start("server", addr, [sys.executable, "-c", script], tmp_path)
        try:
            wait_until(node.complaints, "a complaint", 10)
            said = dict(complaints())
        finally:
            node.kill()
    assert said[f"server {addr} logged"] == "server.log: ERROR a disk is full"
    assert f"server {addr} logged" not in dict(complaints())
