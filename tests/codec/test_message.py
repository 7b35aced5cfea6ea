from __future__ import annotations

import pytest

from rmqwire.codec.compression import CompressionType, compress
from rmqwire.codec.message import Message, StoredMessage
from rmqwire.codec.properties import decode_properties
from rmqwire.errors import BadBody, UsageError


def test_a_message_has_the_properties_that_java_sets():
    message = Message("T", b"x", tags="a", keys=["k1", "k2"], delay_time_level=3)
    assert message.properties == {"TAGS": "a", "KEYS": "k1 k2", "WAIT": "true", "DELAY": "3"}
    assert (message.tags, message.keys, message.unique_key) == ("a", "k1 k2", None)
    assert message.delay_time_level == 3
    assert message.wait_store_msg_ok
    assert not Message("T", wait_store_msg_ok=False).wait_store_msg_ok


def test_priority_and_lite_topic_are_the_properties_that_java_5_5_0_sends():
    recorded = "_SYS_MSG_PRIORITY_\x013\x02UNIQ_KEY\x017F00\x02WAIT\x01true\x02"
    sent = Message("prio", priority=3)
    assert sent.properties.items() <= decode_properties(recorded).items()
    assert (sent.priority, sent.lite_topic) == (3, None)
    recorded = "__LITE_TOPIC\x01a\x02UNIQ_KEY\x017F00\x02WAIT\x01true\x02"
    sent = Message("lt", lite_topic="a")
    assert sent.properties.items() <= decode_properties(recorded).items()
    assert (sent.priority, sent.lite_topic) == (-1, "a")
    with pytest.raises(UsageError, match="must be greater than or equal to 0"):
        Message("prio", priority=-1)


def test_messages_compare_by_value():
    assert Message("T", b"x", properties={"a": "b"}) == Message("T", b"x", properties={"a": "b"})
    assert Message("T", b"x") != Message("T", b"y")
    assert Message("T") != "T"
    assert "3 bytes" in repr(Message("T", b"xyz"))


@pytest.mark.parametrize(
    ("name", "value"), [("TAGS", "x"), ("UNIQ_KEY", "x"), (" ", "x"), ("a", "")]
)
def test_names_of_the_system_and_blanks_are_refused(name, value):
    with pytest.raises(UsageError):
        Message("T", properties={name: value})


def test_a_delay_level_that_is_no_number_counts_as_none():
    assert StoredMessage("T", properties={"DELAY": "x"}).delay_time_level == 0


def test_the_plain_body_of_a_stored_message():
    plain = b"compress me " * 50
    body = compress(plain, CompressionType.ZLIB)
    message = StoredMessage("T", body, sys_flag=CompressionType.ZLIB.sys_flag)
    assert message.is_compressed
    assert message.decompressed_body() == plain
    with pytest.raises(BadBody):
        message.decompressed_body(limit=599)
    assert not StoredMessage("T", b"x").is_compressed


def test_the_message_id_is_the_offset_id():
    message = StoredMessage("T", store_host=("127.0.0.1", 10911), physical_offset=123456)
    assert message.message_id == "7F00000100002A9F000000000001E240"
