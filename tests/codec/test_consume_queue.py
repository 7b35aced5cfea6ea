from __future__ import annotations

import pytest

from rmqwire.codec import consume_queue as cq
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.message_const import RMQ_SYS_SCHEDULE_TOPIC
from rmqwire.codec.record import decode_message, peek
from rmqwire.errors import BadRecord
from tests.support import golden

SAMPLES = {
    entry["name"].partition(":")[0].partition(" u")[0]: bytes.fromhex(
        entry.get("hex") or entry["first_64_hex"]
    )
    for _, entry in golden.vectors("store_files")
    if "hex" in entry or "first_64_hex" in entry
}


def test_java_s_unit_is_read_and_written():
    data = SAMPLES["ConsumeQueue entry"]
    assert cq.unpack_unit(data) == (1000, 200, tags_code("TagA"))
    assert cq.pack_unit(1000, 200, 2598919) == data
    assert cq.iter_units(data * 2)[1].size == 200


def test_java_s_batch_unit_is_read_and_written():
    data = SAMPLES["BatchConsumeQueue entry"]
    unit = cq.BatchConsumeQueueUnit(1000, 200, 77, 1700000000456, 0, 3)
    assert cq.unpack_batch_unit(data) == unit
    assert cq.pack_batch_unit(unit) == data


def test_java_s_extension_unit_is_read_and_written():
    data = SAMPLES["ConsumeQueueExt"]
    unit = cq.ConsumeQueueExtUnit(77, 1700000000456, b"\1\2\3\4")
    assert cq.unpack_ext_unit(data) == unit
    assert cq.pack_ext_unit(unit) == data[: unit.size]
    assert cq.unpack_ext_unit(b"\xff\xff") is None


def test_an_extension_address_is_told_from_a_hash():
    assert cq.ext_offset(cq.ext_address(48)) == 48
    assert cq.ext_address(0) == -(1 << 63)
    assert cq.ext_offset(-(1 << 31)) is None
    assert cq.ext_offset(tags_code("TagA")) is None


@pytest.mark.parametrize(
    "archive", golden.store_archives(), ids=lambda p: f"{p.parts[-3]}-{p.name}"
)
def test_every_unit_of_a_java_store_points_to_its_record(archive):
    logs = dict(golden.commit_log_files(archive))
    size = len(next(iter(logs.values())))
    checked = 0
    for name, data in golden.store_files(archive).items():
        if not name.startswith("consumequeue/"):
            continue
        _, topic, queue_id, _ = name.split("/")
        units = cq.iter_units(data)
        assert b"".join(cq.pack_unit(*unit) for unit in units) == data
        for unit in units:
            if unit.size in (0, 0x7FFFFFFF):
                continue
            start = unit.physical_offset % size
            record = logs[unit.physical_offset - start][start : start + unit.size]
            assert peek(record)[0] == unit.size
            message = decode_message(record)
            assert (message.topic, str(message.queue_id)) == (topic, queue_id)
            if topic != RMQ_SYS_SCHEDULE_TOPIC:
                assert unit.tags_code == tags_code(message.tags)
            checked += 1
    assert checked > 10


@pytest.mark.parametrize(
    "call",
    [
        lambda: cq.unpack_unit(bytes(19)),
        lambda: cq.unpack_unit(bytes(40), -1),
        lambda: cq.iter_units(bytes(21)),
        lambda: cq.unpack_batch_unit(bytes(45)),
        lambda: cq.unpack_ext_unit(b"\0"),
        lambda: cq.unpack_ext_unit(bytes(20)),
        lambda: cq.unpack_ext_unit(b"\0\x18" + bytes(16) + b"\0\x04"),
        lambda: cq.pack_ext_unit(cq.ConsumeQueueExtUnit(0, 0, bytes(32767))),
    ],
)
def test_what_is_no_unit_is_refused(call):
    with pytest.raises(BadRecord):
        call()
