"""The hot path stays short: Python calls per send are counted, not timed."""

import pytest

from bench.send_calls import FRAMES, PASSES, count
from rmqwire.codec.native import PYTHON, SWITCH


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_a_send_takes_at_most_24_python_calls(serialize_type, monkeypatch):
    monkeypatch.setenv(SWITCH, PYTHON)
    calls, _ = count("5.5.0", serialize_type)
    assert calls["send_message.py:SendMessageProcessor._stored"] == PASSES * FRAMES
    assert calls.total() / (PASSES * FRAMES) <= 24
