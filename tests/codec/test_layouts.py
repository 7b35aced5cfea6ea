"""The construct declarations and the fast codecs agree, on good bytes and on bad ones."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rmqwire.codec import (
    auto_switch_ha,
    batch,
    checkpoint,
    consume_queue,
    crc,
    ha,
    host,
    index_file,
    layouts,
    timer,
)
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.layouts import Layout
from rmqwire.codec.message_id import decode_offset_id, encode_offset_id
from rmqwire.codec.properties import decode_properties, encode_properties
from rmqwire.codec.record import BLANK_MAGIC, append_blank, decode_message, encode_message, peek
from rmqwire.errors import BadRecord, ProtocolError
from tests.codec.record_strategies import (
    damaged,
    int8,
    int16,
    int32,
    int64,
    ipv4,
    ipv6,
    messages,
    properties,
    text,
)
from tests.support.layouts import Fast, check_agree, check_layout

some = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def _host_fields(packed: bytes) -> dict[str, object]:
    return {"ip": packed[:-4], "port": int.from_bytes(packed[-4:], "big", signed=True)}


def _record_fields(message):
    fields = {
        slot: getattr(message, slot)
        for slot in [
            "magic",
            "body_crc",
            "queue_id",
            "flag",
            "queue_offset",
            "physical_offset",
            "sys_flag",
            "born_timestamp",
            "store_timestamp",
            "reconsume_times",
            "prepared_transaction_offset",
            "body",
        ]
    }
    fields["born_host"] = _host_fields(host.pack_host(*message.born_host))
    fields["store_host"] = _host_fields(host.pack_host(*message.store_host))
    if message.record:  # text that is no UTF-8 reads as U+FFFD: the layout has the bytes
        raw = layouts.RECORD.parse(message.record)
        assert raw["topic"].decode("utf-8", "replace") == message.topic
        assert decode_properties(raw["properties"]) == message.properties
        fields["topic"], fields["properties"] = raw["topic"], raw["properties"]
    else:
        fields["topic"] = message.topic.encode()
        fields["properties"] = encode_properties(message.properties)
    return fields


RECORD = Fast(decode_message, encode_message, _record_fields)


@some
@given(messages())
def test_a_record_is_the_same_on_both_sides(message):
    data = encode_message(message)
    message.total_size = len(data)
    check_layout(RECORD, layouts.RECORD, data, message)


@settings(some, max_examples=200)
@given(messages().flatmap(lambda message: damaged(encode_message(message))))
def test_a_damaged_record_is_judged_the_same(data):
    check_agree(RECORD, layouts.RECORD, data)


def _named(pack, unpack, error=BadRecord):
    """Codecs whose value is a NamedTuple with the layout's names, read at a position."""
    return Fast(unpack, pack, lambda value: value._asdict())


def _timer_unit(data):
    unit = timer.unpack_unit(data)
    if unit is None:
        raise BadRecord("blank")
    return unit


def _ext_unit(data):
    unit = consume_queue.unpack_ext_unit(data)
    if unit is None:
        raise BadRecord("end of file")
    return unit


def _index_header_fields(header):
    return msgspec.structs.asdict(header)


def _timer_checkpoint_fields(value):
    fields = _index_header_fields(value)
    version = {name: fields.pop(name) for name in ("state_version", "timestamp", "counter")}
    return {**fields, "data_version": version}


def _master_handshake_fields(value):
    return {**value._asdict(), "epochs": [entry._asdict() for entry in value.epochs]}


def _tuples(kind, *fields):
    return st.builds(kind, *fields)


CASES = {
    "consume queue": (
        Fast(
            consume_queue.unpack_unit, lambda u: consume_queue.pack_unit(*u), lambda u: u._asdict()
        ),
        layouts.CONSUME_QUEUE_UNIT,
        _tuples(consume_queue.ConsumeQueueUnit, int64, int32, int64),
    ),
    "batch consume queue": (
        _named(consume_queue.pack_batch_unit, consume_queue.unpack_batch_unit),
        layouts.BATCH_CONSUME_QUEUE_UNIT,
        _tuples(
            consume_queue.BatchConsumeQueueUnit,
            int64,
            int32,
            int64,
            int64,
            int64,
            int16,
            int32,
            int32,
        ),
    ),
    "consume queue ext": (
        Fast(_ext_unit, consume_queue.pack_ext_unit, _index_header_fields),
        layouts.CONSUME_QUEUE_EXT_UNIT,
        _tuples(consume_queue.ConsumeQueueExtUnit, int64, int64, st.binary(max_size=40)),
    ),
    "index header": (
        Fast(index_file.IndexHeader.decode, index_file.IndexHeader.encode, _index_header_fields),
        layouts.INDEX_HEADER,
        _tuples(index_file.IndexHeader, int64, int64, int64, int64, int32, int32),
    ),
    "index entry": (
        _named(index_file.pack_entry, index_file.unpack_entry),
        layouts.INDEX_ENTRY,
        _tuples(index_file.IndexEntry, int32, int64, int32, int32),
    ),
    "timer log": (
        _named(timer.pack_unit, _timer_unit),
        layouts.TIMER_LOG_UNIT,
        _tuples(timer.TimerLogUnit, int64, int8, int64, int32, int64, int32, int32, int64),
    ),
    "timer slot": (
        _named(timer.pack_slot, timer.unpack_slot),
        layouts.TIMER_SLOT,
        _tuples(timer.TimerSlot, int64, int64, int64, int32, int32),
    ),
    "timer checkpoint": (
        Fast(
            checkpoint.TimerCheckpoint.decode,
            checkpoint.TimerCheckpoint.encode,
            _timer_checkpoint_fields,
        ),
        layouts.TIMER_CHECKPOINT,
        _tuples(checkpoint.TimerCheckpoint, *[int64] * 7),
    ),
    "HA report": (
        Fast(ha.unpack_report, ha.pack_report, lambda offset: {"max_offset": offset}),
        layouts.HA_REPORT,
        int64,
    ),
    "HA transfer": (
        Fast(ha.unpack_transfer, lambda h: ha.pack_transfer(*h), lambda h: h._asdict()),
        layouts.HA_TRANSFER,
        _tuples(ha.TransferHeader, int64, st.integers(0, 1 << 20)),
    ),
    "HA slave handshake": (
        _named(auto_switch_ha.pack_slave_handshake, auto_switch_ha.unpack_slave_handshake),
        layouts.HA_SLAVE_HANDSHAKE,
        _tuples(auto_switch_ha.SlaveHandshake, int32, int16, int16, int64),
    ),
    "HA master handshake": (
        Fast(
            auto_switch_ha.unpack_master_handshake,
            auto_switch_ha.pack_master_handshake,
            _master_handshake_fields,
        ),
        layouts.HA_MASTER_HANDSHAKE,
        _tuples(
            auto_switch_ha.MasterHandshake,
            int32,
            int64,
            int32,
            st.lists(_tuples(auto_switch_ha.EpochEntry, int32, int64), max_size=4).map(tuple),
        ),
    ),
    "HA slave report": (
        _named(auto_switch_ha.pack_slave_report, auto_switch_ha.unpack_slave_report),
        layouts.HA_SLAVE_REPORT,
        _tuples(auto_switch_ha.SlaveReport, int32, int64),
    ),
    "HA master transfer": (
        _named(auto_switch_ha.pack_master_transfer, auto_switch_ha.unpack_master_transfer),
        layouts.HA_MASTER_TRANSFER,
        _tuples(
            auto_switch_ha.MasterTransfer,
            int32,
            st.integers(0, 1 << 20),
            int64,
            int32,
            int64,
            int64,
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
@some
@given(data=st.data())
def test_a_layout_is_the_same_on_both_sides(case, data):
    fast, layout, values = CASES[case]
    value = data.draw(values)
    check_layout(fast, layout, fast.encode(value), value)


# A checkpoint without its data version (32 to 55 bytes) is written with one.
@pytest.mark.parametrize("case", [name for name in CASES if name != "timer checkpoint"])
@some
@given(data=st.data())
def test_a_damaged_layout_is_judged_the_same(case, data):
    fast, layout, values = CASES[case]
    check_agree(fast, layout, data.draw(damaged(fast.encode(data.draw(values)))))


def test_a_timer_checkpoint_may_end_before_its_data_version():
    short = checkpoint.TimerCheckpoint(1, 2, 3, 4).encode()[:32]
    assert checkpoint.TimerCheckpoint.decode(short) == checkpoint.TimerCheckpoint(1, 2, 3, 4)
    assert layouts.TIMER_CHECKPOINT.parse(short)["data_version"] is None
    with pytest.raises(BadRecord):
        layouts.TIMER_CHECKPOINT.parse(short[:-1])
    with pytest.raises(BadRecord):
        checkpoint.TimerCheckpoint.decode(short[:-1])


BATCH = Fast(
    batch.decode_batch,
    lambda entries: b"".join(batch.encode_entry(*entry) for entry in entries),
    lambda entries: [entry._asdict() for entry in entries],
)
entries = st.lists(
    st.builds(batch.BatchEntry, int32, st.binary(max_size=30), st.binary(max_size=20))
)


@some
@given(entries)
def test_a_batch_is_the_same_on_both_sides(value):
    check_layout(BATCH, layouts.BATCH, BATCH.encode(value), value)


@some
@given(entries.flatmap(lambda value: damaged(BATCH.encode(value))))
def test_a_damaged_batch_is_judged_the_same(data):
    check_agree(BATCH, layouts.BATCH, data)


@some
@given(st.builds(checkpoint.StoreCheckpoint, *[int64] * 6))
def test_a_store_checkpoint_is_the_same_on_both_sides(value):
    fast = Fast(
        checkpoint.StoreCheckpoint.decode, checkpoint.StoreCheckpoint.encode, _index_header_fields
    )
    check_layout(fast, layouts.STORE_CHECKPOINT, value.encode(), value)


@some
@given(properties, st.booleans())
def test_a_property_string_is_the_same_on_both_sides(value, trailing):
    data = encode_properties(value)
    data = data if trailing else data.removesuffix(b"\x02")
    parsed = layouts.PROPERTIES.parse(data)
    found = [*parsed["entries"], parsed["unterminated"]]
    pairs = [entry.partition(b"\x01") for entry in found if entry]
    assert {n.decode(): v.decode() for n, _, v in pairs} == decode_properties(data) == value
    assert layouts.PROPERTIES.build(parsed) == data


@given(st.binary(max_size=200))
@some
def test_crcmod_and_zlib_agree(data):
    assert layouts.crc31(data) == crc.body_crc(data)
    digits = layouts.CRC_PROPERTY.parse(crc.crc_property(layouts.crc31(data)))["reversed_digits"]
    assert int(digits[::-1]) == layouts.crc31(data)


def test_a_blank_is_the_same_on_both_sides():
    buffer = bytearray()
    append_blank(buffer, 30)
    assert layouts.BLANK.parse(buffer) == {"magic": BLANK_MAGIC, "filler": bytes(22)}
    assert layouts.BLANK.build({"filler": bytes(22)}) == buffer
    assert peek(buffer) == (30, BLANK_MAGIC)
    assert layouts.TIMER_LOG_BLANK.build({"size": 30}) == timer.pack_blank(30)
    assert timer.unpack_unit(timer.pack_blank(30)) is None


@some
@given(ipv4 | ipv6, int32, st.integers(0, (1 << 63) - 1))
def test_an_offset_id_is_the_same_on_both_sides(ip, port, offset):
    message_id = encode_offset_id(ip, port, offset)
    assert decode_offset_id(message_id) == (ip, port, offset)
    data = bytes.fromhex(message_id)
    layout = layouts.offset_id(len(data) - 12)
    fields = {"ip": host.pack_host(ip, port)[:-4], "port": port, "offset": offset}
    assert layout.parse(data) == fields
    assert layout.build(fields) == data


def _frame_fields(command):
    return {
        "serialize_type": 1,
        "header": {
            "code": command.code,
            "language": command.language,
            "version": command.version,
            "opaque": command.opaque,
            "flag": command.flag,
            "remark": command.remark or "",
            "ext_fields": [
                {"name": name, "value": value} for name, value in (command.ext_fields or {}).items()
            ],
        },
        "body": bytes(command.body),
    }


FRAME = Fast(decode_command, encode_command, _frame_fields)
commands = st.builds(
    RemotingCommand,
    int16,
    st.dictionaries(text, text, max_size=4),
    st.binary(max_size=20),
    opaque=int32,
    flag=int32,
    remark=text,
    language=st.integers(0, 12),
    version=int16,
    serialize_type=st.just(1),
)


@some
@given(commands)
def test_a_binary_frame_is_the_same_on_both_sides(command):
    data = encode_command(command)
    fields = _frame_fields(command)
    assert layouts.FRAME.parse(data) == fields
    assert layouts.FRAME.build(fields) == data
    assert _frame_fields(decode_command(data)) == fields


@some
@given(commands.flatmap(lambda command: damaged(encode_command(command))))
def test_a_damaged_binary_frame_is_judged_the_same(data):
    assume(len(data) < 5 or data[4] != 0)  # JSON: the layout leaves the text as it is
    check_frame(data)


def check_frame(data):
    try:
        command = decode_command(data)
    except ProtocolError:
        with pytest.raises(ProtocolError):
            layouts.FRAME.parse(data)
        return
    parsed = layouts.FRAME.parse(data)
    pairs = {field["name"]: field["value"] for field in parsed["header"]["ext_fields"]}
    assert pairs == (command.ext_fields or {})
    assert encode_command(command) == data


def test_a_json_frame_is_the_same_on_both_sides():
    data = encode_command(RemotingCommand(10, {"a": "b"}, b"body", opaque=1))
    parsed = layouts.FRAME.parse(data)
    assert parsed["serialize_type"] == 0
    assert parsed["body"] == b"body"
    assert layouts.FRAME.build(parsed) == data


def test_a_value_that_does_not_fit_raises_the_layout_s_error():
    with pytest.raises(BadRecord):
        layouts.TIMER_SLOT.build(
            {"time": 1 << 70, "first_pos": 0, "last_pos": 0, "num": 0, "magic": 0}
        )
    assert isinstance(layouts.TIMER_SLOT, Layout)
