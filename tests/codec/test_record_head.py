"""Records that are read as far as they are looked at, beside the same ones read whole."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.record import encode_message, iter_messages
from rmqwire.codec.record_head import NO_INDEX, head_tags, heads_in_python, read_head
from rmqwire.errors import BadRecord
from tests.codec.record_strategies import damaged, messages


@settings(max_examples=100, deadline=None)
@given(st.lists(messages(), max_size=3))
def test_the_heads_of_records_say_what_the_messages_say(found):
    body = b"".join(map(encode_message, found))
    heads, flags, lowest = heads_in_python(body, "a", 3, 9)
    whole = list(iter_messages(body))
    assert [read_head(head) for head in heads] == whole
    for head, one in zip(heads, whole, strict=True):
        of_queue = (one.queue_offset, one.sys_flag, one.reconsume_times, one.queue_id)
        assert head[:6] == (one.topic, one.body, *of_queue)
        assert head[7:] == (one.record, "a", 3, 9)
        assert head_tags(head) == one.tags
        assert flags & one.sys_flag == one.sys_flag
        assert lowest <= one.queue_offset
    assert bool(flags) == any(one.sys_flag for one in whole)
    assert lowest == min((one.queue_offset for one in whole), default=NO_INDEX)


@settings(max_examples=200, deadline=None)
@given(messages().flatmap(lambda m: damaged(encode_message(m))))
def test_damage_raises_bad_record_and_nothing_else(data):
    with suppress(BadRecord):
        heads_in_python(data, "a", 3, 9)
