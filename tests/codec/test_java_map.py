from __future__ import annotations

import pytest

from rmqwire.codec import decode_command
from rmqwire.codec.java_map import grown, hash_map_order, in_hash_map_order
from rmqwire.codec.release import RELEASES
from tests.support.golden import frame_files, frames


@pytest.mark.parametrize(
    ("capacity", "count", "after"),
    [(16, 0, 16), (16, 12, 16), (16, 13, 32), (16, 25, 64), (256, 9, 256)],
)
def test_a_map_doubles_when_three_quarters_full(capacity, count, after):
    assert grown(capacity, count) == after


def test_letters_come_by_their_code():
    assert hash_map_order("nmlkjihgfedcba") == list("abcdefghijklmn")


def test_keys_of_one_bucket_keep_their_order():
    assert hash_map_order(["Aa", "BB"]) == ["Aa", "BB"]  # the same String.hashCode
    assert hash_map_order(["BB", "Aa"]) == ["BB", "Aa"]


@pytest.mark.parametrize("release", ["4.9.7", "5.5.0"])
def test_send_answers_are_written_in_the_order_of_their_map(release):
    capacity = RELEASES[release].wire.ext_fields_capacity
    seen = 0
    for path in frame_files():
        if path.parent.parent.name != release:
            continue
        for entry, frame in frames(path):
            if entry["kind"] == "response" and entry["name"] == "SEND_MESSAGE_V2":
                fields = decode_command(frame).ext_fields
                if frame[4] or not fields:  # in the ROCKETMQ form the header class writes itself
                    continue
                assert list(in_hash_map_order(dict(sorted(fields.items())), capacity)) == list(
                    fields
                )
                seen += 1
    assert seen > 100
