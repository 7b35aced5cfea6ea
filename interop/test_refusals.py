"""What Java's brokers refuse, caught by class; what may be stored all the same; why nothing comes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import trio

from interop.listeners import Collector
from interop.peer import Peer
from interop.processes import wait_until
from interop.wire import ask
from rmqwire import BrokerError, Message, MessageQueue, Producer, PushConsumer, SendFailed
from rmqwire.broker_errors import (
    BrokerSystemError,
    InvalidParameter,
    MessageIllegal,
    TopicNotExist,
)
from rmqwire.codec import RemotingCommand
from rmqwire.codec.bodies import TopicRouteData
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.release import release_named
from rmqwire.remoting.client import RemotingClient, connect_tcp


def route(namesrv: str, topic: str) -> TopicRouteData:
    request = RemotingCommand(RequestCode.GET_ROUTEINFO_BY_TOPIC, {"topic": topic})
    return TopicRouteData.decode(bytes(ask(namesrv, request).body))


def producer(namesrv: str, version: str, **settings: Any) -> Producer:
    release = release_named(version)
    return Producer("py_refused", namesrv_addr=namesrv, release=release, **settings)


def set_perm(json_peer: Peer, namesrv: str, topic: str, perm: int) -> None:
    json_peer.mqadmin(
        "updateTopicPerm", "-n", namesrv, "-c", "DefaultCluster", "-t", topic, "-p", str(perm)
    )
    wait_until(
        lambda: {data.perm for data in route(namesrv, topic).queue_datas} == {perm}, "perm", 15
    )


async def test_a_refused_send_raises_the_class_of_its_code(
    java_namesrv: str, version: str, topic: str
) -> None:
    """A topic made from one without inheritance; a queue too far; 5 MiB."""
    broker = route(java_namesrv, topic).broker_datas[0].broker_name
    seen: list[type[BrokerError]] = []

    async def refused(client: Producer, message: Message, **how: Any) -> BrokerError:
        with pytest.raises(BrokerError) as caught:
            await client.send(message, **how)
        seen.append(type(caught.value))
        return caught.value

    async with producer(java_namesrv, version, create_topic_key=topic) as client:
        error = await refused(client, Message(f"T_{uuid.uuid4().hex[:8]}", b"x"))
        assert [type(attempt.error) for attempt in error.attempts] == [TopicNotExist] * 3
        assert {attempt.addr for attempt in error.attempts} == {error.addr}
        assert not error.maybe_stored
    async with producer(java_namesrv, version, max_message_size=8 << 20) as client:
        await refused(client, Message(topic, b"x"), queue=MessageQueue(topic, broker, 99))
        await refused(client, Message(topic, Random(1).randbytes(5 << 20)))
    illegal_queue = BrokerSystemError if version == "4.9.7" else InvalidParameter
    assert seen == [TopicNotExist, illegal_queue, MessageIllegal]


class Deaf(trio.abc.Stream):
    """A connection on which a send goes out and the answer never arrives."""

    def __init__(self, stream: trio.abc.Stream, is_send: Callable[[bytes], bool]) -> None:
        self._stream = stream
        self._is_send = is_send
        self._sent = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self._sent = self._sent or self._is_send(bytes(data))
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        data = await self._stream.receive_some(max_bytes)
        if self._sent:
            raise trio.BrokenResourceError("the link broke")
        return data

    async def aclose(self) -> None:
        await self._stream.aclose()


async def test_a_send_whose_answer_is_lost_is_stored_and_says_that_it_may_be(
    java_namesrv: str, version: str, topic: str
) -> None:
    async def connect(host: str, port: int) -> trio.abc.Stream:
        return Deaf(await connect_tcp(host, port), lambda data: b"answer is lost" in data)

    async with producer(
        java_namesrv,
        version,
        retry_times_when_send_failed=0,
        remoting=lambda handlers, connected: RemotingClient(
            handlers, connect=connect, on_connect=connected
        ),
    ) as client:
        with pytest.raises(SendFailed) as caught:
            await client.send(Message(topic, b"answer is lost"))
    assert caught.value.maybe_stored
    collector = Collector()
    async with PushConsumer(
        f"py_group_{uuid.uuid4().hex[:8]}",
        namesrv_addr=java_namesrv,
        release=release_named(version),
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
    ) as consumer:
        consumer.subscribe(topic, "*", collector)
        assert [message["body"] for message in await collector.take(1)] == [b"answer is lost".hex()]


async def test_a_consumer_says_why_nothing_of_a_java_broker_comes(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    set_perm(json_peer, java_namesrv, topic, 2)
    async with PushConsumer(
        f"py_group_{uuid.uuid4().hex[:8]}",
        namesrv_addr=java_namesrv,
        release=release_named(version),
    ) as consumer:
        consumer.subscribe(topic, "*", Collector())
        consumer.subscribe("Mistyped", "*", Collector())
        await trio.sleep(3)
        problems = consumer.health.problems
        heartbeats = consumer.health.heartbeats
    assert "has perm 2" in problems[topic]
    assert "no name server knows topic Mistyped" in problems["Mistyped"]
    assert {sign.error for sign in heartbeats.values()} == {None}
