"""Waiting for servers."""

from __future__ import annotations

import pytest

from interop.processes import wait_until


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
