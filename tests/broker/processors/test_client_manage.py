"""Heartbeats, goodbyes and the notices they cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rmqwire.codec.bodies import CheckClientRequestBody, SubscriptionData
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import UnregisterClientRequestHeader
from rmqwire.codec.release import V4_9_7
from rmqwire.disk.table_file import ConfigFile
from tests.support import requests
from tests.support.broker import MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUBS = {"cg": [requests.subscription("T")]}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MemoryBroker]:
    made = MemoryBroker(tmp_path)
    yield made
    made.close()


def notices(client) -> list[str]:
    client.drain()
    return [c.ext_fields["consumerGroup"] for c in client.received if c.code == 40 and c.is_oneway]


def test_the_first_heartbeat_registers_and_the_notice_comes_before_the_answer(broker):
    client = broker.connect()
    answer = client.call(requests.heartbeat(groups=SUBS, producers=("pg",)))
    assert answer.code == 0
    assert answer.ext_fields == {"IS_SUPPORT_HEART_BEAT_V2": "true", "IS_SUB_CHANGE": "true"}
    assert [command.code for command in client.received] == [40, 0]
    assert client.received[0].ext_fields == {"consumerGroup": "cg"}
    assert broker.state.consumers.find("cg").client_ids() == ["c1"]
    assert broker.state.producers.clients("pg")[0].client_id == "c1"
    retry = broker.state.topics.table["%RETRY%cg"]
    assert (retry.write_queue_nums, retry.perm) == (1, 6)
    assert broker.registrations > 0


def test_members_hear_of_a_second_one_and_of_its_end(broker):
    first, second = broker.connect(), broker.connect()
    first.call(requests.heartbeat("c1", SUBS))
    second.call(requests.heartbeat("c2", SUBS))
    assert notices(first) == ["cg", "cg"]
    second.call(requests.heartbeat("c2", SUBS))
    assert notices(first) == ["cg", "cg"]
    header = UnregisterClientRequestHeader(client_id="c2", consumer_group="cg")
    answer = second.call(RemotingCommand.request(35, header))
    assert (answer.code, answer.ext_fields) == (0, {})
    assert notices(first) == ["cg"] * 3
    second.call(requests.heartbeat("c2", SUBS))
    second.close()
    assert notices(first) == ["cg"] * 5


def test_a_producer_says_goodbye(broker):
    client = broker.connect()
    client.call(requests.heartbeat(producers=("pg",)))
    header = UnregisterClientRequestHeader(client_id="c1", producer_group="pg")
    client.call(RemotingCommand.request(35, header))
    assert broker.state.producers.groups == {}


def test_notices_can_be_switched_off(broker):
    broker.state.config.notify_consumer_ids_changed_enable = False
    client = broker.connect()
    client.call(requests.heartbeat(groups=SUBS))
    assert notices(client) == []


def test_a_fingerprint_heartbeat_tells_changed_subscriptions(broker):
    client = broker.connect()
    first = client.call(requests.heartbeat(groups=SUBS, heartbeat_fingerprint=7))
    same = client.call(
        requests.heartbeat(groups={"cg": []}, heartbeat_fingerprint=7, without_sub=True)
    )
    other = client.call(requests.heartbeat(groups=SUBS, heartbeat_fingerprint=8))
    changed = [answer.ext_fields["IS_SUB_CHANGE"] for answer in (first, same, other)]
    assert changed == ["false", "false", "true"]
    assert set(broker.state.consumers.find("cg").subscriptions) == {"T"}


def test_a_group_that_may_not_be_created_is_passed_over_in_5_x(tmp_path, broker):
    broker.state.config.auto_create_subscription_group = False
    assert broker.connect().call(requests.heartbeat(groups=SUBS)).code == 0
    assert broker.state.consumers.find("cg") is None


def test_4_9_answers_plainly_and_takes_unknown_groups(tmp_path):
    broker = MemoryBroker(tmp_path, V4_9_7)
    broker.state.config.auto_create_subscription_group = False
    answer = broker.connect().call(requests.heartbeat(groups=SUBS))
    assert answer.ext_fields is None
    assert broker.state.consumers.find("cg") is not None
    assert "%RETRY%cg" not in broker.state.topics.table
    broker.close()


def test_silent_clients_are_closed(broker):
    client = broker.connect()
    client.call(requests.heartbeat(groups=SUBS))
    broker.clock.ms += 120_001
    broker.core.scan_clients()
    assert client.connection.closed
    assert broker.state.consumers.find("cg") is None


def test_a_body_that_is_no_heartbeat_is_a_system_error(broker):
    client = broker.connect()
    for body in (b"", b"{", b"[]", b'{"producerDataSet":7}'):
        assert client.call(RemotingCommand(34, None, body)).code == 1


def test_a_heartbeat_that_cannot_be_read_leaves_a_line_with_client_code_and_field(broker, caplog):
    client = broker.connect()
    client.call(RemotingCommand(34, None, b'{"consumerDataSet":[{"unitMode":"maybe"}]}'))
    (line,) = caplog.messages
    assert line.startswith(f"HEART_BEAT (34) of {client.connection.peer} is refused: ")
    assert "HeartbeatData.consumerDataSet[0].unitMode: the text 'maybe' where a boolean" in line


def test_a_heartbeat_as_the_cpp_client_sends_it_makes_its_group_known(broker):
    client = broker.connect()
    body = (
        b'{"clientID":"c1","consumerDataSet":[{"consumeFromWhere":0,"consumeType":1,"groupName":"cg",'
        b'"messageModel":1,"subscriptionDataSet":[{"subString":"*","subVersion":"1795948296278",'
        b'"topic":"T"}]}]}'
    )
    assert client.call(RemotingCommand(34, None, body)).code == 0
    assert broker.state.consumers.find("cg").subscriptions["T"].sub_version == 1795948296278


@pytest.mark.parametrize(("kind", "code"), [("TAG", 0), ("SQL92", 1)])
def test_only_tag_expressions_can_be_used(broker, kind, code):
    body = CheckClientRequestBody(
        client_id="c1",
        group="cg",
        subscription_data=SubscriptionData(topic="T", sub_string="a > 1", expression_type=kind),
    )
    answer = broker.connect().call(RemotingCommand(46, None, body.encode()))
    assert answer.code == code
    if code:
        expected = "The broker does not support consumer to filter message by SQL92"
        assert answer.remark == expected


def test_new_groups_of_one_heartbeat_are_written_once(broker, monkeypatch):
    client = broker.connect()
    written = []
    persist = ConfigFile.persist

    def counted(self, data):
        written.append(self.path.rpartition("/")[2])
        persist(self, data)

    monkeypatch.setattr(ConfigFile, "persist", counted)
    groups = {f"g{number}": [requests.subscription("T")] for number in range(300)}
    assert client.call(requests.heartbeat(groups=groups)).code == 0
    assert sorted(written) == ["subscriptionGroup.json", "topics.json"]
    assert {*groups} <= set(broker.state.groups.table)
    assert "%RETRY%g299" in broker.state.topics.table
    assert client.call(requests.heartbeat(groups=groups)).code == 0
    assert len(written) == 2  # nothing new
    assert client.call(requests.send("Fresh")).code == 0
    assert written[2:] == ["topics.json"]  # and alone at once, as before
