from __future__ import annotations

import sys

import pytest

from rmqwire.errors import UsageError
from rmqwire.inspector.commitlog import commit_log_rows
from rmqwire.inspector.consumequeue import consume_queue_rows
from rmqwire.inspector.plot import MAX_QUEUES, CommitLogPlot, ConsumeQueuePlot, _shortened
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


def test_a_batch_moves_its_queue_by_what_it_holds_and_long_names_are_cut(tmp_path):
    pytest.importorskip("matplotlib")
    plot = ConsumeQueuePlot(tmp_path / "queues.png")
    name = "%RETRY%" + "g" * 200
    units = [
        {
            "topic": name,
            "queueId": 3,
            "queueOffset": n * 5,
            "physicalOffset": n * 100,
            "messages": 5,
        }
        for n in range(4)
    ]
    assert list(plot.rows(units)) == units
    assert plot._ends[f"{name}:3"] == (300, 20)
    plot.save()
    picture = (tmp_path / "queues.png").read_bytes()
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (1210, 880)
    assert _shortened(f"{name}:3") == "%RETRY%ggggggggggggggggg…" + "g" * 22 + ":3"


def test_nothing_to_draw(tmp_path):
    pytest.importorskip("matplotlib")
    for kind in (CommitLogPlot, ConsumeQueuePlot):
        with pytest.raises(UsageError, match="--plot"):
            kind(tmp_path / "empty.png").save()
    assert list(tmp_path.iterdir()) == []
