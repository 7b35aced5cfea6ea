"""What groups have done with a message, asked of a cluster in this loop."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
import trio

from rmqwire import ConsumeStatus, Message, Producer, PullConsumer, PushConsumer
from rmqwire.admin.admin import Admin
from rmqwire.admin.message_query import MessageTrack
from rmqwire.broker_errors import NoPermission
from rmqwire.client.message_queries import LONG_MAX
from rmqwire.codec.bodies import BrokerData, MessageQueue, TopicRouteData
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.headers import QueryMessageRequestHeader, QueryMessageResponseHeader
from rmqwire.codec.message_id import encode_offset_id
from rmqwire.remoting.client import RemotingClient
from rmqwire.testing import trio_cluster
from tests.admin.support import BROKER, NAMESRV, Answers, ask

FIRST = {"consume_from_where": "CONSUME_FROM_FIRST_OFFSET"}


async def forever(_):
    await trio.sleep_forever()


def done(_):
    return ConsumeStatus.CONSUME_SUCCESS


async def test_each_group_s_part_in_a_message_is_told(autojump_clock):
    async with trio_cluster() as rmq, RemotingClient() as client, AsyncExitStack() as stack:
        namesrv = {"namesrv_addr": rmq.namesrv_addr}
        admin = Admin(client, rmq.namesrv_addr)
        await rmq.create_topic("Orders", queues=1)
        async with Producer("writers", **namesrv) as producer:
            await producer.send(Message("Orders", b"tea", tags="a"))
        for group, tags, listener, more in (
            ("eaters", "a || b", done, {}),
            ("others", "b", done, {}),
            ("slow", "*", forever, {"consume_timeout": 999}),
            ("viewers", "*", done, {"message_model": "BROADCASTING"}),
        ):
            consumer = PushConsumer(group, **namesrv, **FIRST, **more)
            consumer.subscribe("Orders", tags, listener)
            await stack.enter_async_context(consumer)
        puller = PullConsumer("pullers", **namesrv)
        puller.register_topic("Orders")
        await stack.enter_async_context(puller)
        await trio.sleep(25)  # heartbeats, and offsets that are committed
        ((addr, queue),) = await admin.read_queues("Orders")
        await rmq.create_group("nobody")
        await admin._api.update_consumer_offset(addr, "nobody", queue, 1, oneway=False)
        (message,) = await rmq.messages("Orders")
        tracks = {one.consumer_group: one for one in await admin.message_track(message)}
        assert {group: one.track_type for group, one in tracks.items()} == {
            "eaters": "CONSUMED",
            "others": "CONSUMED_BUT_FILTERED",
            "slow": "NOT_CONSUME_YET",
            "viewers": "CONSUME_BROADCASTING",
            "pullers": "PULL",
            "nobody": "UNKNOWN",
        }
        assert "%RETRY%nobody" in tracks["nobody"].exception_desc
        assert str(tracks["eaters"]) == (
            "MessageTrack [consumerGroup=eaters, trackType=CONSUMED, exceptionDesc=null]"
        )


async def test_an_id_of_a_record_that_is_not_there_is_looked_for_as_a_producer_s(autojump_clock):
    async with trio_cluster() as rmq, RemotingClient() as client:
        admin = Admin(client, rmq.namesrv_addr)
        await rmq.create_topic("Orders", queues=1)
        (addr,) = await admin.masters()
        host, _, port = addr.rpartition(":")
        odd = Message("Orders", b"tea")
        odd.properties["UNIQ_KEY"] = encode_offset_id(host, int(port), 1 << 40)
        async with Producer("writers", namesrv_addr=rmq.namesrv_addr) as producer:
            await producer.send(odd)
        found = await admin.query_msg_by_id("Orders", odd.properties["UNIQ_KEY"])
        assert found.body == b"tea"
        elsewhere = await admin.query_msg_by_unique_key("Orders", found.msg_id, cluster="Nowhere")
        assert elsewhere == []
        rmq.fail_next("PULL_MESSAGE", "NO_PERMISSION")
        with pytest.raises(NoPermission):
            await admin.query_msg_by_offset(MessageQueue("Orders", "broker-a", 0), 0)


def test_a_track_says_why_it_knows_nothing():
    assert str(MessageTrack("g", "NOT_ONLINE", "CODE:206 DESC:x")).endswith(
        "exceptionDesc=CODE:206 DESC:x]"
    )


def test_a_unique_key_is_looked_for_whatever_the_message_s_age():
    route = TopicRouteData(broker_datas=[BrokerData("c", "a", {0: BROKER})]).encode()

    def nothing(request):
        header = QueryMessageResponseHeader(
            index_last_update_timestamp=0, index_last_update_phyoffset=0
        )
        return request.create_response(int(ResponseCode.QUERY_NOT_FOUND), "none", header=header)

    answers = Answers(
        {
            (NAMESRV, RequestCode.GET_ROUTEINFO_BY_TOPIC): route,
            (BROKER, RequestCode.QUERY_MESSAGE): nothing,
        }
    )
    assert ask(answers, "query_msg_by_unique_key", "Orders", "ID") == []
    (_, request) = answers.asked[-1]
    header = request.decode_header(QueryMessageRequestHeader)
    assert (header.begin_timestamp, header.end_timestamp) == (0, LONG_MAX)
    assert request.ext_fields["_UNIQUE_KEY_QUERY"] == "true"  # 4.9 knows no index type
