"""A look at records that are alike, all together, finds what a look at each of them finds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.columns import MOST
from rmqwire.codec.record import append_record
from rmqwire.store.reading.check import alike_right, each_right
from tests.support.stores import BORN, HOST, START_MS

FIRST, GAP = 40, 100_000  # offset of the first message; bytes between two records
USUAL = b"UNIQ_KEY\x017F0000012B354E0E2F2A678A00000000\x02TAGS\x01TagA\x02"
SYS_FLAG, UPPER_TIME = slice(36, 40), slice(56, 60)  # of a record; the others may have another one
V6 = bytes(16) + BORN[-4:]


def records_of(count, changes=None, **common):
    """Return records of queue 3 of topic T, those numbered in ``changes`` with other fields than all."""
    pieces = []
    for number in range(count):
        values = {
            "topic": b"T", "body": b"%05d" % number * 20, "properties": USUAL, "queue_id": 3,
            "flag": 0, "queue_offset": FIRST + number, "physical_offset": number * GAP,
            "sys_flag": 0, "born_timestamp": START_MS, "born_host": BORN,
            "store_timestamp": START_MS, "store_host": HOST, "reconsume_times": 0,
            "prepared_transaction_offset": 0,
        }  # fmt: skip
        buffer = bytearray()
        append_record(buffer, **(values | common | (changes or {}).get(number, {})))
        pieces.append(buffer)
    return pieces


def is_alike(piece):
    """Return whether a record has what need not be the same in all that are right."""
    return not any(piece[SYS_FLAG]) and piece[UPPER_TIME] == START_MS.to_bytes(8)[:4]


def asked_of(pieces, offsets=None):
    """Return what both looks are asked."""
    offsets = offsets or tuple(number * GAP for number in range(len(pieces)))
    return b"".join(pieces), offsets, tuple(map(len, pieces)), 3, b"\x01T", FIRST


COUNTS = st.integers(1, 40) | st.sampled_from([MOST, MOST + 1])
FIELDS = {
    "body": st.sampled_from([b"", b"%05d" % 7 * 20, b"x" * 100, b"x" * 99]),
    "body_crc": st.integers(0, 2**31 - 1),
    "properties": st.sampled_from(
        [
            b"",
            USUAL,
            USUAL[:-1],
            USUAL[:20],
            USUAL[:-11] + b"0123456789\x02",
            USUAL[:-20] + b"__CRC32#\x010123456789\x02",
            USUAL[:-20] + b"_" * 20,
        ]
    ),
    "topic": st.sampled_from([b"T", b"U", b"TT", b""]),
    "append_crc": st.booleans(),
    "v2": st.booleans(),
    "sys_flag": st.sampled_from([0, 1, 2**30]),
    "born_host": st.sampled_from([BORN, V6]),
    "store_host": st.sampled_from([HOST, V6]),
    "queue_id": st.sampled_from([3, 4, -1]),
    "flag": st.integers(0, 9),
    "queue_offset": st.integers(FIRST - 1, FIRST + 3),
    "physical_offset": st.integers(0, 3).map(lambda number: number * GAP),
    "store_timestamp": st.sampled_from([-1, 0, 1, START_MS + 1]),
}
OTHERS = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda name: st.fixed_dictionaries({name: FIELDS[name]})
)


@given(COUNTS, st.integers(1, 300), st.integers(20, 300))
def test_usual_records_are_right_without_a_look_at_each(count, body, properties):
    changes = {number: {"body": bytes([number % 256]) * body} for number in range(count)}
    pieces = records_of(count, changes, properties=b"K\x01".ljust(properties - 1, b"x") + b"\x02")
    assert alike_right(*asked_of(pieces))


@settings(max_examples=300)
@given(COUNTS, OTHERS, st.dictionaries(st.integers(0, 40), OTHERS, max_size=2))
def test_a_field_that_is_another_one_is_seen_by_both(count, common, changes):
    asked = asked_of(records_of(count, changes, **common))
    if alike_right(*asked):
        assert each_right(*asked)


@settings(max_examples=500)
@given(st.data())
def test_bytes_that_are_others_are_seen_by_both(data):
    count = data.draw(st.integers(8, 12))
    pieces = records_of(count)
    for _ in range(data.draw(st.integers(1, 3))):
        piece = pieces[data.draw(st.integers(0, count - 1))]
        place = data.draw(st.integers(0, 91) | st.integers(0, len(piece) - 1))
        piece[place] = data.draw(st.integers(0, 255) | st.sampled_from([b"_"[0], b"0"[0]]))
    asked = asked_of(pieces)
    assert alike_right(*asked) <= each_right(*asked)
    if all(piece[-20] != b"_"[0] and is_alike(piece) for piece in pieces):
        assert alike_right(*asked) == each_right(*asked)


def test_every_bit_of_the_heads_and_lengths_is_looked_at_as_in_one_record():
    pieces = records_of(8)
    for number in (0, 3, 7):
        piece = pieces[number]
        for place in range(len(piece)):
            for bit in range(8):
                piece[place] ^= 1 << bit
                asked = asked_of(pieces)
                right = each_right(*asked) and is_alike(piece)
                assert alike_right(*asked) == right, (number, place, bit)
                piece[place] ^= 1 << bit


@given(st.integers(8, 40), st.integers(0, 39), st.integers(-1, 1))
def test_records_stand_where_their_units_say(count, number, by):
    offsets = [at * GAP for at in range(count)]
    offsets[number % count] += by
    asked = asked_of(records_of(count), tuple(offsets))
    assert alike_right(*asked) == each_right(*asked) == (not by)


@pytest.mark.parametrize(
    "properties",
    [
        USUAL[:-20] + b"__CRC32#\x010123456789\x02",
        USUAL[:-20] + b"_-CRC32#\x010123456789\x02",
        USUAL[:-20] + b"__CRC32#\x010123x56789\x02",
        USUAL[:-11] + b"0123456789\x02",
    ],
)
def test_what_may_have_a_crc_of_the_record_is_not_usual(properties):
    asked = asked_of(records_of(8, properties=properties))
    assert not alike_right(*asked)
    assert not each_right(*asked)


@pytest.mark.parametrize("flag", [0x10, 0x20])
def test_what_has_hosts_of_ipv6_is_not_usual(flag):
    pieces = records_of(8)
    for piece in pieces:
        piece[SYS_FLAG] = flag.to_bytes(4)
    asked = asked_of(pieces)
    assert not alike_right(*asked)
    assert not each_right(*asked)


def test_a_body_without_bytes_has_any_crc():
    asked = asked_of(records_of(8, body=b"", body_crc=5))
    assert each_right(*asked)
    assert not alike_right(*asked)


@pytest.mark.parametrize("body", [b"\xff" * 4, b"\x7f" + b"\xff" * 3, b"\0\0\xff\xff"])
def test_a_length_that_leads_nowhere_is_wrong(body):
    pieces = records_of(8)
    for piece in pieces:
        piece[84:88] = body
    asked = asked_of(pieces)
    assert not alike_right(*asked)
    assert not each_right(*asked)
