from __future__ import annotations

import pytest

from rmqwire.codec import message_const as const
from tests.support import golden

TABLE = golden.protocol_table("constants")


@pytest.mark.parametrize("release", golden.RELEASE_NAMES)
def test_every_name_of_java_is_here(release):
    for name, value in TABLE["MessageConst"][release].items():
        if name != "STRING_HASH_SET":
            assert getattr(const, name) == value, name


def test_topics_and_prefixes_are_java_s():
    for name, value in TABLE["TopicValidator"]["5.5.0"].items():
        if isinstance(value, str):
            assert getattr(const, name) == value, name
    for name in (
        "RETRY_GROUP_TOPIC_PREFIX",
        "DLQ_GROUP_TOPIC_PREFIX",
        "LMQ_PREFIX",
        "CID_SYS_RMQ_TRANS",
    ):
        assert getattr(const, name) == TABLE["MixAll"]["5.5.0"][name]
    assert TABLE["TimerMessageStore"]["5.5.0"]["TIMER_TOPIC"] == const.TIMER_TOPIC
    assert TABLE["PopAckConstants"]["5.5.0"]["REVIVE_TOPIC"] == const.REVIVE_TOPIC_PREFIX


def test_the_reserved_names_are_java_s():
    assert set(TABLE["MessageConst"]["5.5.0"]["STRING_HASH_SET"]) == const.RESERVED_PROPERTIES


def test_topics_of_a_group():
    assert const.retry_topic("g") == "%RETRY%g"
    assert const.dlq_topic("g") == "%DLQ%g"
    assert const.reply_topic("c") == "c_REPLY_TOPIC"
    assert const.is_retry_or_dlq("%DLQ%g")
    assert not const.is_retry_or_dlq("g")
