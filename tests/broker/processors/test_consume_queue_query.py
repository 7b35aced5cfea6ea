"""QUERY_CONSUME_QUEUE, asked about a store that Java filtered, and that store's further life."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rmqwire.codec.bodies import QueryConsumeQueueResponseBody, SubscriptionData
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import QueryConsumeQueueRequestHeader
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import RELEASES
from rmqwire.filter.subscription import SQL92
from tests.filter import recordings
from tests.support import requests
from tests.support.broker import MemoryBroker
from tests.support.golden import RELEASE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXPRESSION = "n > 3 AND TAGS = 'TagA'"
BITS = bytes.fromhex("0000000200000000200000200000")
BITS_TEXT = (
    "000000000000000000100000000000000000000000100000\n"
    "0000000000000000000000000000000000000010000000000000000000000000\n"
)
# tags code, size and store time of messages 9, 10 and 16 as mqadmin's queryCq showed them
SHOWN = {
    "4.9.7": {
        9: (-9223372036854775628, 242, 1795944779605),
        10: (-9223372036854775608, 242, 1795944785783),
        16: (-9223372036854775404, 241, 1795944785803),
    },
    "5.5.0": {
        9: (2598919, 292, 1795944977699),
        10: (2598919, 292, 1795944983906),
        16: (2598919, 291, 1795944983933),
    },
}


@pytest.fixture(params=RELEASE_NAMES)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryBroker]:
    for name, data in recordings.store(request.param).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    made = MemoryBroker(
        tmp_path,
        RELEASES[request.param],
        enable_property_filter=True,
        enable_consume_queue_ext=True,
        enable_calc_filter_bit_map=True,
        mapped_file_size_consume_queue=6_000_000,
        mapped_file_size_consume_queue_ext=4096,
    )
    made.clock.ms = 1_795_950_000_000  # after the recordings
    yield made
    made.close()


def query(broker: MemoryBroker, index: int = 0, count: int = 30, **fields) -> RemotingCommand:
    fields = {"topic": "T", "queue_id": 0} | fields
    header = QueryConsumeQueueRequestHeader(index=index, count=count, **fields)
    code = int(RequestCode.QUERY_CONSUME_QUEUE)
    return broker.connect().call(RemotingCommand.request(code, header))


def rows(answer: RemotingCommand) -> QueryConsumeQueueResponseBody:
    return QueryConsumeQueueResponseBody.decode(bytes(answer.body))


def join(broker: MemoryBroker, version: int) -> None:
    told = SubscriptionData(
        topic="T", sub_string=EXPRESSION, expression_type=SQL92, sub_version=version
    )
    broker.connect().call(requests.heartbeat("c", {"g1": [told]}))


def version_of(broker: MemoryBroker) -> int:
    return broker.state.filters.find("T", "g1").data.client_version


def test_units_are_shown_as_java_showed_them(broker):
    join(broker, version_of(broker))
    body = rows(query(broker, consumer_group="g1"))
    assert (body.min_queue_index, body.max_queue_index, len(body.queue_data)) == (0, 30, 30)
    assert body.subscription_data.sub_string == EXPRESSION
    assert json.loads(body.filter_data)["bloomFilterData"] == {
        "bitNum": 112,
        "bitPos": [93, 25, 69],
    }
    release = broker.state.release.name
    for number, (code, size, stored) in SHOWN[release].items():
        row = body.queue_data[number]
        assert (row.tags_code, row.physic_size, row.msg) == (code, size, None)
        bits = BITS if number == 16 else bytes(14) if number == 10 else b""
        length = 20 + len(bits)
        in_json = {
            "4.9.7": f'"filterBitMap":"{"AAAAAgAAAAAgAAAgAAA=" if any(bits) else "A" * 19 + "="}",',
            "5.5.0": f'"filterBitMap":{json.dumps(list(bits), separators=(",", ":"))},',
        }[release]
        assert row.extend_data_json == (
            f'{{{in_json if bits else ""}"msgStoreTime":{stored},"size":{length},"tagsCode":2598919}}'
        )
        zeros = BITS_TEXT.replace("1", "0")
        assert row.bit_map == (BITS_TEXT if any(bits) else zeros if bits else None)
    assert [row.eval for row in body.queue_data] == [
        number < 10 or number in {16, 19, 26, 29} for number in range(30)
    ]


def test_a_group_that_is_not_online_is_said_and_judges_nothing(broker):
    body = rows(query(broker, index=16, count=1, consumer_group="g2"))
    assert body.filter_data == "g2@T is not online!"
    assert [row.eval for row in body.queue_data] == [False]
    body = rows(query(broker, index=29, count=5))
    assert (body.filter_data, len(body.queue_data)) == (None, 1)


def test_a_group_by_tags_is_judged_by_its_tags(broker):
    subscriptions = [requests.subscription("T", "TagB")]
    broker.connect().call(requests.heartbeat("c", {"g3": subscriptions}))
    body = rows(query(broker, consumer_group="g3"))
    assert body.filter_data == "null"
    assert sum(row.eval for row in body.queue_data) == 9


def test_what_is_not_there_is_said(broker):
    answer = query(broker, index=30)
    assert (answer.code, answer.remark) == (0, "Index 30 of 0@T is not exist!")
    answer = query(broker, queue_id=7)
    assert (answer.code, answer.remark) == (1, "7@T is not exist!")
    assert rows(query(broker, count=0)).queue_data == []


def test_a_queue_without_extension_units_shows_its_tags(broker):
    broker.state.config.enable_calc_filter_bit_map = False
    client = broker.connect()
    client.call(requests.send("U", properties="UNIQ_KEY\x01K\x02TAGS\x01A\x02"))
    (row,) = rows(query(broker, topic="U")).queue_data
    assert json.loads(row.extend_data_json)["tagsCode"] == 65
    assert row.bit_map is None


def test_javas_queue_is_gone_on_with_and_its_bit_maps_serve_pulls(broker):
    join(broker, version_of(broker))
    client = broker.connect()
    for n in (2, 7):
        text = f"UNIQ_KEY\x01K{n}\x02TAGS\x01TagA\x02n\x01{n}\x02"
        assert client.call(requests.send("T", properties=text)).code == 0
    body = rows(query(broker, index=30, consumer_group="g1"))
    assert [row.eval for row in body.queue_data] == [False, True]
    assert body.queue_data[1].bit_map == BITS_TEXT
    pull = requests.pull("T", consumer_group="g1", sys_flag=0, sub_version=version_of(broker))
    found = [int(m.properties["n"]) for m in iter_messages(client.call(pull).body)]
    assert found == [6, 9] * 3 + [7]
