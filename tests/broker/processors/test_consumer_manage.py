"""Members and offsets of groups, single messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rmqwire.codec.bodies import GetConsumerListByGroupResponseBody
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import (
    GetConsumerListByGroupRequestHeader,
    QueryConsumerOffsetRequestHeader,
    UpdateConsumerOffsetRequestHeader,
    ViewMessageRequestHeader,
)
from rmqwire.codec.record import decode_message
from rmqwire.codec.release import V4_9_7, V5_5_0
from tests.support import requests
from tests.support.broker import Client, MemoryBroker

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=[V5_5_0, V4_9_7], ids=lambda release: release.name)
def broker(request, tmp_path: Path):
    made = MemoryBroker(tmp_path, request.param)
    yield made
    made.close()


@pytest.fixture
def client(broker: MemoryBroker) -> Client:
    made = broker.connect()
    made.call(requests.send())
    return made


def members(group: str = "cg") -> RemotingCommand:
    return RemotingCommand.request(38, GetConsumerListByGroupRequestHeader(consumer_group=group))


def query(queue_id: int = 0, group: str = "cg", **fields: object) -> RemotingCommand:
    header = QueryConsumerOffsetRequestHeader(
        consumer_group=group, topic="T", queue_id=queue_id, **fields
    )
    return RemotingCommand.request(14, header)


def update(offset: int, group: str = "cg", topic: str = "T") -> RemotingCommand:
    header = UpdateConsumerOffsetRequestHeader(
        consumer_group=group, topic=topic, queue_id=0, commit_offset=offset
    )
    return RemotingCommand.request(15, header)


def test_the_members_of_a_group(broker, client):
    answer = client.call(members())
    assert (answer.code, answer.remark) == (1, "no consumer for this group, cg")
    client.call(requests.heartbeat("c1", {"cg": [requests.subscription("T")]}))
    body = GetConsumerListByGroupResponseBody.decode(bytes(client.call(members()).body))
    assert body.consumer_id_list == ["c1"]


def test_an_unknown_group_starts_at_0_on_a_young_queue(client):
    answer = client.call(query())
    assert (answer.code, answer.ext_fields) == (0, {"offset": "0"})


def test_an_unknown_group_on_an_empty_queue(broker, client):
    answer = client.call(query(queue_id=3))
    if broker.state.release is V4_9_7:
        assert answer.ext_fields == {"offset": "0"}
    else:
        assert answer.code == 22
        assert answer.remark == ("Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first")


def test_zero_can_be_declined(broker, client):
    answer = client.call(query(set_zero_if_not_found=False))
    assert answer.code == 22
    assert "do not set to zero" in answer.remark


def test_a_queue_whose_beginning_was_deleted_has_no_offset_for_a_new_group(broker, client):
    broker.state.store.min_offset = lambda *_: 5
    assert client.call(query()).code == 22


def test_committed_offsets_come_back(broker, client):
    client.call(requests.heartbeat("c1", {"cg": [requests.subscription("T")]}))
    answer = client.call(update(7))
    assert (answer.code, answer.remark, answer.ext_fields) == (0, None, {})
    assert client.call(query()).ext_fields == {"offset": "7"}


def test_5_x_commits_only_for_groups_and_topics_that_exist(broker, client):
    unknown_group = client.call(update(1, group="nobody"))
    client.call(requests.pull())
    unknown_topic = client.call(update(1, topic="none"))
    if broker.state.release is V5_5_0:
        assert (unknown_group.code, unknown_group.remark) == (26, "Group nobody not exist!")
        assert (unknown_topic.code, unknown_topic.remark) == (17, "Topic none not exist!")
    else:
        assert (unknown_group.code, unknown_topic.code) == (0, 0)


def test_a_reset_offset_is_not_overwritten_by_5_x(tmp_path):
    broker = MemoryBroker(tmp_path, V5_5_0)
    client = broker.connect()
    client.call(requests.send())
    client.call(requests.pull())
    broker.state.offsets.assign_reset("cg", "T", 0, 0)
    answer = client.call(update(1))
    assert (answer.code, answer.remark) == (0, "Offset has been previously reset")
    assert client.call(query()).ext_fields == {"offset": "0"}
    broker.close()


def test_a_message_by_its_place(client):
    answer = client.call(RemotingCommand.request(33, ViewMessageRequestHeader(offset=0)))
    assert answer.code == 0
    assert decode_message(bytes(answer.body)).body == b"hello"
    for offset in (-1, 3, 10**12):
        answer = client.call(RemotingCommand.request(33, ViewMessageRequestHeader(offset=offset)))
        assert (answer.code, answer.remark) == (
            1, f"can not find message by the offset, {offset}",
        )  # fmt: skip
