"""Records that are read as far as they are looked at, beside the same ones read whole."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.record import encode_message, iter_messages
from rmqwire.codec.record_head import iter_heads
from rmqwire.errors import BadRecord
from tests.codec.record_strategies import damaged, messages


@settings(max_examples=100, deadline=None)
@given(st.lists(messages(), max_size=3))
def test_the_heads_of_records_say_what_the_messages_say(found):
    body = b"".join(map(encode_message, found))
    heads, whole = list(iter_heads(memoryview(body))), list(iter_messages(body))
    assert [head.read() for head in heads] == whole
    for head, message in zip(heads, whole, strict=True):
        for name in ("topic", "body", "queue_id", "queue_offset", "sys_flag", "is_compressed"):
            assert getattr(head, name) == getattr(message, name)
        assert (head.tags, head.reconsume_times) == (message.tags, message.reconsume_times)


@settings(max_examples=200, deadline=None)
@given(messages().flatmap(lambda m: damaged(encode_message(m))))
def test_damage_raises_bad_record_and_nothing_else(data):
    with suppress(BadRecord):
        list(iter_heads(data))
