"""Messages by key: what is found, within which limits, and what else is answered."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.store.index.index_file import IndexFile
from tests.support import requests
from tests.support.broker import Client, MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOT_FOUND = "can not find message, maybe time range not correct"


@pytest.fixture(params=[V5_5_0, V4_9_7], ids=lambda release: release.name)
def broker(request, tmp_path: Path) -> Iterator[MemoryBroker]:
    made = MemoryBroker(tmp_path, request.param)
    yield made
    made.close()


@pytest.fixture
def client(broker: MemoryBroker) -> Client:
    made = broker.connect()
    for number in range(40):
        text = f"UNIQ_KEY\x01U{number}\x02KEYS\x01k{number} all\x02TAGS\x01t\x02"
        made.call(requests.send(properties=text))
        broker.pass_time(1000)
    return made


def query(key: str, topic: str = "T", **changes: object) -> RemotingCommand:
    fields = {
        "topic": topic,
        "key": key,
        "maxNum": 32,
        "beginTimestamp": 0,
        "endTimestamp": (1 << 63) - 1,
        **changes,
    }
    return RemotingCommand(12, {name: str(value) for name, value in fields.items()})


def keys(answer: RemotingCommand) -> list[str]:
    assert (answer.code, answer.remark) == (0, None)
    return [one.unique_key for one in iter_messages(answer.body)]


def test_messages_come_in_the_order_of_the_log(broker, client):
    answer = client.call(query("k7"))
    assert keys(answer) == ["U7"]
    record = broker.state.store.look_message(broker.state.store.min_phy_offset)
    assert answer.ext_fields["indexLastUpdateTimestamp"].isdigit()
    assert int(answer.ext_fields["indexLastUpdatePhyoffset"]) > len(record)
    newest = [f"U{number}" for number in range(8, 40)]
    assert keys(client.call(query("all"))) == newest
    assert keys(client.call(query("all", maxNum=3))) == newest[-3:]


@pytest.mark.parametrize("more", [{}, {"indexType": "K"}])
def test_a_key_is_found_whether_its_index_type_is_named_or_not(client, more):
    """The admin API of 5.5.0 names none (apache/rocketmq #10291)."""
    assert keys(client.call(query("k7", **more))) == ["U7"]


def test_no_more_than_sixty_four(broker, client):
    for number in range(40, 80):
        client.call(requests.send(properties=f"UNIQ_KEY\x01U{number}\x02KEYS\x01all\x02"))
    assert len(keys(client.call(query("all", maxNum=1000)))) == 64


def test_a_unique_key_has_the_broker_s_own_limit(broker, client):
    broker.state.store.config.default_query_max_num = 2
    for flag in ("true", "TRUE"):
        assert keys(client.call(query("U9", _UNIQUE_KEY_QUERY=flag, maxNum=0))) == ["U9"]
    assert len(keys(client.call(query("all", _UNIQUE_KEY_QUERY="true")))) == 2
    assert len(keys(client.call(query("all", _UNIQUE_KEY_QUERY="false")))) == 32


def test_times_limit_the_answer(broker, client):
    end = broker.clock.ms
    answer = client.call(query("all", beginTimestamp=end - 5000, endTimestamp=end - 2000))
    assert keys(answer) == ["U35", "U36", "U37", "U38"]


def test_tags_are_keys_of_their_own_type(broker, client):
    answer = client.call(query("t", indexType="T"))
    assert (answer.code == 0) is broker.state.release.store.index_tags
    assert keys(client.call(query("U3", indexType="U"))) == ["U3"]
    assert keys(client.call(query("k3", indexType="K"))) == ["U3"]
    assert client.call(query("t", indexType="K")).code == 22


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "no such key"},
        {"topic": "no such topic"},
        {"maxNum": 0},
        {"endTimestamp": 1},
        {"beginTimestamp": (1 << 62)},
    ],
)
def test_nothing_found(client, changes):
    answer = client.call(query(**{"key": "all", **changes}))
    assert (answer.code, answer.remark, bytes(answer.body)) == (22, NOT_FOUND, b"")
    assert answer.ext_fields == {"indexLastUpdateTimestamp": "0", "indexLastUpdatePhyoffset": "0"}


def test_a_negative_number_is_refused(client):
    answer = client.call(query("all", maxNum=-1))
    assert answer.code == 1
    assert "Illegal Capacity: -1" in answer.remark


def test_a_missing_field_is_refused(client):
    command = query("all")
    del command.ext_fields["key"]
    answer = client.call(command)
    assert answer.code == 1
    assert "key" in answer.remark


def test_an_index_that_can_not_be_read(broker, client, monkeypatch):
    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "injected")

    assert keys(client.call(query("k1"))) == ["U1"]
    broker.state.store.index.write()
    monkeypatch.setattr(IndexFile, "_read", fail)
    answer = client.call(query("k1"))
    assert answer.code == 1
    assert "index can not be read" in answer.remark
