from __future__ import annotations

import pytest

from rmqwire.codec.consume_queue import PRE_BLANK, ext_address, pack_unit
from rmqwire.codec.sys_flag import INNER_BATCH_FLAG
from rmqwire.disk.files import RealFiles
from rmqwire.errors import CorruptLog, StoreError
from rmqwire.inspector.commitlog import commit_log_rows
from rmqwire.inspector.consumequeue import consume_queue_rows
from rmqwire.inspector.consumequeue_ext import ext_rows
from tests.inspector.stores import unpack
from tests.support.stores import START_MS, Clock, make_store, message, put, small_config


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


@pytest.fixture
def kinds(tmp_path):
    """A store with extension units, an inner batch and a delayed message."""
    clock = Clock()
    settings = {"enable_consume_queue_ext": True, "mapped_file_size_consume_queue_ext": 60}
    store = make_store(RealFiles(), clock=clock, config=small_config(str(tmp_path), **settings))
    store.queues.is_batch_topic = "B".__eq__
    store.open()
    for number in range(4):
        clock.now_ms += 1000
        put(store, message("T", 0, tags_code=60 + number))
    properties = b"INNER_NUM\x013\x02"
    batch = {"sys_flag": INNER_BATCH_FLAG, "properties": properties, "tags_code": 7}
    put(store, message("B", 1, **batch), message("B", 1, **batch))
    put(store, message("SCHEDULE_TOPIC_XXXX", 2, tags_code=1000))
    store.close()
    return tmp_path


def test_tags_codes_are_those_of_the_extension_units(kinds):
    rows = list(consume_queue_rows(kinds / "consumequeue" / "T"))
    assert [row["tagsCode"] for row in rows] == [60, 61, 62, 63]
    assert [row["extOffset"] for row in rows] == [0, 20, 60, 80]
    assert [row["storeTimestamp"] - START_MS for row in rows] == [1000, 2000, 3000, 4000]
    (delayed,) = consume_queue_rows(kinds / "consumequeue" / "SCHEDULE_TOPIC_XXXX")
    assert delayed["deliverTimestamp"] == START_MS + 5000
    (kinds / "consumequeue_ext" / "T" / "0" / f"{60:020}").unlink()  # the second file
    rows = list(consume_queue_rows(kinds / "consumequeue" / "T"))
    assert [row["tagsCode"] for row in rows] == [60, 61, None, None]


def test_extension_units_have_rows_of_their_own(kinds):
    rows = list(ext_rows(kinds))
    assert [(row["topic"], row["queueId"], row["extOffset"]) for row in rows] == [
        ("SCHEDULE_TOPIC_XXXX", 2, 0), ("T", 0, 0), ("T", 0, 20), ("T", 0, 60), ("T", 0, 80),
    ]  # fmt: skip
    assert rows[2] == {
        "topic": "T", "queueId": 0, "extOffset": 20, "size": 20, "tagsCode": 61,
        "storeTimestamp": START_MS + 2000, "bitMap": "",
    }  # fmt: skip
    folder = kinds / "consumequeue_ext" / "T"
    assert [row["extOffset"] for row in ext_rows(folder, 20)] == [20, 60, 80]
    file = folder / "0" / f"{60:020}"
    file.write_bytes(b"\0\x15" + file.read_bytes()[2:])
    with pytest.raises(CorruptLog, match="extension unit of 21 bytes"):
        list(ext_rows(file))


def test_units_of_batches_say_how_many_messages_they_hold(kinds):
    rows = [row for row in consume_queue_rows(kinds) if row["topic"] == "B"]
    assert [(row["queueOffset"], row["messages"], row["tagsCode"]) for row in rows] == [
        (0, 3, 7), (3, 3, 7),
    ]  # fmt: skip
    queue = kinds / "batchconsumequeue" / "B" / "1"
    assert [row["queueOffset"] for row in consume_queue_rows(queue, 3)] == [3]
    assert list(consume_queue_rows(kinds / "batchconsumequeue")) == rows


def test_pre_blanks_are_passed_over_and_extensions_named(tmp_path):
    queue = tmp_path / "consumequeue" / "T" / "0"
    queue.mkdir(parents=True)
    (queue / f"{0:020}").write_bytes(PRE_BLANK + pack_unit(100, 91, ext_address(40)))
    assert list(consume_queue_rows(queue)) == [
        {
            "topic": "T",
            "queueId": 0,
            "queueOffset": 1,
            "physicalOffset": 100,
            "size": 91,
            "tagsCode": None,
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
        list(consume_queue_rows(tmp_path / "x"))
    with pytest.raises(StoreError, match="no consumequeue files"):
        list(consume_queue_rows(tmp_path))
    with pytest.raises(StoreError, match="no consumequeue_ext files"):
        list(ext_rows(tmp_path))
