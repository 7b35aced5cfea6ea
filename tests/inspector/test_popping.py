"""The revive log and blocked queues, as Java's folders with pending pops have them."""

from __future__ import annotations

import json
import tarfile

import pytest
from click.testing import CliRunner

from rmqwire.cli import main
from rmqwire.errors import CorruptLog, StoreError, UsageError
from rmqwire.inspector.order_info import order_info_rows
from rmqwire.inspector.pop_plot import PopPlot
from rmqwire.inspector.revive import named_by, revive_log_rows
from rmqwire.inspector.verify import verify_store
from tests.support.golden import GOLDEN

FOLDERS = GOLDEN / "5.5.0" / "JSON-pop" / "folders"
POPPED = {  # what observed.json says: m0 and m2 revived, two acked, one changed, five left
    ("pend", 0, 0): [0, 1],
    ("pend", 0, 2): [2, 3, 4],
    ("pend", 0, 4): [4],
    ("pend", 1, 0): [0, 1, 2, 3, 4],
    ("%RETRY%g_pend_pend", 0, 0): [0, 1],
}


@pytest.fixture
def store(tmp_path):
    with tarfile.open(FOLDERS / "pop_plain_clean.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "store"


def test_check_points_and_acks_of_java_are_shown(store):
    rows = list(revive_log_rows(store))
    points = [row for row in rows if row["kind"] == "ck" and row["state"] == "waits"]
    named = {(row["topic"], row["queueId"], row["startOffset"]): row["offsets"] for row in points}
    assert named == POPPED
    acks = [(row["popTime"], *row["offsets"]) for row in rows if row["kind"] == "ack"]
    assert [offset for _, offset in acks] == [2, 3, 4]
    assert {time for time, _ in acks} == {points[1]["popTime"]}
    (arrived,) = [row for row in rows if row["state"] == "arrived"]
    assert (arrived["reviveQueueId"], arrived["reviveOffset"]) == (0, 0)
    assert arrived["visibleTime"] - arrived["popTime"] == 3_000
    assert list(revive_log_rows(store, rows[3]["offset"])) == rows[3:]


def test_blocked_queues_are_shown(store):
    (row,) = order_info_rows(store)
    assert (row["topic"], row["group"], row["queueId"]) == ("pordr", "g_pordr", 0)
    assert (row["offsets"], row["acknowledged"], row["attemptId"]) == ([0, 1, 2], [0], "x1")
    assert row["visibleTime"] - row["popTime"] == 60_000
    assert list(order_info_rows(store / "config")) == [row]
    (store / "config" / "consumerOrderInfo.json").write_text("[]")
    with pytest.raises(CorruptLog):
        list(order_info_rows(store))
    with pytest.raises(StoreError):
        list(order_info_rows(store / "nowhere"))


def test_acks_of_several_messages_are_shown():
    body = b'{"ao":-1,"so":3,"c":"g","t":"T","q":1,"pt":7,"bn":"b","aol":[3,5]}'
    assert named_by("bAck", body) == {
        "kind": "bAck",
        "topic": "T",
        "queueId": 1,
        "group": "g",
        "startOffset": 3,
        "popTime": 7,
        "offsets": [3, 5],
    }


def run(*words):
    return CliRunner().invoke(main, ["inspect", *map(str, words)])


def test_the_commands_show_them(store):
    lines = run("revivelog", store).stdout.splitlines()
    assert len(lines) == 10
    assert lines[4].split()[:6] == ["4339", "ck", "waits", "1", "g_pend", "pend:1"]
    assert lines[4].endswith("0,1,2,3,4")
    rows = [json.loads(line) for line in run("revivelog", store, "--json").stdout.splitlines()]
    assert rows == list(revive_log_rows(store))
    assert run("orderinfo", store).stdout.splitlines()[1].split()[:3] == ["pordr", "g_pordr", "0"]


def test_pops_are_drawn(store, tmp_path):
    pytest.importorskip("matplotlib")
    result = run("revivelog", store, "--plot", tmp_path / "popped.png")
    assert result.exit_code == 0
    assert (tmp_path / "popped.png").read_bytes().startswith(b"\x89PNG")
    plot = PopPlot(tmp_path / "none.png")
    with pytest.raises(UsageError, match="no check point"):
        plot.save()
    (first, *_) = revive_log_rows(store)
    many = [first | {"popTime": number} for number in range(50)]
    assert list(plot.rows(many)) == many
    plot.save()
    assert (tmp_path / "none.png").exists()


def of_popping(root):
    report = verify_store(root, slots=100)
    return [one.text for one in report.findings if one.part == "popping"], report


@pytest.mark.parametrize("name", ["pop_plain_clean", "pop_plain_kill9", "pop_merge_clean"])
def test_pops_of_java_fit(tmp_path, name):
    with tarfile.open(FOLDERS / f"{name}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    texts, report = of_popping(tmp_path / "store")
    assert texts == []
    assert report.popping >= (9 if "plain" in name else 1)
    assert report.row()["popping"] == report.popping


def test_what_does_not_fit_is_found(store):
    log = store / "commitlog" / f"{0:020}"
    data = log.read_bytes()
    log.write_bytes(data.replace(b'"d":[0,1,2,3,4]', b'"d":[0,1,2,3,9]'))
    texts, _ = of_popping_without_crc(store)
    assert "message 9 of pend queue 1 was popped, the queue ends at 5" in texts
    log.write_bytes(data.replace(b'{"bm":0,', b'["bm":0,'))
    texts, _ = of_popping_without_crc(store)
    assert any(text.startswith("no check point and no ack: ") for text in texts)
    with pytest.raises(CorruptLog):
        list(revive_log_rows(store))


def of_popping_without_crc(root):
    report = verify_store(root, slots=100, check_crc=False)
    return [one.text for one in report.findings if one.part == "popping"], report


def test_a_block_beyond_its_queue_and_a_table_that_is_none_are_found(store):
    file = store / "config" / "consumerOrderInfo.json"
    file.write_text(file.read_text().replace('"o":[0,', '"o":[70,'))
    ((text,), _) = of_popping(store)
    assert text.startswith("message 72 of pordr queue 0 was popped, the queue ends at ")
    file.write_text('{"table":7}')
    texts, report = of_popping(store)
    assert len(texts) == 1
    assert report.problems


def test_a_record_with_another_tag_is_none():
    with pytest.raises(Exception, match="with the tag 'x'"):
        named_by("x", b"{}")
