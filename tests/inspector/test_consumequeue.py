from __future__ import annotations

import pytest

from rmqwire.codec.consume_queue import PRE_BLANK, ext_address, pack_unit
from rmqwire.errors import CorruptLog, StoreError
from rmqwire.inspector.commitlog import commit_log_rows
from rmqwire.inspector.consumequeue import consume_queue_rows, queue_folders
from tests.inspector.stores import unpack


@pytest.fixture
def store(tmp_path):
    return unpack(tmp_path, "5.5.0", "kill9")


def test_every_unit_points_to_a_record_of_the_log(store):
    rows = list(consume_queue_rows(store))
    log = {row["offset"]: row for row in commit_log_rows(store)}
    for row in rows:
        record = log[row["physicalOffset"]]
        assert record["size"] == row["size"]
        assert (record["topic"], record["queueId"]) == (row["topic"], row["queueId"])
    assert len(rows) > 800


def test_one_queue_is_read_from_a_queue_offset(store):
    queue = store / "consumequeue" / "gsst1" / "1"
    rows = list(consume_queue_rows(queue, 150))
    assert [row["queueOffset"] for row in rows[:3]] == [150, 151, 152]
    assert [row["queueOffset"] for row in consume_queue_rows(queue)] == list(
        range(rows[-1]["queueOffset"] + 1)
    )
    assert list(consume_queue_rows(queue, 1 << 70)) == []
    assert next(consume_queue_rows(queue / f"{2000:020}"))["queueOffset"] == 100


def test_a_delay_queue_tells_when_to_deliver(store):
    rows = list(consume_queue_rows(store / "consumequeue" / "SCHEDULE_TOPIC_XXXX"))
    assert all(row["deliverTimestamp"] == row["tagsCode"] for row in rows)
    assert rows


def test_pre_blanks_are_passed_over_and_extensions_named(tmp_path):
    queue = tmp_path / "T" / "0"
    queue.mkdir(parents=True)
    (queue / f"{0:020}").write_bytes(PRE_BLANK + pack_unit(100, 91, ext_address(40)))
    assert list(consume_queue_rows(queue)) == [
        {
            "topic": "T",
            "queueId": 0,
            "queueOffset": 1,
            "physicalOffset": 100,
            "size": 91,
            "tagsCode": ext_address(40),
            "extOffset": 40,
        }
    ]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        (f"{0:020}", pack_unit(1, -1, 0), "size -1"),
        (f"{0:020}", b"# Some text that is no queue", "size 1702392864"),
        (f"{0:020}", pack_unit(1, 91, 0) + b"x", "a unit of 1 bytes"),
        (f"{7:020}", bytes(20), "can't begin at 7"),
    ],
)
def test_damage_is_named(tmp_path, name, data, reason):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CorruptLog, match=reason):
        list(consume_queue_rows(tmp_path))


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match="no such file"):
        queue_folders(tmp_path / "x")
    with pytest.raises(StoreError, match="no consume queue files"):
        queue_folders(tmp_path)
