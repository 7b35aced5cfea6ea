"""A broker in memory whose timers deliver and whose popped messages come again, on a clock that is moved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from rmqwire.broker.delivery import timers
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import (
    AckMessageRequestHeader,
    ChangeInvisibleTimeRequestHeader,
    NotificationRequestHeader,
    PeekMessageRequestHeader,
    PopMessageRequestHeader,
)
from rmqwire.codec.pop import (
    ExtraInfo,
    parse_msg_offset_info,
    parse_start_offset_info,
    pop_retry_topic,
    topic_tag,
)
from rmqwire.codec.record import iter_messages
from rmqwire.store.results import PutMessageResult, PutStatus
from rmqwire.store.timer.timer_store import TimerFiles
from rmqwire.testing.memory_files import MemoryFiles
from tests.support import requests
from tests.support.broker import Client, MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pytest

    from rmqwire.codec.message import StoredMessage
    from rmqwire.disk.files import FileLayer
    from rmqwire.store.config import StoreConfig

GROUP, TOPIC = "g", "T"
SMALL = {
    "mapped_file_size_commit_log": 262_144,
    "mapped_file_size_consume_queue": 2_000,
    "mapped_file_size_timer_log": 52_000,
    "max_hash_slot_num": 50,
    "max_index_num": 200,
}


def _small_wheel(config: StoreConfig, files: FileLayer, slots_total: int) -> TimerFiles:
    """Make timers with an hour's wheel: that of a week is 38 MB."""
    del slots_total
    return TimerFiles(config, files, 3_600)


class PopBroker(MemoryBroker):
    """A master whose services run when time passes."""

    def __init__(self, files: MemoryFiles | None = None, **settings: Any) -> None:
        with patch.object(timers, "TimerFiles", _small_wheel):
            super().__init__(Path("store"), files=files or MemoryFiles(), **(SMALL | settings))
        self.state.pop.start_revive()

    def pass_time(self, milliseconds: int) -> None:
        """Let time pass, a second at a time."""
        end = self.clock.ms + milliseconds
        while self.clock.ms < end:
            super().pass_time(min(1000, end - self.clock.ms))
            self.turn()

    def turn(self) -> None:
        """Let every service do what is due now."""
        self.state.pop.revive()
        self.state.store.puts.end_pass()
        self.state.store.flush()
        self.state.pop.tick()
        self.state.store.puts.end_pass()


class Consumer:
    """A client that pops."""

    def __init__(self, broker: PopBroker, group: str = GROUP, topic: str = TOPIC) -> None:
        self.client: Client = broker.connect()
        self.group = group
        self.topic = topic

    def pop_request(self, **fields: object) -> RemotingCommand:
        """Make a pop."""
        values = {
            "consumer_group": self.group,
            "topic": self.topic,
            "queue_id": -1,
            "max_msg_nums": 32,
            "invisible_time": 10_000,
        } | fields
        return RemotingCommand.request(int(R.POP_MESSAGE), PopMessageRequestHeader(**values))

    def pop(self, **fields: object) -> list[StoredMessage]:
        """Pop; give the messages with their handles, none when there is nothing."""
        answer = self.client.call(self.pop_request(**fields))
        return messages_of(answer, self.client.broker.loaded.broker.broker_name, self.group)

    def ack(self, message: StoredMessage, **fields: object) -> RemotingCommand:
        """Acknowledge a message."""
        return self.client.call(self.ack_request(message, **fields))

    def ack_request(self, message: StoredMessage, **fields: object) -> RemotingCommand:
        """Make the ack of a message."""
        values = self._handle(message) | fields
        return RemotingCommand.request(int(R.ACK_MESSAGE), AckMessageRequestHeader(**values))

    def change(self, message: StoredMessage, invisible_ms: int) -> RemotingCommand:
        """Change when a message comes again; its handle becomes the new one."""
        values = self._handle(message) | {"invisible_time": invisible_ms}
        header = ChangeInvisibleTimeRequestHeader(**values)
        answer = self.client.call(
            RemotingCommand.request(int(R.CHANGE_MESSAGE_INVISIBLETIME), header)
        )
        if answer.code == 0:
            handle = ExtraInfo.decode(message.properties[const.PROPERTY_POP_CK])
            handle.ck_queue_offset = values["offset"]
            handle.pop_time = int(answer.ext_fields["popTime"])
            handle.invisible_time = int(answer.ext_fields["invisibleTime"])
            message.properties[const.PROPERTY_POP_CK] = handle.encode()
        return answer

    def _handle(self, message: StoredMessage) -> dict[str, object]:
        text = message.properties[const.PROPERTY_POP_CK]
        handle = ExtraInfo.decode(text)
        return {
            "consumer_group": self.group,
            "topic": handle.real_topic(self.topic, self.group),
            "queue_id": handle.queue_id,
            "offset": message.queue_offset,
            "extra_info": text,
        }


def messages_of(answer: RemotingCommand, broker_name: str, group: str) -> list[StoredMessage]:
    """Return the messages of a pop's answer, with handles as Java's client makes them."""
    if not answer.body:
        return []
    fields = answer.ext_fields
    starts = parse_start_offset_info(fields["startOffsetInfo"])
    known = parse_msg_offset_info(fields["msgOffsetInfo"])
    messages = list(iter_messages(answer.body))
    for message in messages:
        if const.PROPERTY_POP_CK in message.properties:
            continue
        key = f"{topic_tag(message.topic)}@{message.queue_id}"
        assert message.queue_offset in known[key]
        message.properties[const.PROPERTY_POP_CK] = ExtraInfo(
            starts[key],
            int(fields["popTime"]),
            int(fields["invisibleTime"]),
            int(fields["reviveQid"]),
            topic_tag(message.topic),
            broker_name,
            message.queue_id,
            message.queue_offset,
        ).encode()
    return messages


def batch_ack(*acks: dict[str, object]) -> RemotingCommand:
    """Make the ack of several messages; ``acks`` of ``batch_entry``."""
    body = {"brokerName": "broker-a", "acks": list(acks)}
    return RemotingCommand(int(R.BATCH_ACK_MESSAGE), None, json.dumps(body).encode())


def batch_entry(message: StoredMessage, bits: str, **fields: object) -> dict[str, object]:
    """Return the acks of one pop, of which ``message`` is one; ``bits`` says which (base 64)."""
    handle = ExtraInfo.decode(message.properties[const.PROPERTY_POP_CK])
    return {
        "c": GROUP,
        "t": TOPIC,
        "r": handle.topic_tag,
        "so": handle.ck_queue_offset,
        "q": handle.queue_id,
        "rq": handle.revive_qid,
        "pt": handle.pop_time,
        "it": handle.invisible_time,
        "b": bits,
    } | fields


def send(
    client: Client, body: bytes, queue_id: int = 0, topic: str = TOPIC, tag: str = "A"
) -> None:
    """Send one message."""
    properties = f"UNIQ_KEY\x01K{body.decode()}\x02TAGS\x01{tag}\x02"
    answer = client.call(requests.send(topic, body, queue_id=queue_id, properties=properties))
    assert answer.code == 0, answer.remark


def retry_topic(*, v2: bool = False) -> str:
    """Return the retry topic of the group of these tests."""
    return pop_retry_topic(TOPIC, GROUP, v2=v2)


def bodies(messages: Iterable[StoredMessage]) -> list[bytes]:
    """Return the bodies of messages that came in any order."""
    return sorted(message.body for message in messages)


def notification(**fields: object) -> RemotingCommand:
    """Make the question whether there is something to pop."""
    values = {"consumer_group": GROUP, "topic": TOPIC, "queue_id": -1, "poll_time": 0} | fields
    return RemotingCommand.request(int(R.NOTIFICATION), NotificationRequestHeader(**values))


def peek(**fields: object) -> RemotingCommand:
    """Make a peek."""
    values = {"consumer_group": GROUP, "topic": TOPIC, "queue_id": -1, "max_msg_nums": 32} | fields
    return RemotingCommand.request(int(R.PEEK_MESSAGE), PeekMessageRequestHeader(**values))


def refuse_puts(broker: PopBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store refuse whatever is put from now on."""

    def put(message: object, done: Callable[[PutMessageResult], None]) -> None:
        done(PutMessageResult(PutStatus.SERVICE_NOT_AVAILABLE, remark="no room"))

    monkeypatch.setattr(broker.state.store.puts, "put", put)
    monkeypatch.setattr(broker.state.store.puts, "room", lambda now: 0)  # for what lanes bring
