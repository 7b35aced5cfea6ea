"""Delayed messages: in time, in order, once, and after a restart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.store.results import PutMessageResult, PutStatus
from tests.support import requests
from tests.support.broker import MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RELEASES = [V5_5_0, V4_9_7]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MemoryBroker]:
    made = MemoryBroker(tmp_path)
    yield made
    made.close()


def delayed(level: int, body: bytes = b"later"):
    return requests.send(
        body=body, properties=f"UNIQ_KEY\x01K\x02DELAY\x01{level}\x02TAGS\x01A\x02"
    )


def bodies(broker: MemoryBroker, topic: str = "T") -> list[bytes]:
    answer = broker.connect().call(requests.pull(topic, sys_flag=4))
    return [message.body for message in iter_messages(answer.body)]


@pytest.mark.parametrize(("level", "delay_ms"), [(1, 1_000), (5, 60_000), (18, 7_200_000)])
def test_a_message_is_delivered_at_its_time_not_before(broker, level, delay_ms):
    answer = broker.connect().call(delayed(level))
    assert (answer.code, answer.ext_fields["queueId"]) == (0, "0")
    broker.pass_time(delay_ms - 1)
    assert bodies(broker) == []
    broker.pass_time(1)
    assert bodies(broker) == [b"later"]
    broker.pass_time(delay_ms * 2)
    assert bodies(broker) == [b"later"]


def test_a_level_above_the_highest_is_the_highest(broker):
    broker.connect().call(delayed(99))
    assert broker.state.store.max_offset("SCHEDULE_TOPIC_XXXX", 17) == 1


def test_many_levels_and_messages_come_out_in_the_order_of_their_times(broker):
    client = broker.connect()
    for i in range(70):
        client.call(delayed(2, b"five %d" % i))
        client.call(delayed(1, b"one %d" % i))
        broker.clock.ms += 1
    broker.pass_time(1_000)
    found = broker.state.store.max_offset("T", 0)
    assert found == 70
    broker.pass_time(5_000)
    assert broker.state.store.max_offset("T", 0) == 140
    result = broker.state.store.get_message("T", 0, 0, 32)
    ones = [message.body for message in iter_messages(result.body)]
    assert ones == [b"one %d" % i for i in range(32)]


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_what_waits_survives_a_restart_and_is_not_delivered_twice(tmp_path, release):
    broker = MemoryBroker(tmp_path, release)
    client = broker.connect()
    client.call(delayed(1, b"first"))
    client.call(delayed(2, b"second"))
    broker.pass_time(1_000)
    broker.close()
    text = (tmp_path / "config" / "delayOffset.json").read_text()
    assert "offsetTable" in text
    assert ("dataVersion" in text) == release.broker.delay_offsets_version
    now = broker.clock.ms
    broker = MemoryBroker(tmp_path, release)
    broker.clock.ms = now
    broker.pass_time(4_000)
    assert bodies(broker) == [b"first", b"second"]
    broker.close()


def test_javas_file_is_read(broker):
    broker.state.schedule.decode(b'{\n\t"offsetTable":{1:12,2:7,99:3\n\t}\n}')
    levels = broker.state.schedule.levels
    assert (levels[1].offset, levels[2].offset, levels[3].offset) == (12, 7, 0)
    assert "99" not in broker.state.schedule.encode().decode()


def test_an_offset_ahead_of_the_queue_is_corrected(broker):
    broker.state.schedule.decode(json.dumps({"offsetTable": {"1": 40}}).encode())
    broker.connect().call(delayed(1))
    broker.pass_time(1_000)
    broker.pass_time(1_000)
    broker.connect().call(delayed(1, b"next"))
    broker.pass_time(1_000)
    assert b"next" in bodies(broker)


def test_a_refused_delivery_is_tried_again(broker):
    broker.connect().call(delayed(1))
    store = broker.state.store
    put = store.puts.put
    refused = PutMessageResult(PutStatus.SERVICE_NOT_AVAILABLE)
    store.puts.put = lambda message, done: done(refused)
    broker.pass_time(1_000)
    assert broker.state.schedule.levels[1].offset == 0
    store.puts.put = put
    broker.pass_time(100)
    assert bodies(broker) == [b"later"]
    assert broker.state.schedule.levels[1].offset == 1


def test_a_clock_set_back_does_not_keep_messages_for_longer_than_their_delay(broker):
    broker.connect().call(delayed(1))
    broker.clock.ms -= 10_000_000
    broker.pass_time(0)
    assert bodies(broker) == [b"later"]
