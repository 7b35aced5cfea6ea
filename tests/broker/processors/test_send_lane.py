"""The native lane's switch, and what its panic costs."""

from __future__ import annotations

import logging

import pytest
import rmqwire_speedups

from rmqwire.broker.processors.plain_pulls import PlainPulls
from rmqwire.broker.processors.plain_sends import PlainSends
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.errors import ConfigError
from tests.support.lanes import on_lane


def test_a_panic_is_an_error_of_one_connection():
    with pytest.raises(RuntimeError, match="panicked"):
        rmqwire_speedups.panic_for_a_test()


def test_the_switch_says_which_lane_runs(tmp_path, monkeypatch, caplog):
    with pytest.raises(ConfigError, match="is none of"):
        on_lane("fast", tmp_path, DEFAULT_RELEASE)
    monkeypatch.setattr(rmqwire_speedups, "VERSION", 0)
    with pytest.raises(ConfigError, match="install it again"):
        on_lane("native", tmp_path, DEFAULT_RELEASE)
    with caplog.at_level(logging.WARNING):
        broker = on_lane("auto", tmp_path, DEFAULT_RELEASE)
    lane = broker.core.handlers.lane
    takers = [type(one._take.__self__) for one in (lane._sends, lane._pulls)]
    assert takers == [PlainSends, PlainPulls]
    assert "install it again" in caplog.text
    broker.close()
