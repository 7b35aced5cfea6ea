"""The clients of other colours on a Java cluster: threads and asyncio in one group with Java."""

from __future__ import annotations

import asyncio
import threading

from interop.peer import Peer
from rmqwire import aio, blocking

COUNT = 200
LIMIT_S = 60.0


def test_threads_and_asyncio_send_what_java_gets(
    java_namesrv: str, json_peer: Peer, topic: str
) -> None:
    async def send() -> list[str]:
        async with aio.Producer("aio_writers", namesrv_addr=java_namesrv) as producer:
            sends = (producer.send(aio.Message(topic, b"a%d" % n)) for n in range(COUNT))
            return [one.msg_id for one in await asyncio.gather(*sends)]

    with json_peer.consume(java_namesrv, topic) as consumer:
        ids = asyncio.run(send())
        with blocking.Producer("blocking_writers", namesrv_addr=java_namesrv) as producer:
            futures = [
                producer.send_soon(blocking.Message(topic, b"b%d" % n)) for n in range(COUNT)
            ]
            ids += [one.result(LIMIT_S).msg_id for one in futures]
        received = consumer.take(2 * COUNT)
    assert len(set(ids)) == 2 * COUNT
    bodies = {bytes.fromhex(one["body"]) for one in received}
    assert bodies == {b"%s%d" % (c, n) for c in (b"a", b"b") for n in range(COUNT)}


def test_threads_and_asyncio_get_what_java_sends(
    java_namesrv: str, json_peer: Peer, topic: str
) -> None:
    group, seen, lock = f"G_{topic}", set[bytes](), threading.Lock()
    both: set[str] = set()

    def took(colour: str, messages: list[blocking.MessageExt]) -> int:
        with lock:
            both.add(colour)
            seen.update(one.body for one in messages)
            return len(seen)

    def listener(messages: list[blocking.MessageExt]) -> blocking.ConsumeStatus:
        took("threads", messages)
        return blocking.ConsumeStatus.CONSUME_SUCCESS

    async def consume() -> None:
        consumer = aio.PushConsumer(
            group, namesrv_addr=java_namesrv, consume_from_where="CONSUME_FROM_FIRST_OFFSET"
        )
        consumer.subscribe(topic)
        async with consumer:
            async for delivery in consumer:
                async with delivery:
                    took("asyncio", [delivery])
                if len(seen) == COUNT:
                    return

    consumer = blocking.PushConsumer(
        group, namesrv_addr=java_namesrv, consume_from_where="CONSUME_FROM_FIRST_OFFSET"
    )
    consumer.subscribe(topic, "*", listener)
    with consumer:
        sending = threading.Timer(5, lambda: json_peer.produce(java_namesrv, topic, COUNT))
        sending.start()

        async def limited() -> None:
            async with asyncio.timeout(LIMIT_S):
                waiting = asyncio.create_task(consume())
                while len(seen) < COUNT:  # noqa: ASYNC110  threads add to it too
                    await asyncio.sleep(0.05)
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)

        asyncio.run(limited())
        sending.join()
    assert len(seen) == COUNT
    assert both == {"threads", "asyncio"}
