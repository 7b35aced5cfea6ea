"""What users change while a broker runs takes effect at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.release import V4_9_7
from rmqwire.store.config import delay_levels
from tests.support import requests
from tests.support.broker import Client, MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UPDATE = 25


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MemoryBroker]:
    made = MemoryBroker(tmp_path, message_delay_level="1s 5s")
    yield made
    made.close()


@pytest.fixture
def client(broker: MemoryBroker) -> Client:
    return broker.connect()


def change(client: Client, line: str) -> RemotingCommand:
    return client.call(RemotingCommand(UPDATE, None, line.encode()))


def delayed(level: int) -> RemotingCommand:
    return requests.send(properties=f"UNIQ_KEY\x01K\x02DELAY\x01{level}\x02")


def visible(broker: MemoryBroker) -> int:
    return broker.state.store.max_offset("T", 0)


def test_conditions_are_taken_once_property_filters_are_enabled(broker, client):
    client.call(requests.send(properties="UNIQ_KEY\x01K\x02a\x011\x02"))

    def pull() -> RemotingCommand:
        return client.call(requests.pull(subscription="a = 1", expression_type="SQL92"))

    assert pull().code == 1
    assert change(client, "enablePropertyFilter=true").code == 0
    assert pull().remark == "FOUND"
    assert change(client, "enablePropertyFilter=false").code == 0
    assert pull().code == 1


def test_consumers_are_sent_to_a_slave_once_slaves_may_be_read(broker, client):
    group = broker.state.groups.find("cg")
    group.broker_id = 1
    client.call(requests.send())
    assert client.call(requests.pull()).ext_fields["suggestWhichBrokerId"] == "0"
    assert change(client, "slaveReadEnable=true").code == 0
    assert client.call(requests.pull()).ext_fields["suggestWhichBrokerId"] == "1"


def test_the_trace_topic_is_there_as_soon_as_it_is_enabled(broker, client):
    topics = broker.state.topics
    assert "RMQ_SYS_TRACE_TOPIC" not in topics.table
    assert change(client, "traceTopicEnable=true").code == 0
    assert topics.table["RMQ_SYS_TRACE_TOPIC"].write_queue_nums == 1
    assert topics.is_system_topic("RMQ_SYS_TRACE_TOPIC")
    assert broker.registrations == 1
    assert change(client, "traceTopicEnable=false").code == 0
    assert "RMQ_SYS_TRACE_TOPIC" in topics.table


def test_a_level_more_and_longer_delays_count_for_what_comes(broker, client):
    client.call(delayed(2))
    assert change(client, "messageDelayLevel=2s 5s 30s").code == 0
    client.call(delayed(1))
    client.call(delayed(9))  # above the highest: the highest, which is 3 now
    broker.pass_time(1_500)
    assert visible(broker) == 0
    broker.pass_time(1_000)
    assert visible(broker) == 1
    broker.pass_time(3_000)
    assert visible(broker) == 2
    broker.pass_time(23_000)
    assert visible(broker) == 2
    broker.pass_time(2_000)
    assert visible(broker) == 3


@pytest.mark.parametrize("levels", ["1s", "1s 4s", "500s 1s"])
def test_what_would_deliver_early_or_hide_messages_is_refused(broker, client, levels):
    answer = change(client, f"traceOn=false\nmessageDelayLevel={levels}")
    assert answer.code == 1
    assert "while the broker runs" in answer.remark
    assert broker.state.config.trace_on
    assert broker.state.store.config.delay_levels() == delay_levels("1s 5s")


@pytest.mark.parametrize(
    ("line", "attribute", "value"),
    [("slaveTimeout=5", "slave_timeout", 5), ("inSyncReplicas=2", "in_sync_replicas", 2)],
)
def test_what_replication_asks_at_each_send(broker, client, line, attribute, value):
    assert change(client, line).code == 0
    assert getattr(broker.state.store.config, attribute) == value


def test_how_far_a_slave_may_be_behind(tmp_path):
    broker = MemoryBroker(tmp_path, V4_9_7)
    assert change(broker.connect(), "haSlaveFallbehindMax=1000").code == 0
    assert broker.state.store.config.ha_slave_fallbehind_max == 1000
    broker.close()
