"""Messages sent by hand."""

from __future__ import annotations

import json
from itertools import count

import pytest

from rmqwire.testing import cluster
from tests.cli.admin.conftest import admin

TOPICS = (f"Sent{n}" for n in count())


@pytest.fixture
def topic(rmq):
    name = next(TOPICS)
    rmq.create_topic(name, queues=2)
    return name


def test_a_message_is_sent_with_what_was_given(rmq, topic):
    place = ("-b", "broker-a", "-i", "1")
    heading, line = admin(
        "sendMessage", "-t", topic, "-p", "tea", "-k", "k1", "-c", "a", *place
    ).splitlines()
    assert heading.split() == ["#Broker", "Name", "#QID", "#Send", "Result", "#MsgId"]
    (one,) = rmq.messages(topic)
    assert line.split() == ["broker-a", "1", "SEND_OK", one.msg_id]
    assert (one.body, one.keys, one.tags, one.queue_id) == (b"tea", "k1", "a", 1)
    shown = json.loads(admin("sendMessage", "-t", topic, "-p", "milk", "-b", "broker-a", "--json"))
    assert shown["messageQueue"]["queueId"] == 0
    admin("sendMessage", "-t", topic, "-p", "x")
    assert len(rmq.messages(topic)) == 3


def test_wrong_queues_are_refused(topic):
    assert "Broker name must be set" in admin(
        "sendMessage", "-t", topic, "-p", "x", "-i", "1", code=2
    )
    assert "broker-z takes messages" in admin(
        "sendMessage", "-t", topic, "-p", "x", "-b", "broker-z", code=1
    )


def test_a_send_leaves_a_trace_when_it_shall(monkeypatch):
    with cluster() as own:  # the topic of traces stays in it
        monkeypatch.setenv("NAMESRV_ADDR", own.namesrv_addr)
        own.create_topic("Traced")
        line = admin("sendMessage", "-t", "Traced", "-p", "tea", "-m", "true").splitlines()[1]
        trace = admin("queryMsgTraceById", "-i", line.split()[3]).splitlines()
    assert trace[1].split()[:2] == ["Pub", "rmqwire_admin"]


def test_a_message_is_sent_once_more(rmq, topic):
    admin("sendMessage", "-t", topic, "-p", "tea", "-k", "k1")
    (one,) = rmq.messages(topic)
    said = admin("queryMsgById", "-t", topic, "-i", one.msg_id, "-s", "true").splitlines()
    assert said[0] == f"prepare resend msg. originalMsgId={one.msg_id}"
    assert said[1].startswith("SendResult [sendStatus=SEND_OK, msgId=")
    assert [(m.body, m.keys, m.msg_id) for m in rmq.messages(topic)] == [
        (b"tea", "k1", one.msg_id)
    ] * 2
    assert "no message. msgId=0" in admin(
        "queryMsgById", "-t", topic, "-i", "0", "-s", "true", code=1
    )


def test_sends_are_timed_in_the_queues_turns(rmq, topic):
    lines = admin("checkMsgSendRT", "-t", topic, "-a", "3", "-s", "10").splitlines()
    assert [line.split()[:3] for line in lines[1:4]] == [["broker-a", q, "true"] for q in "010"]
    assert lines[4].startswith("Avg RT: ")
    assert {one.body for one in rmq.messages(topic)} == {b"a" * 10}
    assert admin("checkMsgSendRT", "-t", topic, "-a", "1").endswith("Avg RT: NaN\n")
    shown = json.loads(admin("checkMsgSendRT", "-t", topic, "-a", "1", "--json"))
    assert shown["success"]


def test_a_send_that_fails_is_one_line_and_the_exit_code(rmq, topic):
    rmq.fail_next("SEND_MESSAGE", "NO_PERMISSION", times=1)
    said = admin("checkMsgSendRT", "-t", topic, "-a", "2", code=1)
    assert "false" in said
    assert "true" in said
