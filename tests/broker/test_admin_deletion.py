"""Deleting many topics or groups by one request (5.5.1)."""

from __future__ import annotations

import pytest

from rmqwire.codec.bodies import (
    DeleteSubscriptionGroupListRequestBody,
    DeleteTopicListRequestBody,
)
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import decode_command
from rmqwire.codec.headers import CreateTopicRequestHeader
from rmqwire.codec.release import V5_5_0, V5_5_1

TOPICS = R.DELETE_TOPIC_IN_BROKER_LIST
GROUPS = R.DELETE_SUBSCRIPTION_GROUP_LIST


def with_topics(broker, *topics):
    for topic in topics:
        header = CreateTopicRequestHeader(
            topic=topic,
            default_topic="TBW102",
            read_queue_nums=1,
            write_queue_nums=1,
            perm=6,
            topic_filter_type="SINGLE_TAG",
            topic_sys_flag=0,
            order=False,
        )
        assert broker.ask(R.UPDATE_AND_CREATE_TOPIC, header).code == 0
        broker.state.offsets.commit("c", "g", topic, 0, 7)
    return broker


def waited(broker, ms):
    """Let time pass; return the answers that came."""
    broker.now_ms += ms
    broker.state.paced.tick()
    data = broker.connection.data_to_send()
    return [decode_command(data)] if data else []


def has(broker, topic):
    return broker.state.topics.select(topic) is not None


def test_topics_go_at_the_rate_and_the_answer_comes_after_the_last(admin_broker):
    broker = with_topics(admin_broker(V5_5_1, batch_delete_topic_max_rate=2.0), "a", "b", "c")
    body = DeleteTopicListRequestBody(topic_list=["a", "b", "a"]).encode()
    broker.connection.receive_data(broker.frame(TOPICS, body))
    assert broker.connection.data_to_send() == b""
    assert [has(broker, topic) for topic in "abc"] == [False, True, True]
    assert waited(broker, 499) == []
    (answer,) = waited(broker, 1)
    assert (answer.code, answer.remark) == (0, None)
    assert [has(broker, topic) for topic in "abc"] == [False, False, True]
    assert broker.state.offsets.query("g", "a", 0) == -1
    assert broker.state.offsets.query("g", "c", 0) == 7


@pytest.mark.parametrize(
    ("topics", "said"),
    [
        ([], "The specified topic list is blank."),
        (["a", " "], "The specified topic is blank."),
        (["a", "TBW102"], "The topic[TBW102] is conflict with system topic."),
    ],
)
def test_one_bad_topic_refuses_the_whole_list(admin_broker, topics, said):
    broker = with_topics(admin_broker(V5_5_1), "a")
    answer = broker.ask(TOPICS, body=DeleteTopicListRequestBody(topic_list=topics).encode())
    assert (answer.code, answer.remark) == (29, said)
    assert has(broker, "a")


def test_retry_topics_of_pop_go_with_their_topic(admin_broker):
    broker = with_topics(admin_broker(V5_5_1, batch_delete_topic_max_rate=0.0), "a", "%RETRY%g_a")
    body = DeleteTopicListRequestBody(topic_list=["a"]).encode()
    assert broker.ask(TOPICS, body=body).code == 0
    assert not has(broker, "%RETRY%g_a")


@pytest.mark.parametrize(("clean", "left"), [(True, -1), (False, 7)])
def test_groups_go_with_their_offsets_or_without(admin_broker, clean, left):
    rate = {"batch_delete_subscription_group_max_rate": 0.0}
    broker = with_topics(admin_broker(V5_5_1, **rate), "a")
    for group in ("g", "h"):
        broker.state.groups.find(group)
    body = DeleteSubscriptionGroupListRequestBody(group_name_list=["g", "h"], clean_offset=clean)
    assert broker.ask(GROUPS, body=body.encode()).code == 0
    assert not broker.state.groups.contains("g")
    assert not broker.state.groups.contains("h")
    assert broker.state.offsets.query("g", "a", 0) == left


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ([], "The specified group name list is blank."),
        (["g", ""], "The specified group name is blank."),
    ],
)
def test_one_bad_group_refuses_the_whole_list(admin_broker, groups, said):
    body = DeleteSubscriptionGroupListRequestBody(group_name_list=groups).encode()
    answer = admin_broker(V5_5_1).ask(GROUPS, body=body)
    assert (answer.code, answer.remark) == (29, said)


def test_a_list_that_cannot_be_deleted_is_answered_with_why(admin_broker):
    broker = with_topics(admin_broker(V5_5_1, batch_delete_topic_max_rate=0.0), "a")

    def refuse(topics):
        raise OSError(28, "No space left on device")

    broker.state.store.delete_topics = refuse
    answer = broker.ask(TOPICS, body=DeleteTopicListRequestBody(topic_list=["a"]).encode())
    assert answer.code == 1
    assert "No space left" in answer.remark


@pytest.mark.parametrize("code", [TOPICS, GROUPS])
def test_5_5_0_does_not_know_them(admin_broker, code):
    assert admin_broker(V5_5_0).ask(code, body=b"{}").code == 3
