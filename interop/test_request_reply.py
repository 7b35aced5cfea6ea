"""Requests of Java's client answered by ours, and the other way round, at a broker of either kind."""

from __future__ import annotations

import uuid
from functools import partial

import pytest
import trio

from interop.client_program import ClientError
from interop.peer import Peer
from rmqwire import (
    Message,
    MessageExt,
    Producer,
    PushConsumer,
    RequestTimeout,
    reply_to,
)
from rmqwire.codec.release import release_named


async def test_java_asks_and_we_answer(
    namesrv: str, version: str, peer: Peer, new_topic: str
) -> None:
    release = release_named(version)
    config = {"namesrv_addr": namesrv, "release": release, "serialize_type": peer.serialize}
    group = f"rpc_{uuid.uuid4().hex[:8]}"
    async with (
        Producer("answers", **config) as producer,
        PushConsumer(group, consume_from_where="CONSUME_FROM_FIRST_OFFSET", **config) as ours,
        trio.open_nursery() as nursery,
    ):
        ours.subscribe(new_topic)

        async def serve() -> None:
            async for delivery in ours:
                async with delivery:
                    if "CORRELATION_ID" in delivery.properties:  # not what has made the topic
                        await producer.send(reply_to(delivery, b"Python: " + delivery.body))

        nursery.start_soon(serve)
        ask = partial(peer.call, "rpc-request", namesrv, new_topic)
        for body in ("one", "two"):
            (answer,) = await trio.to_thread.run_sync(partial(ask, body, 20_000))
            assert answer == {"answer": f"Python: {body}"}
        nursery.cancel_scope.cancel()


async def test_we_ask_and_java_answers(
    namesrv: str, version: str, json_peer: Peer, new_topic: str
) -> None:
    name = uuid.uuid4().hex[:8]
    await trio.to_thread.run_sync(
        json_peer.call, "rpc-serve", name, namesrv, f"rpc_{name}", new_topic
    )
    try:
        async with Producer(
            "asks",
            namesrv_addr=namesrv,
            release=release_named(version),
        ) as producer:
            answers: list[MessageExt] = []

            async def ask(number: int) -> None:
                request = Message(new_topic, f"question {number}".encode())
                answer = await producer.request(request, timeout_ms=20_000)
                assert answer.body == f"Java: question {number}".encode()
                answers.append(answer)

            await until_served(producer, new_topic)
            async with trio.open_nursery() as nursery:
                for number in range(8):
                    nursery.start_soon(ask, number)
            assert len(answers) == 8
            assert {answer.topic for answer in answers} == {"DefaultCluster_REPLY_TOPIC"}
            assert all(answer.properties["PUSH_REPLY_TIME"] for answer in answers)
    finally:
        await trio.to_thread.run_sync(json_peer.call, "rpc-stop", name)


async def until_served(producer: Producer, topic: str) -> None:
    """Ask until Java has its queues and knows the way back: an answer that it can't send is lost."""
    with trio.fail_after(60):
        while True:
            try:
                await producer.request(Message(topic, b"ready?"), timeout_ms=10_000)
            except RequestTimeout:
                continue
            return


async def test_a_request_that_nobody_answers(
    namesrv: str, version: str, json_peer: Peer, new_topic: str
) -> None:
    async with Producer("asks", namesrv_addr=namesrv, release=release_named(version)) as producer:
        with pytest.raises(RequestTimeout, match="OK, but wait reply message timeout, 500 ms"):
            await producer.request(Message(new_topic, b"hello?"), timeout_ms=500)
    with pytest.raises(ClientError, match=r"RequestTimeoutException.*wait reply message timeout"):
        await trio.to_thread.run_sync(
            json_peer.call, "rpc-request", namesrv, new_topic, "hello?", 500
        )
