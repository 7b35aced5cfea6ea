"""C1: bits that flip on the disk are never served where a checksum covers them."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from rmqwire.codec.record import MESSAGE_MAGIC_V2, iter_messages, read_position
from rmqwire.errors import CorruptLog
from rmqwire.store.message_store import GetStatus
from tests.support.stores import ROOT, make_store, message, put, small_config

V2_TOPIC = "%RETRY%" + "g" * 130
FLIPS = 10_000
SIZES = {"mapped_file_size_commit_log": 8192, "mapped_file_size_consume_queue": 2000}
# What no checksum of RocketMQ's covers without __CRC32#: name and place in an IPv4 record.
FIELDS = [
    ("flag", 16, 20),
    ("sysFlag", 36, 40),
    ("bornTimestamp", 40, 48),
    ("bornHost", 48, 56),
    ("storeTimestamp", 56, 64),
    ("storeHost", 64, 72),
    ("reconsumeTimes", 72, 76),
    ("preparedTransactionOffset", 76, 84),
]


def reopened_store(**changes):
    """A log of two segments with both versions of records, opened again: nothing of it is new."""
    config = small_config(**(SIZES | changes))
    store = make_store(config=config)
    store.open()
    for n in range(24):
        put(store, message("T", n % 2, b"%03d" % n * 50, properties=b"TAGS\x01TagA\x02K\x01%d" % n))
        put(store, message(V2_TOPIC, 0, b"%03d" % n * 30))
    store.close()
    again = make_store(store.files, config=config)
    again.open()
    return again


def places(store):
    """Return (topic, queue id, message offset, physical offset, record) of every message."""
    found = []
    for topic in store.topics():
        for queue_id in store.queue_ids(topic):
            for offset in range(store.max_offset(topic, queue_id)):
                result = store.get_message(topic, queue_id, offset, 1)
                assert (result.status, result.count) == (GetStatus.FOUND, 1)
                at = store.physical_offset(topic, queue_id, offset)
                found.append((topic, queue_id, offset, at, result.body))
    return found


def field_of(record, at):
    """Name the field of a record that holds byte ``at``."""
    for name, begin, stop in FIELDS:
        if begin <= at < stop:
            return name
    properties = read_position(record).properties
    return "properties" if at >= len(record) - len(properties) else "covered"


@pytest.mark.parametrize("crc", [False, True])
def test_flipped_bits_are_found_or_named(crc):
    store = reopened_store(enabled_append_prop_crc=crc)
    messages = places(store)
    assert {read_position(entry[4]).magic for entry in messages} >= {MESSAGE_MAGIC_V2}
    rng = random.Random(1)
    outcome: Counter[str] = Counter()
    for _ in range(FLIPS):
        topic, queue_id, offset, at, record = rng.choice(messages)
        place = rng.randrange(len(record))
        data = store.files.data[f"{ROOT}/commitlog/{at - at % 8192:020d}"]
        position = at % 8192 + place
        data[position] ^= 1 << rng.randrange(8)
        store.log.window.forget()  # what is in memory already stays right
        field = field_of(record, place)
        try:
            body = store.get_message(topic, queue_id, offset, 1).body
        except CorruptLog as error:
            outcome["found" if error.offset == at else "found elsewhere"] += 1
        else:
            outcome[f"{'served' if body else 'nothing'} {field}"] += 1
        data[position] = record[place]
    assert outcome["served covered"] == 0
    assert not [name for name in outcome if name.startswith("nothing")]
    if crc:
        assert outcome == {"found": FLIPS}
    else:
        named = {f"served {name}" for name, _, _ in FIELDS} | {"served properties", "found"}
        assert set(outcome) <= named
        assert outcome["found"] > FLIPS // 2


def test_what_comes_before_a_damaged_record_is_served():
    store = reopened_store()
    at = store.physical_offset("T", 0, 5)
    store.files.data[f"{ROOT}/commitlog/{at - at % 8192:020d}"][at % 8192 + 100] ^= 1
    result = store.get_message("T", 0, 0, 32)
    assert (result.count, result.next_begin_offset) == (5, 5)
    assert [one.queue_offset for one in iter_messages(result.body)] == [0, 1, 2, 3, 4]
    with pytest.raises(CorruptLog, match="not message 5 of T 0"):
        store.get_message("T", 0, 5, 32)
    assert store.get_message("T", 0, 6, 32).count == 6
    assert store.get_message("T", 1, 0, 32).count == 12
    assert store.look_message(at) is None


@pytest.mark.parametrize("wrong", ["neighbour", "size", "middle", "outside"])
def test_a_unit_that_points_elsewhere_serves_nothing(wrong):
    store = reopened_store()
    queue = store.queues.find("T", 0)
    at, size, code = queue.unit(3)
    other = store.queues.find("T", 1).unit(3)
    unit = {
        "neighbour": other,
        "size": (at, size - 1, code),
        "middle": (at + 4, size - 4, code),
        "outside": (at, 0, code),
    }[wrong]
    data = store.files.data[f"{ROOT}/consumequeue/T/0/{0:020d}"]
    data[60:80] = unit[0].to_bytes(8, "big") + unit[1].to_bytes(4, "big") + bytes(8)
    queue.tail.restart(queue.end)
    assert store.get_message("T", 0, 0, 32).count == 3
    with pytest.raises(CorruptLog):
        store.get_message("T", 0, 3, 32)


def test_messages_of_this_process_are_not_looked_at_again():
    store = reopened_store()
    (result,) = put(store, message("T", 0, b"new"))
    assert store.log.trusted_from == result.physical_offset
    assert store.get_message("T", 0, result.queue_offset, 1).count == 1


@pytest.mark.parametrize("last", [bytes(8), b"\x80" + bytes(7), b"\xff" * 8])
def test_a_sender_may_have_any_ipv6_address(last):
    born = b"\x20\x01" + bytes(6) + last + bytes(4)  # its end lies where IPv4 has the store time
    store = make_store()
    store.open()
    put(store, message(born_host=born))
    store.log.opened_at = store.log.end
    assert store.get_message("T", 0, 0, 1).count == 1
