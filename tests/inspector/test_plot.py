from __future__ import annotations

import sys

import pytest

from rmqwire.errors import UsageError
from rmqwire.inspector.commitlog import commit_log_rows
from rmqwire.inspector.consumequeue import consume_queue_rows
from rmqwire.inspector.plot import MAX_QUEUES, CommitLogPlot, ConsumeQueuePlot
from tests.inspector.stores import unpack

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def store(tmp_path):
    return unpack(tmp_path, "4.9.7", "clean_shutdown")


def test_without_matplotlib_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install 'rmqwire\[plot\]'"):
        CommitLogPlot(tmp_path / "a.png")


def test_a_log_is_drawn_and_its_rows_are_passed_on(store, tmp_path):
    pytest.importorskip("matplotlib")
    plot = CommitLogPlot(tmp_path / "log.png")
    rows = list(commit_log_rows(store))
    assert list(plot.rows(rows)) == rows
    plot.save()
    assert (tmp_path / "log.png").read_bytes().startswith(PNG)


def test_queues_are_drawn(store, tmp_path):
    pytest.importorskip("matplotlib")
    plot = ConsumeQueuePlot(tmp_path / "queues.png")
    for _ in plot.rows(consume_queue_rows(store)):
        pass
    plot.save()
    assert (tmp_path / "queues.png").read_bytes().startswith(PNG)


def test_many_long_queues_keep_few_points(tmp_path):
    pytest.importorskip("matplotlib")
    plot = ConsumeQueuePlot(tmp_path / "queues.png")
    for queue in range(MAX_QUEUES + 3):
        row = {"topic": "T", "queueId": queue}
        units = [row | {"queueOffset": n, "physicalOffset": n * 100} for n in range(1500)]
        assert len(list(plot.rows(units))) == 1500
    plot.save()
    assert all(len(points) <= 241 for points in plot._points.values())


def test_nothing_to_draw(tmp_path):
    pytest.importorskip("matplotlib")
    for kind in (CommitLogPlot, ConsumeQueuePlot):
        with pytest.raises(UsageError, match="--plot"):
            kind(tmp_path / "empty.png").save()
    assert list(tmp_path.iterdir()) == []
