"""What was popped, acknowledged and brought back at a Java broker, at ours: the same answers.

The recording is replayed as it happened, on its clock. The order of queues is drawn by lot, and so is
compared as a set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rmqwire.codec.command import RemotingCommand, decode_command
from rmqwire.codec.pop import ExtraInfo
from rmqwire.codec.record import iter_messages
from tests.broker.pop.support import Consumer, PopBroker
from tests.support import requests
from tests.support.golden import GOLDEN, frames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.broker import Client

FOLDER = GOLDEN / "5.5.0" / "JSON-pop"
# popTime of the first pop, and when it was asked for in the recording
START_MS = 1_795_937_536_570 - 34_816
COMPARED = {
    "POP_MESSAGE",
    "ACK_MESSAGE",
    "CHANGE_MESSAGE_INVISIBLETIME",
    "NOTIFICATION",
    "POLLING_INFO",
}
FED = COMPARED | {
    "SEND_MESSAGE_V2",
    "UPDATE_AND_CREATE_TOPIC",
    "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP",
    "UPDATE_BROKER_CONFIG",
}
CLOCK_FIELDS = {"popTime", "invisibleTime", "reviveQid"}


def entries(*names: str) -> Iterator[tuple[dict[str, object], bytes]]:
    for name in names:
        path = next(FOLDER.glob(f"pop_{name}.jsonl*"))
        for entry, frame in frames(path):
            if entry["link"] == "client->broker" and entry["name"] in FED:
                yield entry, frame


def at_once(recorded: list[tuple[dict[str, object], bytes]]) -> dict[object, int]:
    """Return the popTime of the answers that came at once, by the request: handles name it."""
    times = {entry["seq"]: entry["t_ms"] for entry, _ in recorded}
    found = {}
    for entry, frame in recorded:
        fields = decode_command(frame).ext_fields or {}
        asked = entry["reply_to"] if entry["kind"] == "response" else None
        if (
            asked is not None
            and fields.get("popTime", "0") != "0"
            and entry["t_ms"] < times[asked] + 200
        ):
            found[asked] = int(fields["popTime"])
    return found


def shown(answer: RemotingCommand) -> dict[str, Any]:
    """Show what must be the same of an answer."""
    fields = dict(answer.ext_fields) if answer.ext_fields is not None else None
    for name in ("startOffsetInfo", "msgOffsetInfo"):
        if fields and name in fields:
            fields[name] = sorted(fields[name].split(";"))
    messages = [
        (m.topic, m.queue_id, m.queue_offset, m.body, m.reconsume_times, m.sys_flag, m.properties)
        for m in iter_messages(answer.body)
    ]
    messages.sort(key=lambda shown: shown[1:3])
    return {
        "code": answer.code,
        "remark": answer.remark,
        "fields": fields,
        "messages": messages,
        "order of properties": [list(message[-1]) for message in messages],
    }


def compare(ours: RemotingCommand, java: RemotingCommand, where: object) -> None:
    mine, theirs = shown(ours), shown(java)
    if java.remark and java.remark.startswith("java.lang"):
        assert ours.code == java.code
        return
    for fields in (mine["fields"], theirs["fields"]):
        for name in CLOCK_FIELDS if fields else ():
            fields.pop(name, None)
    for side in (mine, theirs):
        for message in side["messages"]:
            message[-1].pop("POP_CK", None)
    assert mine == theirs, where


@pytest.mark.parametrize(
    "scenario",
    ["raw_pop_ack", "pop_errors", "init_mode", "filters", "polling_timeout", "order"],
)
def test_replayed(scenario):
    before = {"pop_errors": ["raw_pop_ack"], "init_mode": ["raw_pop_ack"]}.get(scenario, [])
    broker = PopBroker(
        broker_name="gold-a",
        broker_cluster_name="GoldCluster",
        listen_port=20911,
        enable_property_filter=True,
    )
    clients: dict[str, Client] = {}
    asked: dict[object, tuple[Client, RemotingCommand]] = {}
    compared = 0
    recorded = list(entries("a_setup", *before, scenario))
    pop_times = at_once(recorded)
    for entry, frame in recorded:
        command = decode_command(frame)
        now = START_MS + entry["t_ms"]
        if entry["kind"] == "request":
            now = pop_times.get(entry["seq"], now)
            broker.pass_time(max(now - broker.clock.ms, 0)) if compared else None
            broker.clock.ms = max(broker.clock.ms, now)
            client = clients.setdefault(
                entry["conn"],
                broker.connect(
                    f"127.0.0.1:{57124 if entry['conn'] == 'broker-21' else 57000 + len(clients)}"
                ),
            )
            asked[entry["seq"]] = (client, command)
            client.ask(command)
            continue
        client, question = asked[entry["reply_to"]]
        answer = client.answer_to(question)
        while answer is None and broker.clock.ms < now + 200:
            broker.clock.ms += 50
            broker.turn()
            answer = client.answer_to(question)
        assert answer is not None, entry
        if entry["name"] in COMPARED:
            compare(answer, command, (entry["seq"], question))
            compared += 1
    assert compared > 2
    broker.close()


def test_messages_come_again_as_java_brought_them_back():
    """One of three is acknowledged, one put off for 12 s, one left: the answers of the record."""
    broker = PopBroker(broker_name="gold-a", broker_cluster_name="GoldCluster")
    consumer = Consumer(broker, "g_inv", "p1")
    consumer.client.call(requests.create_topic("p1"))
    recorded = [(entry, decode_command(frame)) for entry, frame in entries("revive_v1")]
    for entry, command in recorded:
        if (entry["name"], entry["kind"]) == ("SEND_MESSAGE_V2", "request"):
            assert consumer.client.call(command).code == 0
    java = [
        command
        for entry, command in recorded
        if (entry["name"], entry["kind"]) == ("POP_MESSAGE", "response") and command.body
    ]
    first = consumer.pop(invisible_time=5_000)
    assert [message.body for message in first] == [b"r0", b"r1", b"r2"]
    began = broker.clock.ms
    consumer.ack(first[0])
    consumer.change(first[1], 12_000)
    for answer in java[1:4]:
        expected = list(iter_messages(answer.body))
        ours = consumer.pop(invisible_time=6_000)
        while not ours:
            assert broker.clock.ms - began < 30_000
            broker.pass_time(1000)
            ours = consumer.pop(invisible_time=6_000)
        for mine, theirs in zip(ours, expected, strict=True):
            assert (mine.topic, mine.queue_id, mine.queue_offset, mine.body) == (
                theirs.topic,
                theirs.queue_id,
                theirs.queue_offset,
                theirs.body,
            )
            assert mine.reconsume_times == theirs.reconsume_times
            assert list(mine.properties) == list(theirs.properties)
            clocked = {"POP_CK", "1ST_POP_TIME"}
            assert {k: v for k, v in mine.properties.items() if k not in clocked} == {
                k: v for k, v in theirs.properties.items() if k not in clocked
            }
            handle, java_handle = (
                ExtraInfo.decode(message.properties["POP_CK"]) for message in (mine, theirs)
            )
            assert (handle.ck_queue_offset, handle.topic_tag, handle.msg_queue_offset) == (
                java_handle.ck_queue_offset,
                java_handle.topic_tag,
                java_handle.msg_queue_offset,
            )
    assert broker.clock.ms - began < 20_000
    broker.close()
