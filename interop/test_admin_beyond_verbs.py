"""What `Admin` asks and no verb of mqadmin does, asked of Java's broker: Java's own admin is told the same.

``-m optin``. The calls about cold data have verbs, which test_admin_verbs runs.
"""

from __future__ import annotations

import json
import uuid
from functools import partial
from typing import Any

import pytest
import trio

from interop.listeners import Collector, until
from interop.peer import Peer
from interop.wire import ask
from rmqwire import (
    LocalTransactionState,
    Message,
    MessageQueue,
    PullConsumer,
    PushConsumer,
    TransactionProducer,
)
from rmqwire.admin.admin import open_admin
from rmqwire.codec.bodies import SubscriptionGroupConfig
from rmqwire.codec.bodies.base import Body
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.release import release_named

pytestmark = pytest.mark.optin
VOLATILE = {"delayTime", "subVersion", "dataVersion"}
HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC"


def plain(value: Any) -> Any:
    """Return a body, or what Java's JSON says of one, without what the moment decides, in any order."""
    if isinstance(value, Body):
        value = json.loads(value.encode(standard=True))
    if isinstance(value, dict):
        return {
            name: plain(one)
            for name, one in value.items()
            if name not in VOLATILE and one is not None
        }
    if isinstance(value, list):
        return sorted(map(plain, value), key=json.dumps)
    return value


async def test_answers_are_javas(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    namesrv, group = java_namesrv, f"beyond_{uuid.uuid4().hex[:8]}"
    five = version != "4.9.7"
    json_peer.produce(namesrv, topic, 6, queue=0, seed=1)
    with json_peer.consume(namesrv, topic, group=group) as consumer:
        assert len(consumer.take(6)) == 6  # its offsets are kept when it ends
    json_peer.mqadmin("updateKvConfig", "-n", namesrv, "-s", "SPACE", "-k", "key", "-v", "tea")
    with json_peer.consume(namesrv, topic, "TagA || TagB", group=group):
        async with open_admin(namesrv, release=release_named(version)) as admin:
            (addr,) = await admin.masters()

            async def java(method: str, *words: str) -> Any:
                text = await trio.to_thread.run_sync(json_peer.ask, namesrv, method, *words)
                return plain(json.loads(text))

            topics = await admin.fetch_topics_by_cluster("DefaultCluster")
            assert plain({"topicList": topics}) == await java(
                "getTopicsByCluster", "DefaultCluster"
            )
            spans = await admin.query_consume_time_span(topic, group)
            assert plain(spans) == await java("queryConsumeTimeSpan", addr, topic, group)
            assert await admin.groups_of(topic) == [group]
            assert (await java("queryTopicConsumeByWho", addr, topic))["groupList"] == [group]
            stats = await admin.view_broker_stats(addr, "TOPIC_PUT_NUMS", topic)
            assert (
                plain(stats).keys()
                == (await java("viewBrokerStatsData", addr, "TOPIC_PUT_NUMS", topic)).keys()
            )
            assert await admin.get_kv_config("SPACE", "key") == "tea"
            assert await java("getKVConfigValue", "SPACE", "key") == "tea"
            assert await admin.get_kv_config("SPACE", "nowhere") is None
            if five:
                config = await admin.examine_topic_config(addr, topic)
                assert plain(config) == await java("getTopicConfig", addr, topic)
                found = await java("queryTopicsByConsumer", addr, group)
                assert await admin.query_topics_by_consumer(group) == found["topicList"]
                told = await admin.query_subscription(group, topic)
                assert told is not None
                assert plain(told) == await java("querySubscriptionByConsumer", addr, group, topic)
                assert sorted(told.tags_set) == ["TagA", "TagB"]


async def test_an_offset_is_set_and_a_group_forbidden_to_read(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    group = f"beyond_{uuid.uuid4().hex[:8]}"
    settings: dict[str, Any] = {"namesrv_addr": java_namesrv, "release": release_named(version)}
    json_peer.produce(java_namesrv, topic, 4, queue=1, seed=2)
    async with open_admin(java_namesrv, release=release_named(version)) as admin:
        (addr,) = await admin.masters()
        name = (await admin.known_route(topic)).broker_datas[0].broker_name
        queue = MessageQueue(topic, name, 1)
        await admin.update_sub_group(addr, SubscriptionGroupConfig(group_name=group))
        await admin.update_consume_offset(addr, group, queue, 3)
        assert await admin.search_offset(addr, topic, 1, 0) == 0
        async with PullConsumer(group, **settings) as puller:
            assert await puller.fetch_consume_offset(queue) == 3
        if version == "4.9.7":
            return  # it forbids nothing
        forbid = partial(admin.update_and_get_group_read_forbidden, addr, group, topic)
        assert (await forbid()).readable
        assert not (await forbid(readable=False)).readable
        consumer, collector = PushConsumer(group, **settings), Collector()
        consumer.subscribe(topic, "*", collector)
        async with consumer:
            words = "is forbidden for topic"
            await until(lambda: words in str(consumer.health.problems), "the broker refuses it", 30)
            assert collector.received == []
            assert (await forbid(readable=True)).readable
            assert [one["queueOffset"] for one in await collector.take(1)] == [3]


async def test_a_half_message_is_checked_again(java_namesrv: str, version: str, topic: str) -> None:
    """Java puts it into its topic once more, as one that hasn't been asked about."""
    settings: dict[str, Any] = {"namesrv_addr": java_namesrv, "release": release_named(version)}

    def unknown(*_: object) -> LocalTransactionState:
        return LocalTransactionState.UNKNOW

    async with (
        TransactionProducer(f"half_{uuid.uuid4().hex[:8]}", check=unknown, **settings) as producer,
        open_admin(java_namesrv, release=release_named(version)) as admin,
    ):
        half = await producer.send_in_transaction(Message(topic, b"tea"), unknown)
        (addr,) = await admin.masters()
        end = end_of_halves(addr)
        await admin.resume_check_half_message(HALF_TOPIC, half.offset_msg_id)
        assert end_of_halves(addr) > end


def end_of_halves(addr: str) -> int:
    fields = {"topic": HALF_TOPIC, "queueId": "0"}
    answer = ask(addr, RemotingCommand(RequestCode.GET_MAX_OFFSET, fields))
    return int((answer.ext_fields or {})["offset"])
