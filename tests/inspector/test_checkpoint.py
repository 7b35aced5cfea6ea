from __future__ import annotations

import pytest

from rmqwire.errors import CorruptLog, StoreError
from rmqwire.inspector.checkpoint import checkpoint_rows
from tests.inspector.stores import unpack


def test_both_files_of_a_store_are_read(tmp_path):
    root = unpack(tmp_path, "5.5.0", "kill9")
    found = {row["name"]: row["value"] for row in checkpoint_rows(root)}
    assert found["confirmPhyOffset"] == 2194491
    assert found["lastTimerQueueOffset"] == 5
    assert len(list(checkpoint_rows(root / "checkpoint"))) == 6


def test_damage_and_absence_are_named(tmp_path):
    with pytest.raises(StoreError, match="No such file"):
        list(checkpoint_rows(tmp_path / "checkpoint"))
    (tmp_path / "checkpoint").write_bytes(b"short")
    with pytest.raises(CorruptLog, match="checkpoint of 5 bytes"):
        list(checkpoint_rows(tmp_path))
