"""Timers that are taken back: Java's words, Java's record, and the message never comes."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from rmqwire.codec import message_const as const
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import RecallMessageRequestHeader
from rmqwire.codec.recall import RecallHandle, read_recall_handle, recall_handle
from rmqwire.codec.record import decode_message, iter_messages
from rmqwire.errors import BadHeader
from tests.support import requests
from tests.support.broker import START_MS, MemoryBroker

JAVA = "djEgdHJlYyBnb2xkLWEgMTc5NTkzNzc0MzAwMSA3RjAwMDAwMTBGM0M0RTBFMkYyQTkxRDMyODgxMDAxOQ=="


@pytest.fixture
def broker(tmp_path):
    made = MemoryBroker(
        tmp_path, recall_message_enable=True, timer_roll_window_slot=30, timer_max_delay_sec=100
    )
    made.connect().call(requests.send())
    yield made
    made.close()


def send(broker, seconds, key):
    text = f"UNIQ_KEY\x01{key}\x02TIMER_DELAY_SEC\x01{seconds}\x02"
    answer = broker.connect().call(requests.send(body=key.encode(), properties=text))
    broker.pass_time(0)
    return answer.ext_fields["recallHandle"]


def recall(broker, handle, topic="T", group="pg", peer=None):
    header = RecallMessageRequestHeader(producer_group=group, topic=topic, recall_handle=handle)
    request = RemotingCommand.request(RequestCode.RECALL_MESSAGE, header)
    answer = broker.connect(peer).call(request)
    broker.pass_time(0)
    return answer


def bodies(broker):
    found = broker.state.store.get_message("T", 0, 1, 32).body
    return [message.body for message in iter_messages(found)]


def test_a_handle_is_java_s():
    handle = read_recall_handle(JAVA)
    key = "7F0000010F3C4E0E2F2A91D328810019"
    assert handle == RecallHandle("trec", "gold-a", "1795937743001", key)
    assert recall_handle(handle.topic, handle.broker_name, 1795937743001, handle.unique_key) == JAVA
    assert read_recall_handle(JAVA.rstrip("=")) == handle


@pytest.mark.parametrize(
    "handle", ["", "a", "%%", "djE", JAVA + "!", "\xe9", urlsafe_b64encode(b"v2 a b 1 k").decode()]
)
def test_what_is_no_handle_is_told_in_java_s_words(handle):
    with pytest.raises(BadHeader, match=r"^recall handle is invalid$"):
        read_recall_handle(handle)


def test_a_recalled_message_never_comes_and_others_do(broker):
    handles = {key: send(broker, seconds, key) for key, seconds in (("A", 5), ("B", 5), ("C", 70))}
    answer = recall(broker, handles["A"])
    assert (answer.code, answer.remark) == (0, "not set any response code")
    assert answer.ext_fields == {"msgId": "A", "MSG_REGION": "DefaultRegion"}
    assert recall(broker, handles["A"]).code == 0  # twice
    assert recall(broker, handles["C"]).code == 0  # rolled twice, as the message itself
    unknown = recall_handle("T", "broker-a", START_MS + 6_001, "unknown")
    assert recall(broker, unknown, group=None).code == 0
    broker.pass_time(6_000)
    assert bodies(broker) == [b"B"]
    for _ in range(100):
        broker.pass_time(1_000)
    assert bodies(broker) == [b"B"]
    assert broker.state.timers.metrics.counts["T"].count == 0


def test_what_is_stored_is_java_s_record(broker):
    """The order of names and values is that of a folder that Java 5.5.0 left behind."""
    handle = send(broker, 26, "7F000001000000000000000000000026")
    recall(broker, handle)
    unit = broker.state.store.queues.find(const.TIMER_TOPIC, 0).unit(1)
    message = decode_message(broker.state.store.log.record_at(unit[0]))
    deliver = START_MS + 25_001
    assert message.body == b"0"
    assert message.record.endswith(
        "TIMER_DEL_UNIQKEY\x017F000001000000000000000000000026\x02REAL_TOPIC\x01T\x02"
        f"BORN_TIMESTAMP\x01{START_MS}\x02TRACE_CONTEXT\x01\x02TIMER_DELIVER_MS\x01{deliver}\x02"
        "UNIQ_KEY\x017F000001000000000000000000000026\x02PGROUP\x01pg\x02TAGS\x01_RECALL_TAG_\x02"
        f"TIMER_OUT_MS\x01{deliver - 1}\x02REAL_QID\x010\x02".encode()
    )


def test_the_topic_may_be_a_part_of_the_key(tmp_path):
    broker = MemoryBroker(
        tmp_path, recall_message_enable=True, append_topic_for_timer_delete_key=True
    )
    handle = send(broker, 3, "A")
    recall(broker, handle)
    unit = broker.state.store.queues.find(const.TIMER_TOPIC, 0).unit(1)
    message = decode_message(broker.state.store.log.record_at(unit[0]))
    assert message.properties[const.PROPERTY_TIMER_DEL_UNIQKEY] == "T+A"
    broker.pass_time(5_000)
    assert bodies(broker) == []
    broker.close()


@pytest.mark.parametrize(
    ("words", "topic", "settings", "code", "remark"),
    [
        ("T broker-a 0 K", "T", {"recall_message_enable": False}, 16, "operation is forbidden"),
        ("T broker-a 0 K", "nope", {}, 17, "the topic[nope] not exist"),
        ("U broker-a 5000 K", "T", {}, 604, "topic not match"),
        ("T other 5000 K", "T", {}, 604, "broker service not available"),
        ("T broker-a 0 K", "T", {}, 604, "timestamp invalid"),
        ("T broker-a 100000 K", "T", {}, 604, "timestamp invalid"),
        ("T broker-a x K", "T", {}, 604, "timestamp invalid"),
        ("T broker-a 5000 K", "T", {"timer_wheel_enable": False}, 1, "execute error"),
        ("T broker-a 5000 K", "T", {"broker_permission": 4}, 0, None),
        (
            "T broker-a 5000 K",
            "T",
            {"broker_permission": 4, "allow_recall_when_broker_not_writeable": False},
            14,
            "broker service not available",
        ),
    ],
)
def test_refusals_have_java_s_code_and_remark(broker, words, topic, settings, code, remark):
    for name, value in settings.items():
        setattr(broker.state.config, name, value)
    topic_word, name, offset, key = words.split(" ")
    when = str(START_MS + int(offset)) if offset.isdigit() else offset
    raw = f"v1 {topic_word} {name} {when} {key}"
    answer = recall(broker, urlsafe_b64encode(raw.encode()).decode(), topic)
    assert answer.code == code
    if remark is not None:
        assert answer.remark == f"recall failed, {remark}"
        assert answer.ext_fields == {"MSG_REGION": "DefaultRegion"}


def test_what_is_no_handle_is_refused(broker):
    answer = recall(broker, "%%")
    assert (answer.code, answer.remark) == (604, "recall handle is invalid")


@pytest.mark.parametrize(
    ("engine", "code", "remark"),
    [
        ("F", 0, "switch timer engine success"),
        ("R", 29, "timerRocksDBEnable must be configured true when broker start"),
        ("x", 29, "param error"),
        (None, 29, "param error, extFields is null"),
    ],
)
def test_the_engine_is_the_wheel(broker, engine, code, remark):
    fields = None if engine is None else {"E_T": engine}
    request = RemotingCommand(RequestCode.SWITCH_TIMER_ENGINE, fields)
    answer = broker.connect().call(request)
    assert (answer.code, answer.remark) == (code, remark)


def test_the_engine_is_not_switched_without_a_wheel_or_while_it_stands(broker):
    request = RemotingCommand(RequestCode.SWITCH_TIMER_ENGINE, {"E_T": "F"})
    broker.state.store.config.timer_stop_enqueue = True
    assert broker.connect().call(request).code == 1
    broker.state.config.timer_wheel_enable = False
    request = RemotingCommand(RequestCode.SWITCH_TIMER_ENGINE, {"E_T": "F"})
    assert broker.connect().call(request).remark == "broker timerWheelEnable is false"


def test_a_recall_counts_even_when_both_fell_due_while_the_broker_was_down(tmp_path):
    settings = {"recall_message_enable": True, "timer_roll_window_slot": 12}
    broker = MemoryBroker(tmp_path, **settings)
    for seconds in (5, 25):
        recall(broker, send(broker, seconds, f"A{seconds}"))
        send(broker, seconds, f"B{seconds}")
    late = send(broker, 9, "late")
    header = RecallMessageRequestHeader(producer_group="pg", topic="T", recall_handle=late)
    broker.connect().call(RemotingCommand.request(RequestCode.RECALL_MESSAGE, header))
    now = broker.clock.ms
    broker.close()  # before the last recall got into the wheel
    broker = MemoryBroker(tmp_path, now_ms=now + 60_000, **settings)
    broker.pass_time(0)
    found = broker.state.store.get_message("T", 0, 0, 32).body
    assert [message.body for message in iter_messages(found)] == [b"B5", b"B25"]
    broker.close()
