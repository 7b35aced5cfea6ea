from __future__ import annotations

import pytest

from rmqwire.errors import CorruptLog, StoreError
from rmqwire.inspector.config import config_rows
from tests.inspector.stores import unpack


@pytest.mark.parametrize("release", ["4.9.7", "5.5.0"])
def test_java_s_tables_are_read(tmp_path, release):
    root = unpack(tmp_path, release, "kill9")
    rows = list(config_rows(root))
    assert rows == list(config_rows(root / "config"))
    topics = {row["key"]: row["value"] for row in rows if row["table"] == "topicConfigTable"}
    assert topics["gsst1"]["readQueueNums"] == 2
    offsets = list(config_rows(root / "config" / "consumerOffset.json"))
    assert any(row["table"] == "offsetTable" and "@" in row["key"] for row in offsets)


def test_a_plain_value_is_a_row_of_its_own(tmp_path):
    (tmp_path / "x.json").write_text('{"a": 1}')
    assert [(row["table"], row["key"], row["value"]) for row in config_rows(tmp_path)] == [
        ("a", None, 1)
    ]


@pytest.mark.parametrize("text", ["", "[1]", '{"a": '])
def test_damage_is_named(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(CorruptLog, match=r"x\.json at"):
        list(config_rows(tmp_path))


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match="no such file"):
        list(config_rows(tmp_path / "x"))
    with pytest.raises(StoreError, match="no tables"):
        list(config_rows(tmp_path))
