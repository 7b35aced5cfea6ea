"""Records of version 2, for topics whose names are over 127 bytes: from the put to the pull."""

from __future__ import annotations

import pytest

from rmqwire.codec.message import MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2
from rmqwire.codec.record import decode_message, iter_messages
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.disk.files import RealFiles
from rmqwire.inspector.verify import verify_store
from rmqwire.store.message_store import PutStatus
from tests.support.stores import make_store, message, put, small_config

LONG = "%RETRY%" + "g" * 200  # bytes: V2
BORDER = "%RETRY%" + "g" * 120  # 127 bytes: the longest name of V1


def open_store(root, release=V5_5_0, **changes):
    store = make_store(RealFiles(), config=small_config(str(root), **changes), release=release)
    report = store.open()
    return store, report


def bodies(store, topic):
    body = store.get_message(topic, 0, 0, 32).body
    return [(one.topic, one.queue_offset, one.body) for one in iter_messages(body)]


def test_they_are_stored_pulled_recovered_and_verified(tmp_path):
    store, _ = open_store(tmp_path)
    results = put(
        store,
        message(LONG, 0, b"one"),
        message("T", 0, b"short"),
        message(BORDER, 0, b"border"),
        message(LONG, 0, b"two"),
    )
    magics = [decode_message(store.look_message(r.physical_offset)).magic for r in results]
    assert magics == [MESSAGE_MAGIC_V2, MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2]
    assert results[0].size == results[1].size + len(LONG) - len("T") - len("short") + 3 + 1
    pulled = [(LONG, 0, b"one"), (LONG, 1, b"two")]
    assert bodies(store, LONG) == pulled
    store.close()
    assert verify_store(tmp_path).problems == []
    for path in (tmp_path / "consumequeue").rglob("0*0"):
        if path.is_file():
            path.unlink()
    (tmp_path / "rmqwire.mark").unlink(missing_ok=True)
    again, report = open_store(tmp_path)
    assert (report.records, report.units_added, report.cut_reason) == (4, 4, "")
    assert bodies(again, LONG) == pulled
    (result,) = put(again, message(LONG, 0, b"three"))
    assert result.queue_offset == 2
    again.close()
    assert verify_store(tmp_path).problems == []


@pytest.mark.parametrize(
    ("release", "changes", "topic"),
    [
        (V4_9_7, {}, LONG),
        (V5_5_0, {"auto_message_version_on_topic_len": False}, LONG),
        (V5_5_0, {}, "t" * 128),
        (V5_5_0, {}, "%RETRY%" + "g" * 249),
    ],
)
def test_names_that_are_too_long(tmp_path, release, changes, topic):
    store, _ = open_store(tmp_path, release, **changes)
    (result,) = put(store, message(topic))
    assert result.status == PutStatus.MESSAGE_ILLEGAL
    assert store.max_phy_offset == 0
    store.close()
