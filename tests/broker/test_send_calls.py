"""The hot path stays short: Python calls per send are counted, not timed."""

import pytest

from bench.send_calls import FRAMES, PASSES, count
from rmqwire.codec.native import PYTHON, SWITCH


@pytest.mark.parametrize(("serialize_type", "most"), [(0, 11), (1, 9)])
def test_a_plain_send_takes_few_python_calls(serialize_type, most, monkeypatch):
    monkeypatch.setenv(SWITCH, PYTHON)
    calls, _ = count("5.5.0", serialize_type)
    assert calls["plain_sends.py:_Run._take_message"] == PASSES * FRAMES
    assert calls.total() / (PASSES * FRAMES) <= most


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_a_send_that_the_processor_takes_needs_at_most_25(serialize_type, monkeypatch):
    monkeypatch.setenv(SWITCH, PYTHON)
    calls, _ = count("5.5.0", serialize_type, lane=False)
    assert calls["send_message.py:SendMessageProcessor._stored"] == PASSES * FRAMES
    assert calls.total() / (PASSES * FRAMES) <= 25
