"""Tests of minutes are only run when they are named: ``-m nightly``."""

import pytest

from tests.support.histories import HistoryFile


def pytest_collection_modifyitems(config, items):
    if config.getoption("-m"):
        return
    long = [item for item in items if item.get_closest_marker("nightly")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


@pytest.fixture
def history(tmp_path):
    history = HistoryFile(tmp_path / "history.jsonl")
    yield history
    history.close()
