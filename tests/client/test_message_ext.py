import pytest

from rmqwire.client.message_ext import BodyReading, MessageExt
from rmqwire.codec.compression import CompressionType, compress
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.record import encode_message
from rmqwire.codec.record_head import heads_in_python

STORED = StoredMessage(
    "T",
    b"body",
    {"TAGS": "a", "KEYS": "k l", "UNIQ_KEY": "U"},
    queue_id=3,
    flag=9,
    queue_offset=5,
    physical_offset=64,
    born_timestamp=1,
    born_host=("10.0.0.1", 1000),
    store_timestamp=2,
    store_host=("10.0.0.2", 10911),
    reconsume_times=4,
)


def test_everything_is_there():
    message = MessageExt.of(STORED, "a")
    assert (message.topic, message.body, message.tags, message.keys) == ("T", b"body", "a", "k l")
    assert (message.queue_id, message.queue_offset, message.flag) == (3, 5, 9)
    assert (message.born_timestamp, message.store_timestamp) == (1, 2)
    assert (message.born_host, message.store_host) == (("10.0.0.1", 1000), ("10.0.0.2", 10911))
    assert (message.reconsume_times, message.broker_name) == (4, "a")
    assert message.msg_id == message.unique_key == "U"
    assert message.offset_msg_id == "0A00000200002A9F0000000000000040"
    assert "msg_id='U'" in repr(message)
    assert MessageExt.of(STORED, "a", 77).queue_offset == 77


def test_without_a_unique_key_the_brokers_id_counts():
    message = MessageExt.of(StoredMessage("T", b"x"), "a")
    assert message.msg_id == message.offset_msg_id


@pytest.mark.parametrize("kind", CompressionType)
def test_body_is_decompressed(kind):
    body = b"abc" * 100
    message = MessageExt.of(StoredMessage("T", compress(body, kind), sys_flag=kind.sys_flag), "a")
    assert message.body == body


def test_unreadable_body_is_handed_on_as_it_is(caplog):
    message = MessageExt.of(StoredMessage("T", b"junk", sys_flag=0x301), "a")
    assert message.body == b"junk"
    assert "delivered as it is stored" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_body_that_is_not_read_can_still_be_had():
    packed = compress(b"abc" * 100, CompressionType.ZLIB)
    stored = StoredMessage("T", packed, sys_flag=CompressionType.ZLIB.sys_flag)
    as_stored = MessageExt.of(stored, "a", None, BodyReading.AS_STORED)
    assert as_stored.body == packed
    assert as_stored.read_body() == b"abc" * 100
    unread = MessageExt.of(stored, "a", None, BodyReading.NONE)
    assert (unread.body, unread.read_body()) == (b"", b"abc" * 100)
    assert MessageExt.of(STORED, "a", None, BodyReading.NONE).body == b""


def test_topic_of_a_retried_message():
    message = MessageExt.of(StoredMessage("%RETRY%g", b"x", {"RETRY_TOPIC": "T"}), "a")
    message.restore_topic("%RETRY%other")
    assert message.topic == "%RETRY%g"
    message.restore_topic("%RETRY%g")
    assert message.topic == "T"
    bare = MessageExt.of(StoredMessage("%RETRY%g", b"x"), "a")
    bare.restore_topic("%RETRY%g")
    assert bare.topic == "%RETRY%g"


def of_head(stored=STORED):
    ((head,), _, _) = heads_in_python(encode_message(stored), "a", 3, 9)
    message = MessageExt(*head)
    message.keep_body(BodyReading.WHOLE)
    return message


def test_a_message_of_a_records_head_says_the_same():
    whole, lazy = MessageExt.of(STORED, "a"), of_head()
    lazy.stored.properties.pop("MIN_OFFSET")
    lazy.stored.properties.pop("MAX_OFFSET")
    names = "topic body queue_id queue_offset reconsume_times tags properties msg_id born_host flag"
    for name in names.split():
        assert getattr(lazy, name) == getattr(whole, name), name
    assert lazy.stored.store_timestamp == STORED.store_timestamp
    assert lazy.stored is lazy.stored
    lazy.properties["more"] = "1"
    assert lazy.stored.properties["more"] == "1"


def test_a_message_of_a_records_head_has_the_properties_of_its_answer():
    message = of_head()
    message.begin(77)
    assert (message.properties["MIN_OFFSET"], message.properties["MAX_OFFSET"]) == ("3", "9")
    assert message.properties["CONSUME_START_TIME"] == "77"


@pytest.mark.parametrize("read_before", [False, True])
def test_when_its_listener_began_is_a_property(read_before):
    message = of_head()
    if read_before:
        assert "CONSUME_START_TIME" not in message.properties
    message.begin(77)
    assert (message.consume_start_ms, message.properties["CONSUME_START_TIME"]) == (77, "77")


@pytest.mark.parametrize("kind", CompressionType)
def test_the_body_of_a_head_is_decompressed(kind):
    body = b"abc" * 100
    stored = StoredMessage("T", compress(body, kind), sys_flag=kind.sys_flag)
    assert of_head(stored).body == body


def test_an_unreadable_body_of_a_head_is_handed_on_as_it_is(caplog):
    assert of_head(StoredMessage("T", b"junk", sys_flag=0x301)).body == b"junk"
    assert "delivered as it is stored" in caplog.text
