"""Whole stores checked: Java's are clean, and each kind of damage is found where it is."""

from __future__ import annotations

import pytest

from rmqwire.codec.consume_queue import UNIT, pack_unit
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.sys_flag import INNER_BATCH_FLAG
from rmqwire.disk.files import RealFiles
from rmqwire.errors import StoreError
from rmqwire.inspector.findings import NOTE, PROBLEM
from rmqwire.inspector.verify import verify_store
from tests.inspector.stores import unpack
from tests.support import golden
from tests.support.stores import make_store, message, put, small_config

STORES = [(p.parent.parent.name, p.name.partition(".")[0]) for p in golden.store_archives()]
SECOND = 1_048_576  # bytes: begin of the second file of the recorded logs


@pytest.fixture
def store(tmp_path):
    return unpack(tmp_path, "5.5.0", "clean_shutdown")


def flip(path, offset, mask=0x40):
    data = bytearray(path.read_bytes())
    data[offset] ^= mask
    path.write_bytes(data)


def used_units(data):
    return -(-len(data.rstrip(b"\0")) // UNIT) * UNIT


def tear(store, end):
    """Let the log's last record end in zeros, as a power cut can leave it."""
    path = store / "commitlog" / f"{2 * SECOND:020}"
    data = bytearray(path.read_bytes())
    data[end - 2 * SECOND - 30 :] = bytes(len(data) - (end - 2 * SECOND - 30))
    path.write_bytes(data)
    return path


def parts(report, level=PROBLEM):
    return {finding.part for finding in report.findings if finding.level == level}


def all_bytes(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("release", "name"), STORES, ids=lambda value: value)
def test_stores_of_java_are_clean(tmp_path, release, name):
    root = unpack(tmp_path, release, name)
    before = all_bytes(root)
    report = verify_store(root)
    assert [finding.text for finding in report.problems] == []
    assert report.records == report.units > 10
    assert report.index_entries > report.records
    assert report.clean_shutdown == (name != "kill9")
    assert all_bytes(root) == before
    again = [finding for finding in report.findings if "stand twice" in finding.text]
    assert [finding.count for finding in again] == ([2] if "recovered" in name else [])


def test_a_store_of_ours_is_clean_and_a_growing_one_is_noted(tmp_path):
    config = small_config(str(tmp_path))
    store = make_store(RealFiles(), config=config)
    store.open()
    put(store, *[message("T", n % 3, b"x" * n) for n in range(1, 200)])
    running = verify_store(tmp_path)
    assert running.problems == []
    assert not running.clean_shutdown
    assert "moving target" not in str(running.findings)  # the lock is this process's own
    store.close()
    report = verify_store(tmp_path)
    assert report.problems == []
    assert report.units == report.records == 199
    assert report.queues == 3


def kinds_of_queues(root):
    """Fill a store with a plain queue, a BatchCQ queue and light queues; give it, still open."""
    config = small_config(str(root), enable_lmq=True, enable_multi_dispatch=True)
    store = make_store(RealFiles(), config=config)
    store.queues.is_batch_topic = "B".__eq__
    store.open()
    names = b"INNER_MULTI_DISPATCH\x01%LMQ%a,%LMQ%b\x02TAGS\x01t\x02"
    for number in range(1, 20):
        inner = {"sys_flag": INNER_BATCH_FLAG, "properties": b"INNER_NUM\x01%d\x02" % number}
        put(
            store,
            message("T", 0, b"x", properties=names, tags_code=tags_code("t")),
            message("B", 0, b"y" * number, **inner),
            message("B", 0, b"z"),
        )
    return store


def test_queues_of_all_kinds(tmp_path):
    kinds_of_queues(tmp_path).close()
    report = verify_store(tmp_path)
    assert report.problems == []
    assert (report.queues, report.records, report.units) == (4, 57, 19 * 5)
    flip(tmp_path / "batchconsumequeue" / "B" / "0" / f"{0:020}", 46 * 3 + 37, 1)
    flip(tmp_path / "consumequeue" / "%LMQ%a" / "0" / f"{0:020}", 20 * 4 + 19, 1)
    found = {finding.file.split("/")[-2]: finding for finding in verify_store(tmp_path).problems}
    assert set(found) == {"B", "%LMQ%a"}
    assert found["%LMQ%a"].offset == 4
    assert "the log has" in found["B"].text


def test_a_flipped_bit_in_the_log_is_one_damage_and_the_rest_is_read(store):
    flip(store / "commitlog" / f"{SECOND:020}", 300_000)
    report = verify_store(store)
    (damage,) = report.damages
    assert damage.begin <= SECOND + 300_000 < damage.end
    assert "CRC" in damage.reason
    assert report.records == 825
    assert {"commitlog", "consumequeue", "index"} == parts(report)
    assert any("no whole record of this queue" in finding.text for finding in report.problems)
    assert any("leads to no whole record" in finding.text for finding in report.problems)


def test_crcs_can_be_left_out(store):
    flip(store / "commitlog" / f"{SECOND:020}", 300_000)
    assert verify_store(store, check_crc=False).problems == []


def test_a_missing_file_of_the_log_is_a_gap(store):
    (store / "commitlog" / f"{SECOND:020}").unlink()
    report = verify_store(store)
    assert [(d.begin, d.end) for d in report.damages] == [(SECOND, 2 * SECOND)]
    assert any("the file before it ends at" in finding.text for finding in report.problems)


@pytest.mark.parametrize("closed", [True, False])
def test_a_torn_tail_is_a_problem_only_if_the_store_was_closed(store, closed):
    end = verify_store(store).log_end
    tear(store, end)
    if not closed:
        (store / "abort").touch()
    report = verify_store(store)
    assert report.damages == []
    assert report.log_end < end
    tail = [f for f in report.findings if f.part == "commitlog"]
    assert [f.level for f in tail] == [PROBLEM if closed else NOTE]
    assert any("behind the log's end" in f.text for f in report.findings if f.part == "index")


def test_units_that_are_wrong_missing_or_too_many(store):
    folder = store / "consumequeue" / "gsst1"
    first = next((folder / "0").iterdir())
    flip(first, 5 * UNIT + 7)
    second = max((folder / "1").iterdir())
    data = bytearray(second.read_bytes())
    used = used_units(data)
    data[used - UNIT : used] = bytes(UNIT)
    second.write_bytes(data)
    third = max((store / "consumequeue" / "gsst2" / "0").iterdir())
    data = bytearray(third.read_bytes())
    used = used_units(data)
    data[used : used + UNIT] = pack_unit(10**9, 100, 0)
    third.write_bytes(data)
    found = {(f.file.split("consumequeue/")[-1], f.text[:12]) for f in verify_store(store).problems}
    assert {place for place, _ in found} == {"gsst1/0", "gsst1/1", "gsst2/0"}
    texts = " ".join(text for _, text in found)
    assert "unit (" in texts
    assert "messages at" in texts
    assert "units lead" in texts


def test_a_queue_that_is_not_there_is_a_problem_unless_its_topic_was_deleted(store):
    folder = store / "consumequeue" / "gsst1"
    folder.rename(store / "elsewhere")
    assert parts(verify_store(store)) == {"consumequeue"}
    topics = store / "config" / "topics.json"
    topics.write_text(topics.read_text().replace('"gsst1":{', '"other":{'))
    report = verify_store(store)
    assert report.problems == []
    assert "deleted" in next(f.text for f in report.findings if f.part == "consumequeue")


@pytest.mark.parametrize(
    ("offset", "word"),
    [(36, "indexCount"), (32, "hashSlotCount"), (40, "slot"), (-1, "names")],
)
def test_an_index_file_that_contradicts_itself(store, offset, word):
    file = min((store / "index").iterdir())
    flip(file, offset, 0x41)
    report = verify_store(store)
    assert any(word in finding.text for finding in report.problems), report.findings
    assert "index" in parts(report)


def test_an_entry_with_another_key(store):
    file = min((store / "index").iterdir())
    flip(file, 40 + 400 + 20 * 10)
    texts = [finding.text for finding in verify_store(store).problems]
    assert any("which the record doesn't have" in text for text in texts)
    assert any("a key has no entry" in text for text in texts)


def test_checkpoint_and_tables(store):
    (store / "checkpoint").write_bytes(bytes([0x7F]) * 4096)
    (store / "config" / "topics.json").write_text("{")
    offsets = store / "config" / "consumerOffset.json"
    offsets.write_text('{"offsetTable":{"gsst1@g":{0:99999,1:1}}}')
    report = verify_store(store)
    assert {"checkpoint", "config"} == parts(report)
    assert any("takes the .bak" in finding.text for finding in report.problems)
    assert any("stands at 99999" in f.text for f in report.findings if f.level == NOTE)


def test_light_groups_offsets_are_compared_too(store):
    offsets = store / "config" / "lmqConsumerOffset.json"
    offsets.write_text('{"lmqOffsetTable":{"gsst1@%LMQ%g":77777},"offsetTable":{}}')
    texts = [found.text for found in verify_store(store).findings if found.level == NOTE]
    assert any("gsst1@%LMQ%g queue 0 stands at 77777" in text for text in texts)


def test_entries_of_records_that_were_cleaned_away_are_no_fault(tmp_path):
    config = small_config(str(tmp_path), mapped_file_size_commit_log=1024)
    store = make_store(RealFiles(), config=config)
    store.open()
    for number in range(40):
        put(store, message(properties=b"UNIQ_KEY\x01%d\x02" % number))
    while store.build_index():
        pass
    store.close()
    (tmp_path / "commitlog" / f"{0:020}").unlink()
    again = make_store(RealFiles(), config=config)
    again.open()
    again.close()
    assert verify_store(tmp_path, slots=50).problems == []


def test_what_is_no_store(tmp_path):
    with pytest.raises(StoreError, match="no such folder"):
        verify_store(tmp_path / "nothing")
    with pytest.raises(StoreError, match="so no store"):
        verify_store(tmp_path)
    (tmp_path / "commitlog").mkdir()
    empty = verify_store(tmp_path)
    assert (empty.problems, empty.records, empty.log_end) == ([], 0, 0)
    (tmp_path / "commitlog" / "notes.txt").touch()
    with pytest.raises(StoreError, match="no log files"):
        verify_store(tmp_path)
