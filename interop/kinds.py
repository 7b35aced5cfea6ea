"""Messages for every kind of record and queue, sent and fetched by plain requests of our own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from interop.processes import wait_until
from interop.stores import raw_records
from interop.wire import ask
from rmqwire.codec.batch import encode_entry
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.consume_queue import BATCH_UNIT, EXT_MIN_UNIT, UNIT
from rmqwire.codec.headers import (
    PopMessageRequestHeader,
    PullMessageRequestHeader,
    SendMessageRequestHeaderV2,
)
from rmqwire.codec.message import MESSAGE_MAGIC_V2, StoredMessage
from rmqwire.codec.record import decode_message, iter_messages
from tests.support import requests

PLAIN, MULTI, BATCHES = "kinds", "kinds_multi", "kinds_batches"
LIGHT = ("%LMQ%one", "%LMQ%two")
POPPED, POP_GROUP = "popped_" + "t" * 80, "g" * 80
LONG = f"%RETRY%{POP_GROUP}_{POPPED}"  # a topic over 127 bytes: records of version 2
LIGHT_GROUP = "%LMQ%readers"
COUNT = 40  # messages of a kind in one round
LONG_COUNT = 3
IN_BATCH = 5
BORN_MS = 1_795_228_200_000
_SUBSCRIPTION = 4  # PullSysFlag: the pull says what it wants
_SEND, _PULL, _POP = 310, 11, 200050


def send(addr: str, topic: str, number: int, properties: dict[str, str], **changes: Any) -> None:
    """Send one message, the same bytes to whichever broker."""
    named = {"UNIQ_KEY": f"{topic}-{number}"} | properties
    values = {
        "producer_group": "kinds_producer",
        "topic": topic,
        "default_topic": "TBW102",
        "default_topic_queue_nums": 4,
        "queue_id": 0,
        "sys_flag": 0,
        "born_timestamp": BORN_MS + number,
        "flag": 7,
        "properties": _joined(named),
        "reconsume_times": 0,
        "unit_mode": False,
        "batch": False,
    }
    body = changes.pop("body", b"%s %d" % (topic.encode(), number))
    header = SendMessageRequestHeaderV2(**(values | changes))
    answer = ask(addr, RemotingCommand.request(_SEND, header, body))
    assert answer.code == ResponseCode.SUCCESS, (topic, answer.code, answer.remark)


def _joined(properties: dict[str, str]) -> str:
    return "".join(f"{name}\x01{value}\x02" for name, value in properties.items())


def send_all(addr: str, first: int, kinds: set[str]) -> None:
    """Send ``COUNT`` messages of each kind, numbered from ``first`` on."""
    for number in range(first, first + COUNT):
        tag = "TagA" if number % 2 else "TagB"
        if PLAIN in kinds:
            send(addr, PLAIN, number, {"TAGS": tag})
        if MULTI in kinds:
            lights = ",".join(LIGHT[: 1 + number % 2])
            send(addr, MULTI, number, {"TAGS": tag, "INNER_MULTI_DISPATCH": lights, "WAIT": "true"})
    if BATCHES in kinds:
        for number in range(first, first + COUNT, IN_BATCH):
            _send_batch(addr, number)


def _send_batch(addr: str, first: int) -> None:
    """One batch send, as Java's client makes it of a list of messages."""
    body = b"".join(
        encode_entry(7, b"%d" % number, _joined({"UNIQ_KEY": f"B{number}"}).encode())
        for number in range(first, first + IN_BATCH)
    )
    send(addr, BATCHES, first, {"WAIT": "true"}, batch=True, body=body)


def fetch(addr: str, topic: str, expression: str = "*", offset: int = 0) -> list[StoredMessage]:
    """Pull queue 0 of a topic from an offset to its end."""
    found: list[StoredMessage] = []
    while True:
        header = PullMessageRequestHeader(
            consumer_group="kinds_group",
            topic=topic,
            queue_id=0,
            queue_offset=offset,
            max_msg_nums=32,
            sys_flag=_SUBSCRIPTION,
            commit_offset=0,
            suspend_timeout_millis=0,
            subscription=expression,
            sub_version=0,
            expression_type="TAG",
        )
        answer = ask(addr, RemotingCommand.request(_PULL, header))
        fields = answer.ext_fields or {}
        found += iter_messages(answer.body) if answer.code == ResponseCode.SUCCESS else []
        offset = int(fields["nextBeginOffset"])
        if offset >= int(fields["maxOffset"]):
            return found


def as_stored(message: StoredMessage) -> tuple[Any, ...]:
    """Return what two brokers must store alike: everything but times, places and hosts."""
    return (
        message.magic, message.topic, message.queue_id, message.queue_offset, message.flag,
        message.sys_flag, message.body, tuple(message.properties.items()), message.born_timestamp,
    )  # fmt: skip


def check(addr: str, kinds: set[str], total: int) -> None:
    """Every queue of every kind has all its messages, numbered and filtered right."""
    for topic in kinds & {PLAIN, MULTI}:
        assert [one.body for one in fetch(addr, topic)] == [
            b"%s %d" % (topic.encode(), number) for number in range(total)
        ]
    if PLAIN in kinds:
        tagged = [one.queue_offset for one in fetch(addr, PLAIN, "TagA")]
        assert tagged == list(range(1, total, 2))
    if MULTI in kinds:
        expected = (range(total), range(1, total, 2))
        for light, numbers in zip(LIGHT, expected, strict=True):
            assert [one.queue_offset for one in fetch(addr, light)] == list(numbers)
    if BATCHES in kinds:
        batches = fetch(addr, BATCHES)
        assert [one.queue_offset for one in batches] == list(range(0, total, IN_BATCH))
        assert {one.properties["INNER_NUM"] for one in batches} == {str(IN_BATCH)}
    if LONG in kinds:
        found = sorted((one.magic, one.body) for one in fetch(addr, LONG))  # revived in any order
        assert found == [(MESSAGE_MAGIC_V2, long_body(number)) for number in range(LONG_COUNT)]


def long_body(number: int) -> bytes:
    return b"%s %d" % (POPPED.encode(), number)


def pop_and_forget(addr: str) -> None:
    """Let a Java broker make records of version 2: messages popped and never acknowledged."""
    for number in range(LONG_COUNT):
        send(addr, POPPED, number, {})
        wait_until(lambda n=number: ends_of(addr, POPPED)[1] > n, f"message {number} in its queue")
        header = PopMessageRequestHeader(
            consumer_group=POP_GROUP,
            topic=POPPED,
            queue_id=0,
            max_msg_nums=1,
            invisible_time=1_000,
            poll_time=0,
            born_time=time.time_ns() // 1_000_000,
            init_mode=0,
        )
        answer = ask(addr, RemotingCommand.request(_POP, header))
        assert answer.code == ResponseCode.SUCCESS, (answer.code, answer.remark)


def ends_of(addr: str, topic: str) -> tuple[int, int]:
    """Return the smallest offset of queue 0 of a topic, and that behind its last message."""
    fields = {"topic": topic, "queueId": "0"}
    answers = [
        ask(addr, RemotingCommand(code, fields))
        for code in (RequestCode.GET_MIN_OFFSET, RequestCode.GET_MAX_OFFSET)
    ]
    low, high = (int((answer.ext_fields or {}).get("offset", 0)) for answer in answers)
    return low, high


def make_topic(addr: str, topic: str, attributes: str | None = None, queues: int = 1) -> None:
    """Make a topic, as ``mqadmin updateTopic -a ATTRIBUTES`` does."""
    answer = ask(addr, requests.create_topic(topic, attributes, queues))
    assert answer.code == ResponseCode.SUCCESS, answer.remark


def commit(addr: str, group: str, topic: str, offset: int) -> None:
    """Say that a group has consumed queue 0 of a topic up to ``offset``."""
    fields = {"consumerGroup": group, "topic": topic, "queueId": "0", "commitOffset": str(offset)}
    answer = ask(addr, RemotingCommand(RequestCode.UPDATE_CONSUMER_OFFSET, fields))
    assert answer.code == ResponseCode.SUCCESS, answer.remark


def committed(addr: str, group: str, topic: str) -> int:
    fields = {"consumerGroup": group, "topic": topic, "queueId": "0"}
    answer = ask(addr, RemotingCommand(RequestCode.QUERY_CONSUMER_OFFSET, fields))
    assert answer.code == ResponseCode.SUCCESS, answer.remark
    return int((answer.ext_fields or {})["offset"])


def records(store: Path) -> list[StoredMessage]:
    """Return every record of a commit log."""
    return [decode_message(record) for _, record in raw_records(store)]


def units(store: Path) -> dict[str, list[bytes]]:
    """Return what the queues' files hold but places in the log and times, queue by queue."""
    found: dict[str, list[bytes]] = {}
    for kind, size, take in (
        ("consumequeue", UNIT, lambda unit: unit[8:]),  # size, tags code or address
        ("batchconsumequeue", BATCH_UNIT, lambda unit: unit[8:20] + unit[28:]),
        ("consumequeue_ext", EXT_MIN_UNIT, lambda unit: unit[:10] + unit[18:]),
    ):
        for folder in sorted((store / kind).glob("*/*")):
            files = [file.read_bytes() for file in sorted(folder.iterdir())]
            parts = (data[at : at + size] for data in files for at in range(0, len(data), size))
            found[f"{kind}/{folder.parent.name}"] = [take(part) for part in parts if any(part)]
    return found
