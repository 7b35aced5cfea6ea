"""Brokers that cases share, and how often Java is warmed."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from bench import rounds
from bench.cases.sends import load_of
from bench.generator.tape import pull
from bench.rounds import Bench
from bench.sides import JAVA

LOAD = load_of("send/128B/1x1/ROCKETMQ/async")


class Noted(Bench):
    def __init__(self, folder):
        super().__init__(folder=folder)
        self.began, self.ended = [], []


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """A benchmark whose brokers are only noted, by their settings."""
    made = Noted(folder=tmp_path)

    @contextmanager
    def servers(kinds, home, settings):
        assert home.is_dir()
        made.began.append(dict(settings))
        yield [settings]
        made.ended.append(dict(settings))

    monkeypatch.setattr(rounds, "servers", servers)
    yield made
    made.stop_servers()


def test_cases_with_the_same_settings_share_brokers(bench, tmp_path):
    first = bench.servers({"a": "1"})
    assert bench.servers({"a": "1"}) is first
    assert (bench.began, bench.ended) == ([{"a": "1"}], [])
    assert bench.servers({}) is not first
    assert bench.ended == [{"a": "1"}]
    bench.stop_servers()
    bench.stop_servers()
    assert bench.ended == [{"a": "1"}, {}]
    assert list(tmp_path.iterdir()) == []


def test_a_case_with_brokers_of_its_own_has_no_others_beside_it(bench, tmp_path):
    bench.servers({})
    with bench.apart() as home:
        assert bench.ended == [{}]
        assert list(tmp_path.iterdir()) == [home]
    assert list(tmp_path.iterdir()) == []
    bench.servers({})
    assert bench.began == [{}, {}]


def test_brokers_that_do_not_start_leave_nothing(bench, monkeypatch, tmp_path):
    @contextmanager
    def servers(*_):
        raise TimeoutError("no broker")
        yield

    monkeypatch.setattr(rounds, "servers", servers)
    with pytest.raises(TimeoutError):
        bench.servers({})
    assert list(tmp_path.iterdir()) == []


def slices(bench, monkeypatch, kind, frames):
    """Return how many slices a broker whose rate always grows is warmed for."""
    rates = []

    def play(*_, **__):
        rates.append(100.0 * 2 ** len(rates))
        return SimpleNamespace(rate=rates[-1])

    monkeypatch.setattr(rounds, "play", play)
    bench.warm(SimpleNamespace(pid=1, port=1, kind=kind), frames, LOAD[1])
    return len(rates)


def test_java_is_warmed_longer_for_a_request_that_is_new_to_it(bench, monkeypatch):
    pulls = [pull("T", 0, 0, 0)]
    found = [slices(bench, monkeypatch, JAVA, frames) for frames in (LOAD[0], LOAD[0], pulls)]
    assert found == [rounds.WARM_SLICES[JAVA], rounds.WARM_AGAIN[JAVA], rounds.WARM_SLICES[JAVA]]
    assert slices(bench, monkeypatch, "python", LOAD[0]) == 1
