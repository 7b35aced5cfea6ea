from __future__ import annotations

import pytest

from rmqwire.codec import pop
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record import read_position
from rmqwire.errors import ProtocolError
from tests.support import golden

VALUES = {entry["name"]: entry["value"] for _, entry in golden.vectors("ids")}
RETRY_V1 = "%RETRY%GID_test_TopicTest"
RETRY_V2 = "%RETRY%GID_test+TopicTest"


def java(part):
    return next(value for name, value in VALUES.items() if part in name)


@pytest.mark.parametrize(
    ("name", "topic", "offset"),
    [
        ("ExtraInfoUtil.buildExtraInfo", "TopicTest", None),
        ("same with msgQueueOffset", "TopicTest", 105),
        (f"same for topic {RETRY_V1}", RETRY_V1, 105),
        (f"same for topic {RETRY_V2}", RETRY_V2, 105),
    ],
)
def test_extra_info_is_java_s(name, topic, offset):
    tag = pop.topic_tag(topic)
    info = pop.ExtraInfo(100, 1700000000123, 60000, 3, tag, "broker-a", 2, offset)
    assert info.encode() == java(name)
    assert pop.ExtraInfo.decode(java(name)) == info
    assert info.real_topic("TopicTest", "GID_test") == topic
    assert not info.is_order


def test_ordered_pops_have_no_check_point():
    assert pop.ExtraInfo(0, 0, 0, 999, "0", "b", 0).is_order


def test_the_place_in_the_log_that_a_proxy_appends_is_read_over():
    handle = "0 1795987322985 60000 4 0 proxied 0 0"
    assert pop.ExtraInfo.decode(f"{handle} 77085") == pop.ExtraInfo.decode(handle)


def test_the_answer_s_info_strings_are_java_s():
    start = [pop.start_offset_entry("T", 2, 100), pop.start_offset_entry(RETRY_V1, 0, 7)]
    assert pop.join_info(start) == java("startOffsetInfo")
    assert pop.parse_start_offset_info(java("startOffsetInfo")) == {"0@2": 100, "1@0": 7}
    assert pop.msg_offset_entry("T", 2, [100, 101, 105]) == java("msgOffsetInfo")
    assert pop.parse_msg_offset_info(java("msgOffsetInfo")) == {"0@2": [100, 101, 105]}
    order = [pop.order_count_entry("T", 2, 1), pop.order_count_entry("T", 2, 3, 105)]
    assert pop.join_info(order) == java("orderCountInfo")
    assert pop.parse_order_count_info(java("orderCountInfo")) == {"0@2": 1, "0@qo2%105": 3}
    assert pop.parse_start_offset_info(None) == {}


def test_topics_are_java_s():
    made = [pop.pop_retry_topic("TopicTest", "GID_test", v2=v2) for v2 in (False, True)]
    assert made == java("buildPopRetryTopic")
    assert [pop.normal_topic(topic, "GID_test") for topic in made] == ["TopicTest"] * 2
    assert pop.normal_topic("Other", "GID_test") == "Other"
    assert pop.revive_topic("DefaultCluster") == java("buildClusterReviveTopic")


def test_a_recorded_check_point_has_the_key_we_make():
    checked = 0
    for archive in golden.store_archives():
        for name, data in golden.store_files(archive).items():
            if not name.startswith("consumequeue/rmq_sys_REVIVE"):
                continue
            at = int.from_bytes(data[:8], "big")
            record = read_position(golden.commit_log_files(archive)[0][1], at)
            key = decode_properties(record.properties)["UNIQ_KEY"]
            topic, queue_id, offset, group, pop_time, broker, tag = key.split("@")
            numbers = int(queue_id), int(offset), int(pop_time)
            make = {"ck": pop.check_point_key, "ack": pop.ack_key}[tag]
            assert make(topic, numbers[0], numbers[1], group, numbers[2], broker) == key
            checked += 1
    assert checked


def test_a_batch_ack_s_key_has_the_list_as_java_prints_it():
    assert pop.batch_ack_key("T", 1, [1, 2], "g", 9) == "T@1@[1, 2]@g@9@bAck"


@pytest.mark.parametrize(
    "call",
    [
        lambda: pop.ExtraInfo.decode("1 2 3"),
        lambda: pop.ExtraInfo.decode("a 2 3 4 0 b 6"),
        lambda: pop.ExtraInfo.decode("1 2 3 4 9 b 6"),
        lambda: pop.parse_start_offset_info("0 1 2;0 1 3"),
        lambda: pop.parse_msg_offset_info("0 1"),
        lambda: pop.parse_msg_offset_info("0 1 2,,3"),
        lambda: pop.parse_order_count_info("0 1 ²"),
    ],
)
def test_what_is_no_info_is_refused(call):
    with pytest.raises(ProtocolError):
        call()
