"""Each view reads what the readable layout of a record says."""

from __future__ import annotations

from hypothesis import assume, given

from rmqwire.codec import layouts
from rmqwire.codec import record_views as views
from rmqwire.codec.record import encode_message
from tests.codec.record_strategies import messages

V6_HOSTS = 0x30


@given(messages())
def test_views_agree_with_the_layout(message):
    data = encode_message(message)
    record = layouts.RECORD.parse(data)
    place = (len(data), record["magic"], record["physical_offset"], record["sys_flag"])
    assert views.PLACE.unpack_from(data) == place
    v6 = bool(message.sys_flag & 0x10)
    at = views.STORE_TIMESTAMP_AT_V6 if v6 else views.STORE_TIMESTAMP_AT
    assert int.from_bytes(data[at : at + 8], "big", signed=True) == record["store_timestamp"]


@given(messages())
def test_views_with_ipv4_hosts_agree_with_the_layout(message):
    assume(not message.sys_flag & V6_HOSTS)
    data = encode_message(message)
    record = layouts.RECORD.parse(data)
    size, magic = len(data), record["magic"]
    length, stored = len(message.body), record["store_timestamp"]
    place, sys_flag = record["physical_offset"], record["sys_flag"]
    unit = (record["body_crc"], record["queue_id"], record["queue_offset"], place, sys_flag, stored)
    assert views.UNIT_VIEW.unpack_from(data) == (size, magic, *unit, length)
    assert views.KEYS_VIEW.unpack_from(data) == (size, magic, sys_flag, stored, length)
    assert data[views.BODY_AT :].startswith(message.body)
    assert views.UNIT_VIEW.size == views.KEYS_VIEW.size == views.BODY_AT
