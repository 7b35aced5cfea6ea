"""Records that hold many messages (inner batches of BatchCQ topics), taken apart by the client."""

from __future__ import annotations

import pytest

from rmqwire.client.api import SUCCESS, PullAnswer
from rmqwire.codec.batch import encode_batch
from rmqwire.codec.bodies import MessageQueue, SubscriptionData
from rmqwire.codec.compression import CompressionType, compress
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.record import encode_message
from rmqwire.consumer.reading.pull_result import found_messages

QUEUE = MessageQueue("T", "a", 0)
WRAPPED = 0xC0  # INNER_BATCH_FLAG | NEED_UNWRAP_FLAG
INNER = [
    StoredMessage("", b"body %d" % number, {"TAGS": "AB"[number % 2], "UNIQ_KEY": f"U{number}"})
    for number in range(4)
]


def record(base=10, body=None, sys_flag=WRAPPED):
    return encode_message(
        StoredMessage(
            "T",
            encode_batch(INNER) if body is None else body,
            {"INNER_NUM": "4", "INNER_BASE": str(base), "TAGS": "A"},
            queue_offset=base,
            physical_offset=777,
            sys_flag=sys_flag,
            born_timestamp=1,
            store_timestamp=2,
            store_host=("10.0.0.2", 10911),
            reconsume_times=3,
        )
    )


def found(*records, offset=0, tags=(), delta=0):
    answer = PullAnswer(SUCCESS, 99, 0, 99, 0, delta, b"".join(records))
    subscription = SubscriptionData(topic="T", sub_string="*", tags_set=list(tags))
    return found_messages(answer, QUEUE, subscription, offset)


def test_each_message_has_its_own_offset_body_and_properties():
    plain = encode_message(StoredMessage("T", b"plain", {"UNIQ_KEY": "P"}, queue_offset=14))
    messages = found(record(), plain)
    assert [one.queue_offset for one in messages] == [10, 11, 12, 13, 14]
    assert [one.body for one in messages] == [*(one.body for one in INNER), b"plain"]
    assert [one.msg_id for one in messages] == ["U0", "U1", "U2", "U3", "P"]
    inner = messages[2]
    assert (inner.born_timestamp, inner.store_timestamp, inner.reconsume_times) == (1, 2, 0)
    assert inner.offset_msg_id == "0A00000200002A9F0000000000000309"
    assert inner.properties == {
        "TAGS": "A", "UNIQ_KEY": "U2", "MIN_OFFSET": "0", "MAX_OFFSET": "99",
    }  # fmt: skip


@pytest.mark.parametrize("kind", CompressionType)
def test_a_compressed_batch_is_inflated_once(kind):
    body = compress(encode_batch(INNER), kind)
    messages = found(record(body=body, sys_flag=WRAPPED | kind.sys_flag))
    assert [one.body for one in messages] == [one.body for one in INNER]


def test_what_was_consumed_is_left_out():
    assert [one.queue_offset for one in found(record(), offset=12)] == [12, 13]
    assert [one.queue_offset for one in found(record(), offset=112, delta=100)] == [112, 113]


def test_tags_are_those_of_the_inner_messages():
    assert [one.tags for one in found(record(), tags=["B"])] == ["B", "B"]


@pytest.mark.parametrize("sys_flag", [0x80, 0x40, 0])
def test_only_both_flags_ask_for_it(sys_flag):
    (one,) = found(record(sys_flag=sys_flag))
    assert one.body == encode_batch(INNER)


def test_one_that_is_no_batch_is_handed_on_as_it_is(caplog):
    (one,) = found(record(body=b"junk"))
    assert (one.body, one.queue_offset) == (b"junk", 10)
    assert "delivered as it is" in caplog.text
