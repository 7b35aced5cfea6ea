"""What Java's servers do without a field that they call CFNotNull, as some clients leave it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rmqwire.codec.command import RemotingCommand
from tests.support import requests
from tests.support.broker import Client, MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MemoryBroker]:
    made = MemoryBroker(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(broker: MemoryBroker) -> Client:
    return broker.connect()


def without(command: RemotingCommand, *names: str) -> RemotingCommand:
    fields = {name: text for name, text in (command.ext_fields or {}).items() if name not in names}
    return RemotingCommand(command.code, fields, body=command.body)


def test_a_message_for_a_known_topic_needs_neither_producer_nor_default_topic(client):
    client.call(requests.send())
    for code, names in (
        (310, "acd"),
        (10, ("producerGroup", "defaultTopic", "defaultTopicQueueNums")),
    ):
        answer = client.call(without(requests.send(code=code), *names))
        assert answer.code == 0, answer.remark


@pytest.mark.parametrize("name", ["defaultTopic", "defaultTopicQueueNums"])
def test_a_topic_is_made_only_after_a_default_topic(broker, client, name):
    answer = client.call(without(requests.send(topic="fresh", code=10), name))
    assert answer.code == 1
    assert answer.remark.endswith(f"the custom field <{name}> is null")
    assert "fresh" not in broker.state.topics.table


def test_a_pull_needs_only_what_its_flags_say(client):
    client.call(requests.send())
    optional = "commitOffset", "suspendTimeoutMillis", "subVersion"
    answer = client.call(without(requests.pull(sys_flag=4), *optional))
    assert (answer.code, answer.remark) == (0, "FOUND")
    assert client.call(without(requests.pull(sys_flag=6), *optional)).remark == "FOUND"


@pytest.mark.parametrize(
    ("flags", "offset", "name"),
    [(5, 0, "commitOffset"), (6, 1, "suspendTimeoutMillis"), (2, 0, "subVersion")],
)
def test_a_pull_whose_flags_need_a_field_that_is_missing_is_refused(
    broker, client, flags, offset, name
):
    client.call(requests.heartbeat(groups={"cg": [requests.subscription("T")]}))
    client.call(requests.send())
    answer = client.call(without(requests.pull(offset=offset, sys_flag=flags), name))
    assert answer.code == 1
    assert answer.remark.endswith(f"the custom field <{name}> is null")
    assert broker.state.offsets.query("cg", "T", 0) == -1


def test_a_client_leaves_without_saying_its_id(broker, client):
    client.call(requests.heartbeat(groups={"cg": [requests.subscription("T")]}))
    assert client.call(RemotingCommand(35, {"consumerGroup": "cg"})).code == 0
    assert broker.state.consumers.find("cg") is None


def test_a_topic_is_created_without_naming_a_default_topic(broker, client):
    assert client.call(without(requests.create_topic("made"), "defaultTopic")).code == 0
    assert "made" in broker.state.topics.table


def test_a_subscription_is_asked_of_a_topic(client):
    answer = client.call(RemotingCommand(345, {"group": "cg"}))
    assert answer.remark.endswith("the custom field <topic> is null")
