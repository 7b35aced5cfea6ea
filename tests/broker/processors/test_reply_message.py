"""Answers of a request-reply exchange: to whom they are pushed, what is stored, what is refused."""

from __future__ import annotations

import pytest

from rmqwire.codec.bodies import HeartbeatData, ProducerData
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.headers import ReplyMessageRequestHeader
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record import decode_message
from rmqwire.codec.release import V4_9_7, V5_5_0, release_named
from tests.support import requests
from tests.support.broker import MemoryBroker
from tests.support.golden import frame_files, frames

TOPIC = "DefaultCluster_REPLY_TOPIC"
ASKER = "127.0.0.1@asker"
PROPERTIES = (
    f"MSG_TYPE\x01reply\x02REPLY_TO_CLIENT\x01{ASKER}\x02UNIQ_KEY\x01K1\x02CORRELATION_ID\x01c1"
)


def reply(code=325, properties=PROPERTIES, **fields):
    command = requests.send(TOPIC, properties=properties, code=10 if code == 324 else 310, **fields)
    command.code = code
    return command


@pytest.fixture(params=[V4_9_7, V5_5_0], ids=lambda release: release.name)
def broker(request, tmp_path):
    made = MemoryBroker(tmp_path, request.param)
    yield made
    made.close()


def asker(broker, client_id=ASKER):
    client = broker.connect("127.0.0.1:43000")
    body = HeartbeatData(client_id, [ProducerData("pg")], []).encode()
    client.call(RemotingCommand.request(int(R.HEART_BEAT), None, body))
    client.received.clear()
    return client


def pushed_to(client):
    client.drain()
    (push,) = client.received
    client.received.clear()
    return push


def answer(client, push, code=0, remark=None):
    client.feed(encode_command(push.create_response(code, remark)))


@pytest.mark.parametrize("code", [324, 325])
def test_a_reply_is_pushed_to_the_client_that_asked_and_stored(broker, code):
    client, replier = asker(broker), broker.connect("127.0.0.1:43210")
    command = reply(code, flag=7, reconsume_times=2)
    assert replier.ask(command) is None, "it is answered when the client has the reply"
    push = pushed_to(client)
    header = push.decode_header(ReplyMessageRequestHeader)
    assert push.code == R.PUSH_REPLY_MESSAGE_TO_CLIENT
    assert bytes(push.body) == b"hello"
    assert (header.topic, header.queue_id, header.flag) == (TOPIC, 0, 7)
    assert (header.born_host, header.store_host) == ("127.0.0.1:43210", "127.0.0.1:10911")
    assert header.reconsume_times == 2
    properties = decode_properties(header.properties)
    assert properties["PUSH_REPLY_TIME"] == str(broker.clock.ms)
    assert properties["CORRELATION_ID"] == "c1"
    answer(client, push)
    answered = replier.answer_to(command)
    assert (answered.code, answered.remark) == (0, None)
    assert answered.ext_fields == {
        "MSG_REGION": "DefaultRegion",
        "TRACE_ON": "true",
        "msgId": "7F00000100002A9F0000000000000000",
        "queueId": "0",
        "queueOffset": "0",
    }
    stored = decode_message(broker.state.store.look_message(0))
    assert (stored.topic, stored.body, stored.reconsume_times) == (TOPIC, b"hello", 2)
    assert "PUSH_REPLY_TIME" not in stored.properties
    assert ("MSG_REGION" in stored.properties) == (broker.state.release is V5_5_0)


def test_what_is_not_stored_has_java_s_id(broker):
    broker.state.config.store_reply_message_enable = False
    client, replier = asker(broker), broker.connect()
    command = reply(queue_id=-1)
    replier.ask(command)
    answer(client, pushed_to(client))
    answered = replier.answer_to(command)
    assert answered.ext_fields["msgId"] == "0"
    assert answered.ext_fields["queueId"] == answered.ext_fields["queueOffset"] == "0"
    assert broker.state.store.look_message(0) is None


@pytest.mark.parametrize(
    ("properties", "remark"),
    [
        ("MSG_TYPE\x01reply", "reply message properties[REPLY_TO_CLIENT] is null"),
        ("REPLY_TO_CLIENT\x01x@y", "push reply message fail, channel of <x@y> not found."),
    ],
)
def test_a_reply_to_nobody_is_refused_but_stored(broker, properties, remark, caplog):
    replier = broker.connect()
    answered = replier.call(reply(properties=properties))
    assert (answered.code, answered.remark) == (1, remark)
    assert answered.ext_fields["msgId"] == "7F00000100002A9F0000000000000000"
    assert broker.state.store.look_message(0) is not None
    assert remark in caplog.text


def test_a_client_that_refuses_or_does_not_answer(broker, caplog):
    client, replier = asker(broker), broker.connect()
    first, second = reply(), reply()
    replier.ask(first)
    answer(client, pushed_to(client), 1, "process reply message fail")
    replier.ask(second)
    client.close()
    for command in (first, second):
        answered = replier.answer_to(command)
        assert (answered.code, answered.remark) == (1, f"push reply message to {ASKER}fail.")
    assert "did not take a reply" not in caplog.text or "process reply message fail" in caplog.text


def test_refusals_are_those_of_a_send(broker):
    replier = broker.connect()
    cases = [
        (reply(body=b""), 1, "the message has no body"),
        (reply(queue_id=99), None, "request queueId[99] is illegal"),
    ]
    for command, code, words in cases:
        answered = replier.call(command)
        assert code in {None, answered.code}
        assert words in answered.remark
        assert answered.ext_fields == {"MSG_REGION": "DefaultRegion", "TRACE_ON": "true"}
    broker.state.config.start_accept_send_request_time_stamp = broker.clock.ms + 1
    assert "broker unable to service, until" in replier.call(reply()).remark


def test_what_the_store_refuses_is_logged_and_the_reply_goes_on(broker, caplog):
    client, replier = asker(broker), broker.connect()
    broker.state.store.health.refuse("no space left")
    command = reply()
    replier.ask(command)
    answer(client, pushed_to(client))
    answered = replier.answer_to(command)
    assert (answered.code, answered.ext_fields["msgId"]) == (0, "0")
    assert "a reply is not stored" in caplog.text


def recordings():
    return [path for path in frame_files() if path.name.startswith("b_request_reply")]


@pytest.mark.parametrize("path", recordings(), ids=lambda path: "-".join(path.parts[-3:-1]))
def test_a_recorded_reply_is_pushed_and_answered_as_java_did(path, tmp_path):
    """The same fields in the same order; ids and times of our own aside."""
    entries = [(entry, decode_command(frame)) for entry, frame in frames(path)]

    def java(code, direction, *, response):
        return next(
            command
            for entry, command in entries
            if entry["code" if not response else "name"] == (code if not response else code.name)
            and entry["dir"] == direction
            and command.is_response == response
        )

    sent = java(R.SEND_REPLY_MESSAGE_V2, "c2s", response=False)
    java_push = java(R.PUSH_REPLY_MESSAGE_TO_CLIENT, "s2c", response=False)
    java_answer = java(R.SEND_REPLY_MESSAGE_V2, "s2c", response=True)
    settings = {"broker_cluster_name": "GoldCluster", "listen_port": 20911}
    broker = MemoryBroker(tmp_path, release_named(path.parts[-3]), **settings)
    asked_by = decode_properties(sent.ext_fields["i"])["REPLY_TO_CLIENT"]
    client = asker(broker, asked_by)
    born = java_push.ext_fields["bornHost"]
    replier = broker.connect(born)
    replier.ask(sent)
    push = pushed_to(client)
    changing = {"storeTimestamp", "properties"}
    assert {k: v for k, v in push.ext_fields.items() if k not in changing} == {
        k: v for k, v in java_push.ext_fields.items() if k not in changing
    }
    ours, theirs = (c.ext_fields["properties"] for c in (push, java_push))
    assert list(decode_properties(ours)) == list(decode_properties(theirs))
    assert ours.endswith("\x02") == theirs.endswith("\x02")
    assert bytes(push.body) == bytes(java_push.body)
    answer(client, push)
    answered = replier.answer_to(sent)
    assert (answered.code, answered.remark) == (java_answer.code, java_answer.remark)
    assert answered.ext_fields.keys() == java_answer.ext_fields.keys()
    broker.close()
