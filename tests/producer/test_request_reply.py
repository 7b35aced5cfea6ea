"""Asking another client: what a request says, whose answer ends it, what is raised without one."""

import re
from random import Random

import pytest
import trio

from rmqwire.client.message_ext import MessageExt
from rmqwire.codec import headers as h
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.compression import CompressionType, compress
from rmqwire.codec.message import Message, StoredMessage
from rmqwire.codec.properties import decode_properties
from rmqwire.errors import BrokerError, ConnectFailed, RequestTimeout, RouteNotFound, UsageError
from rmqwire.producer.producer import Producer
from rmqwire.producer.request_reply import reply_to
from tests.client.fake_cluster import NAMESRV, FakeCluster, broker_addr

R = RequestCode
NOW = 1_700_000_000_000


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.add_topic("Q", queue_nums=1)
    cluster.add_topic("C_REPLY_TOPIC", queue_nums=1)
    return cluster


def producer(cluster, **config):
    return Producer(
        "pg",
        namesrv_addr=NAMESRV,
        remoting=cluster.remoting,
        wall_ms=lambda: NOW,
        rng=Random(7),
        **config,
    )


def push(cluster, correlation_id, body=b"answer", **fields):
    """Push an answer to every client, as a broker does."""
    values = {
        "producer_group": "other",
        "topic": "C_REPLY_TOPIC",
        "default_topic": "TBW102",
        "default_topic_queue_nums": 4,
        "queue_id": 0,
        "sys_flag": 0,
        "born_timestamp": NOW - 5,
        "flag": 3,
        "properties": f"MSG_TYPE\x01reply\x02CORRELATION_ID\x01{correlation_id}\x02",
        "reconsume_times": 0,
        "unit_mode": False,
        "born_host": "10.0.0.7:4000",
        "store_host": "10.0.0.97:10911",
        "store_timestamp": NOW - 3,
    } | fields
    header = h.ReplyMessageRequestHeader(**values)
    ((_, answer),) = cluster.tell(R.PUSH_REPLY_MESSAGE_TO_CLIENT, header, body).replies
    return answer


async def asked(cluster):
    """Wait for a request to be stored and return its properties."""
    while not cluster.queues["a", "Q", 0]:  # noqa: ASYNC110  the cluster knows no events
        await trio.sleep(0.01)
    return cluster.queues["a", "Q", 0][-1].properties


async def test_a_request_says_who_asks_and_gets_the_answer(cluster, autojump_clock):
    async with producer(cluster) as p, trio.open_nursery() as nursery:

        async def serve():
            properties = await asked(cluster)
            assert properties["REPLY_TO_CLIENT"] == p.client_id
            assert properties["TTL"] == "9000"
            assert re.fullmatch(
                r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", properties["CORRELATION_ID"]
            )
            await trio.sleep(1)
            answer = push(cluster, properties["CORRELATION_ID"])
            assert (answer.code, answer.remark, answer.ext_fields) == (0, None, None)

        nursery.start_soon(serve)
        answer = await p.request(Message("Q", b"question"), timeout_ms=9_000)
    assert (answer.body, answer.topic, answer.flag) == (b"answer", "C_REPLY_TOPIC", 3)
    assert (answer.born_host, answer.store_host) == (("10.0.0.7", 4000), ("10.0.0.97", 10911))
    assert answer.properties["ARRIVE_TIME"] == str(NOW)
    assert cluster.heartbeats, "brokers know the one who asks before it asks"
    first = next(i for i, (_, c) in enumerate(cluster.requests) if c.code == R.HEART_BEAT)
    send = next(i for i, (_, c) in enumerate(cluster.requests) if c.code == R.SEND_MESSAGE_V2)
    assert first < send


async def test_an_answer_may_come_before_the_broker_s(cluster, autojump_clock):
    """Even when that is lost: whoever answered has the request."""
    cluster.faults.append(
        lambda _, command: answer_first(command) if command.code == R.SEND_MESSAGE_V2 else None
    )

    def answer_first(command):
        properties = decode_properties(command.ext_fields["i"])
        push(cluster, properties["CORRELATION_ID"], b"early")
        return (1, "no")

    async with producer(cluster, retry_times_when_send_failed=0) as p:
        assert (await p.request(Message("Q", b"question"))).body == b"early"


async def test_without_an_answer_it_says_that_the_request_was_sent(cluster, autojump_clock, caplog):
    async with producer(cluster) as p:
        began = trio.current_time()
        words = "send request message to <Q> OK, but wait reply message timeout, 2000 ms."
        with pytest.raises(RequestTimeout, match=re.escape(words)) as raised:
            await p.request(Message("Q", b"question"), timeout_ms=2_000)
        assert raised.value.maybe_stored
        assert trio.current_time() - began == pytest.approx(2, abs=0.1)
        late = cluster.queues["a", "Q", 0][0].properties["CORRELATION_ID"]
        assert push(cluster, late).code == 0
        assert f"not matched any request, CorrelationId: {late}" in caplog.text


async def test_a_request_that_is_not_sent_raises_as_a_send_does(cluster, autojump_clock):
    async with producer(cluster) as p:
        with pytest.raises(RouteNotFound):
            await p.request(Message("nowhere", b"question"))
        cluster.down.add(broker_addr("a"))
        with pytest.raises(ConnectFailed):
            await p.request(Message("Q", b"question"))
        cluster.down.clear()
        cluster.faults.append(lambda _, c: (14, "no") if c.code == R.SEND_MESSAGE_V2 else None)
        with pytest.raises(BrokerError):
            await p.request(Message("Q", b"question"))


async def test_a_compressed_answer_and_one_that_cannot_be_read(cluster, autojump_clock, caplog):
    async with producer(cluster) as p, trio.open_nursery() as nursery:

        async def serve():
            correlation_id = (await asked(cluster))["CORRELATION_ID"]
            refused = push(cluster, correlation_id, born_host="nonsense")
            assert (refused.code, refused.remark) == (1, "process reply message fail")
            body = compress(b"long", CompressionType.ZLIB, 5)
            push(cluster, correlation_id, body, sys_flag=1)

        nursery.start_soon(serve)
        assert (await p.request(Message("Q", b"question"))).body == b"long"
    assert "can't be read" in caplog.text


def request_of(**properties):
    return MessageExt.of(StoredMessage("Q", b"question", properties), "a")


async def test_a_reply_is_sent_as_one(cluster, autojump_clock):
    request = request_of(CLUSTER="C", CORRELATION_ID="c1", REPLY_TO_CLIENT="who", TTL="9000")
    reply = reply_to(request, b"answer")
    sent = []

    def fault(addr, command):
        if command.code == R.SEND_REPLY_MESSAGE_V2:
            sent.append(command)
            return (1, "push reply message fail, channel of <who> not found.")
        return None

    cluster.faults.append(fault)
    async with producer(cluster, retry_times_when_send_failed=0) as p:
        with pytest.raises(BrokerError, match="channel of <who> not found"):
            await p.send(reply)
    (command,) = sent
    assert command.ext_fields["b"] == "C_REPLY_TOPIC"
    properties = decode_properties(command.ext_fields["i"])
    assert properties.pop("UNIQ_KEY")
    assert properties == {
        "MSG_TYPE": "reply",
        "CORRELATION_ID": "c1",
        "REPLY_TO_CLIENT": "who",
        "TTL": "9000",
    }


def test_what_is_no_request_has_no_reply():
    with pytest.raises(UsageError, match=r"property\[CLUSTER\] is null"):
        reply_to(request_of(CORRELATION_ID="c1"), b"answer")
    with pytest.raises(UsageError, match="is no request: it has no CORRELATION_ID"):
        reply_to(request_of(CLUSTER="C"), b"answer")
