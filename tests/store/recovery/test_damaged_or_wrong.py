"""After a clean stop: is a queue's last unit wrong, or the record that it is for?"""

from __future__ import annotations

import pytest

from rmqwire.codec.consume_queue import UNIT, UNIT_STRUCT
from rmqwire.codec.record import iter_messages
from rmqwire.disk.files import read_whole
from rmqwire.errors import CorruptLog
from tests.support.stores import make_store, message, put, small_config

CONFIG = small_config(mapped_file_size_commit_log=1 << 16)
QUEUE = f"/store/consumequeue/T/0/{0:020}"
LOG = f"/store/commitlog/{0:020}"
COUNT = 6
IDENTITIES = {"queue id": 12, "queue offset": 27, "topic": 88 + 4 + 1}  # bytes of the record


def closed_disk(*, mark):
    store = make_store(config=CONFIG)
    store.open()
    for number in range(COUNT):
        put(store, message(body=b"%04d" % number), message("T", 1, b"else"))
    last = store.queues.find("T", 0).unit(COUNT - 1)
    store.close()
    files = store.files.copy()
    if not mark:
        del files.data["/store/rmqwire.mark"]
    return files, last


def bodies(store, queue_id=0, end=COUNT):
    found = store.get_message("T", queue_id, 0, end)
    return [one.body for one in iter_messages(found.body)]


@pytest.mark.parametrize("at", [0, 4, 35])
def test_a_record_that_is_none_any_more_leaves_its_queue_as_it_is(at):
    files, (place, _, _) = closed_disk(mark=True)
    files.data[LOG][place + at] ^= 0x55
    before = read_whole(files, QUEUE)
    with pytest.raises(CorruptLog):
        make_store(files, config=CONFIG).open()
    assert read_whole(files, QUEUE) == before


@pytest.mark.parametrize("name", IDENTITIES)
def test_a_record_that_names_another_place_is_told_when_it_is_read(name):
    files, (place, _, _) = closed_disk(mark=False)
    files.data[LOG][place + IDENTITIES[name]] ^= 0x20
    store = make_store(files, config=CONFIG)
    report = store.open()
    assert not [note for note in report.notes if note.startswith("T 0 is wrong")]
    assert store.max_offset("T", 0) == COUNT
    assert bodies(store, end=COUNT - 1) == [b"%04d" % number for number in range(COUNT - 1)]
    with pytest.raises(CorruptLog, match="the record is damaged"):
        store.get_message("T", 0, COUNT - 1, 1)


@pytest.mark.parametrize("wrong", ["between", "of another queue", "of an older message"])
def test_a_unit_that_is_wrong_goes(wrong):
    files, (place, size, code) = closed_disk(mark=False)
    first = UNIT_STRUCT.unpack_from(files.data[QUEUE][:])
    others = UNIT_STRUCT.unpack_from(files.data[QUEUE.replace("/T/0/", "/T/1/")][:])
    unit = {
        "between": (place - 50, size, code),
        "of another queue": others,
        "of an older message": first,
    }[wrong]
    end = COUNT * UNIT
    for at in (end - UNIT, end):  # in the place of the last unit, and behind it
        spoilt = files.copy()
        spoilt.data[QUEUE][at : at + UNIT] = UNIT_STRUCT.pack(*unit)
        store = make_store(spoilt, config=CONFIG)
        store.open()
        assert store.max_offset("T", 0) == COUNT
        assert bodies(store) == [b"%04d" % number for number in range(COUNT)]
        assert bodies(store, 1) == [b"else"] * COUNT
