"""Messages found, printed and handed to consumers, asked of a cluster in this process."""

from __future__ import annotations

import json
import re
from itertools import count

import pytest
import trio

from rmqwire import ConsumeStatus, Message, PushConsumer
from rmqwire.admin.admin import Admin
from rmqwire.admin.message_pull import PullBatch
from rmqwire.admin.message_text import PulledMessage
from rmqwire.cli.admin import message_shown
from rmqwire.cli.admin.message import query_msg_by_id, query_msg_by_unique_key
from rmqwire.cli.admin.verb import Call
from rmqwire.cli.runner import Outcome
from rmqwire.client.message_queries import LONG_MAX
from rmqwire.errors import UsageError
from rmqwire.remoting.client import RemotingClient
from tests.cli.admin.conftest import admin
from tests.testing.support import consume, run, send

TOPICS = (f"Found{n}" for n in count())


@pytest.fixture
def sent(rmq, monkeypatch, tmp_path):
    """Three messages in one queue, as the broker stored them."""
    monkeypatch.setattr(message_shown, "BODIES", tmp_path / "bodies")
    topic = next(TOPICS)  # the index keeps what a topic of this name once had
    rmq.create_topic(topic, queues=1)
    texts = [("a", "k1"), ("b", "k2 k3"), ("a", "k3")]
    messages = [Message(topic, f"tea {n}".encode(), *one) for n, one in enumerate(texts)]
    run(send, rmq, *messages)
    return rmq.messages(topic)


def details(text):
    return dict(re.findall(r"^([A-Z][A-Za-z ]+:) +(.*)$", text, re.MULTILINE))


def test_a_message_is_found_by_either_id(sent):
    one = sent[1]
    for msg_id in (one.offset_msg_id, one.msg_id):
        text = admin("queryMsgById", "-t", sent[0].topic, "-i", msg_id, "-f", "utf-8")
        found = details(text)
        assert text.startswith(
            f"OffsetID:            {one.offset_msg_id}\nTopic:               {one.topic}\n"
        )
        assert found["Tags:"] == "[b]"
        assert found["Keys:"] == "[k2 k3]"
        assert found["Queue Offset:"] == "1"
        assert found["Message Body:"] == "tea 1"
        assert text.endswith("\n\n\nWARN: No Consumer\n")
        path = message_shown.BODIES / one.msg_id
        assert found["Message Body Path:"] == str(path)
        assert path.read_bytes() == b"tea 1"
        assert path.stat().st_mode & 0o777 == 0o600
    both = admin(
        "queryMsgById", "-t", sent[0].topic, "-i", f"{sent[0].msg_id},{sent[2].msg_id}", "--json"
    )
    assert [json.loads(line)["body"] for line in both.splitlines()] == ["tea 0", "tea 2"]


def test_a_message_that_is_not_there_is_said(sent):
    unknown = "0A" * 16  # as a broker's id it names nobody that is known: nobody is asked
    assert "no message" in admin("queryMsgById", "-t", sent[0].topic, "-i", unknown, code=1)
    assert "no message" in admin("queryMsgByKey", "-t", sent[0].topic, "-k", "k9", code=1)
    assert "no message" in admin("queryMsgByUniqueKey", "-t", sent[0].topic, "-i", "k9", code=1)
    assert "no message" in admin(
        "queryMsgByOffset", "-t", sent[0].topic, "-b", "broker-a", "-i", "0", "-o", "9", code=1
    )
    assert "not matched route" in admin("queryMsgByKey", "-t", "Nowhere", "-k", "k", code=1)
    for verb in ("printMsg", "consumeMessage"):
        assert "Nowhere" in admin(verb, "-t", "Nowhere", code=1)
    words = ("-b", "broker-z", "-i", "0", "-o", "0")
    assert "broker-z" in admin("queryMsgByOffset", "-t", sent[0].topic, *words, code=1)


def test_messages_are_found_by_key_and_by_tag(sent):
    heading, *rows = admin("queryMsgByKey", "-t", sent[0].topic, "-k", "k3").splitlines()
    assert heading.split() == ["#Message", "ID", "#QID", "#Offset", "#IndexKey"]
    assert [row.split()[:3] for row in rows] == [
        [one.msg_id, "0", str(one.queue_offset)] for one in sent[1:]
    ]
    hour = sent[1].store_timestamp // 3_600_000 * 3_600_000
    end = f"@{sent[0].topic}@K@k3@{sent[1].msg_id}@{sent[1].stored.physical_offset}"
    assert rows[0].split()[3] == f"{hour}{end}"
    shown = admin("queryMsgByKey", "-t", sent[0].topic, "-k", "k3", "--json").splitlines()
    assert [json.loads(line)["keys"] for line in shown] == ["k2 k3", "k3"]
    early = ("-e", str(sent[0].store_timestamp - 5_000))  # the index knows seconds
    admin("queryMsgByKey", "-t", sent[0].topic, "-k", "k3", *early, code=1)


def test_a_message_is_found_by_its_unique_key_as_often_as_it_was_sent(rmq, sent):
    again = Message(sent[0].topic, b"again")
    again.properties["UNIQ_KEY"] = sent[0].msg_id
    run(send, rmq, again)
    words = ("queryMsgByUniqueKey", "-t", sent[0].topic, "-i", sent[0].msg_id)
    assert "OffsetID:" not in admin(*words)
    assert details(admin(*words))["Queue Offset:"] == "0"
    assert admin(*words, "-a").count("Topic:") == 2
    assert (message_shown.BODIES / f"{sent[0].msg_id}_1").read_bytes() == b"again"


def test_a_message_is_found_at_its_offset_with_the_ends_of_its_queue(sent):
    place = ("-t", sent[0].topic, "-b", "broker-a", "-i", "0", "-o", "2")
    found = details(admin("queryMsgByOffset", *place))
    assert found["OffsetID:"] == sent[2].offset_msg_id
    assert "MIN_OFFSET=0" in found["Properties:"]
    assert "MAX_OFFSET=3" in found["Properties:"]


def test_what_a_group_did_with_a_message_is_told(rmq, sent):
    run(consume, rmq, "eaters", sent[0].topic, 3)
    shown = admin("queryMsgById", "-t", sent[0].topic, "-i", sent[0].msg_id)
    assert "[consumerGroup=eaters, trackType=NOT_ONLINE, exceptionDesc=CODE:206 DESC:the" in shown


def test_messages_are_printed_queue_by_queue(sent):
    lines = admin("printMsg", "-t", sent[0].topic).splitlines()
    queue = f"MessageQueue [topic={sent[0].topic}, brokerName=broker-a, queueId=0]"
    assert lines[0] == f"minOffset=0, maxOffset=3, {queue}"
    assert [line.rpartition(" BODY: ")[2] for line in lines[1:4]] == ["tea 0", "tea 1", "tea 2"]
    assert lines[1].startswith(
        f"MSGID: {sent[0].msg_id} MessageExt [brokerName=broker-a, queueId=0, "
    )
    assert lines[4:] == ["-" * 56]
    hidden = admin("printMsg", "-t", sent[0].topic, "-d", "false", "-s", "b").splitlines()
    assert [line.rpartition(" BODY: ")[2] for line in hidden[1:-1]] == ["NOT PRINT BODY"]
    shown = [
        json.loads(line) for line in admin("printMsg", "-t", sent[0].topic, "--json").splitlines()
    ]
    assert [one["body"] for one in shown] == ["tea 0", "tea 1", "tea 2"]


def test_nothing_that_fits_the_tags_is_said(sent):
    lines = admin("printMsg", "-t", sent[0].topic, "-s", "nobody").splitlines()
    assert lines[1].endswith("queueId=0] no matched msg. status=NO_MATCHED_MSG, offset=3")


@pytest.mark.parametrize(("option", "most"), [("-b", 0), ("-e", 3)])
def test_messages_are_printed_of_a_time(sent, option, most):
    later = str(sent[-1].store_timestamp + 60_000)
    assert admin("printMsg", "-t", sent[0].topic, option, later).count("MSGID: ") == most
    assert (
        admin("printMsg", "-t", sent[0].topic, option, "2999-01-01#00:00:00:000").count("MSGID")
        == most
    )
    assert "neither" in admin("printMsg", "-t", sent[0].topic, option, "yesterday", code=2)


def test_one_queue_is_printed_and_its_tags_are_counted(sent):
    queue = ("-t", sent[0].topic, "-a", "broker-a", "-i", "0")
    assert admin("printMsgByQueue", *queue) == ""
    assert admin("printMsgByQueue", *queue, "-p", "true").count("BODY: NOT PRINT BODY") == 3
    assert "BODY: tea 2" in admin("printMsgByQueue", *queue, "-p", "true", "-d", "true")
    assert admin("printMsgByQueue", *queue, "-f", "true").splitlines() == [
        "Tag: a                              Count: 2",
        "Tag: b                              Count: 1",
    ]
    assert "no encoding" in admin("printMsgByQueue", *queue, "-c", "klingon", code=2)


def test_the_oldest_messages_are_shown_and_no_group_moves(rmq, sent):
    lines = admin("consumeMessage", "-t", sent[0].topic).splitlines()
    assert lines[0] == "Consume ok"
    assert [line.rpartition(" BODY: ")[2] for line in lines[1:4]] == ["tea 0", "tea 1", "tea 2"]
    assert lines[4].endswith(" print msg finished. status=NO_NEW_MSG, offset=3")
    two = admin("consumeMessage", "-t", sent[0].topic, "-c", "2").splitlines()
    assert two[0] == "The older 2 message of the 0 queue will be provided"
    assert len(two) == 4
    queue = ("-t", sent[0].topic, "-b", "broker-a", "-i", "0")
    assert admin("consumeMessage", *queue, "-o", "2").count("MSGID: ") == 1
    assert "no matched msg, offset=9" in admin("consumeMessage", *queue, "-o", "9")
    assert admin("consumeMessage", *queue, "-s", str(sent[0].store_timestamp)).count("MSGID: ") == 3
    assert rmq.lag("TOOLS_CONSUMER", sent[0].topic) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-i", "0"), "brokerName before queueId"),
        (("-o", "0"), "queueId before offset"),
        (("-s", "99999999999999"), "beginTimestamp before now"),
        (("-e", "99999999999999"), "endTimestamp before now"),
        (("-s", "2", "-e", "1"), "less than or equal"),
        (("-c", "0"), "0"),
    ],
)
def test_wrong_calls_of_consume_message(words, said):
    assert said in admin("consumeMessage", "-n", "127.0.0.1:1", "-t", "T", *words, code=2)


def test_traces_tell_who_sent_and_who_consumed(rmq):
    at = 1_795_228_442_635
    body = (
        f"Pub\x01{at}\x01R\x01pg\x01T\x01ID1\x01a\x01k\x01h:1\x014\x017\x010\x01OID\x01true\x01\x02"
        f"SubBefore\x01{at}\x01R\x01cg\x01RQ\x01ID1\x010\x01k\x02"
        f"SubAfter\x01RQ\x01ID1\x015\x01false\x01k\x010\x01{at}\x01cg\x02"
        "SubAfter\x01RQ\x01ID2\x015\x01true\x01k\x010\x021\x01cg\x02Odd\x01\x02Pub\x01x\x02"
    )
    rmq.create_topic("Traces", queues=1)
    run(send, rmq, Message("Traces", body.encode(), keys="ID1"))
    lines = admin("queryMsgTraceById", "-t", "Traces", "-i", "ID1").splitlines()
    assert lines[0].split() == [
        "#Type",
        "#ProducerGroup",
        "#ClientHost",
        "#SendTime",
        "#CostTimes",
        "#Status",
    ]
    assert lines[1].split() == ["Pub", "pg", "127.0.0.1", *lines[1].split()[3:5], "7ms", "success"]
    assert lines[3].split()[1] == "#ConsumerGroup"
    assert lines[4].split()[::6] == ["Sub", "failed"]
    assert lines[4].split()[5] == "5ms"
    assert len(lines) == 6
    shown = [
        json.loads(line)
        for line in admin("queryMsgTraceById", "-t", "Traces", "-i", "ID1", "--json").splitlines()
    ]
    assert [one["view"]["kind"] for one in shown] == ["Pub", "SubBefore", "SubAfter"]


def test_a_producer_s_id_is_taken_apart():
    text = admin("decodeMessageId", "-i", "7F0000012B354E0E2F2A678C37EE0034")
    assert re.fullmatch(r"ip=127\.0\.0\.1\ndate=\d{4}-\d\d-\d\d#\d\d:\d\d:\d\d:\d{3}\n", text)
    assert "no message id" in admin("decodeMessageId", "-i", "x", code=1)


def test_a_consumer_is_handed_one_message(rmq, sent, capsys):
    seen, all_seen = [], trio.Event()

    def listener(messages):
        seen.extend(one.body for one in messages)
        if len(seen) == len(sent):
            all_seen.set()
        return ConsumeStatus.CONSUME_SUCCESS

    async def pushed():
        first = {"consume_from_where": "CONSUME_FROM_FIRST_OFFSET"}
        consumer = PushConsumer("pushed", namesrv_addr=rmq.namesrv_addr, **first)
        consumer.subscribe(sent[0].topic, "*", listener)
        async with consumer, RemotingClient() as client:
            await all_seen.wait()
            call = Call(Admin(client, rmq.namesrv_addr), Outcome())
            whom = {"group": "pushed", "client_id": consumer.client_id, "topic": sent[0].topic}
            options = {"msg_id": sent[1].msg_id, "cluster": None, **whom}
            of_id = {"charset": None, "resends": False, "unit": None, **options}
            await query_msg_by_id.job(call, **of_id)
            await query_msg_by_unique_key.job(
                call, show_all=False, begin_ms=0, end_ms=LONG_MAX, **options
            )
            with pytest.raises(UsageError, match="no message k9"):
                await query_msg_by_id.job(call, **of_id | {"msg_id": "k9"})

    run(pushed)
    assert seen[len(sent) :] == [b"tea 1"] * 2
    handed = capsys.readouterr().out.splitlines()
    assert len(handed) == 2
    assert handed[0].startswith("ConsumeMessageDirectlyResult [order=false, autoCommit=true, ")
    assert "consumeResult=CR_SUCCESS, remark=null" in handed[0]


def test_a_stretch_without_the_tag_is_not_the_end(sent, monkeypatch):
    pulls = [
        PullBatch("NO_MATCHED_MSG", [], 1),
        PullBatch("FOUND", [PulledMessage(sent[1], 0, 3)], 3),
    ]

    async def pull_batch(*_):
        return pulls.pop(0)

    monkeypatch.setattr(Admin, "pull_batch", pull_batch)
    queue = ("-t", sent[0].topic, "-a", "broker-a", "-i", "0")
    assert "MSGID: " in admin("printMsgByQueue", *queue, "-s", "b", "-p", "true")
    assert pulls == []
