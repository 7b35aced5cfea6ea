"""The asyncio clients under a load: ``python -m bench.clients.aio_client``."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator

from bench.clients.load import BATCH, Consuming, Meter, Sending, serve
from rmqwire.aio import ConsumeStatus, Message, Producer, PushConsumer


async def send(load: Sending) -> Meter:
    meter = Meter()
    async with Producer("bench", namesrv_addr=load.namesrv) as producer:
        await producer.send(Message(load.topic, load.body))  # connected
        meter.begin()
        end = meter.began + int(load.seconds * 1e9)
        if load.mode == "async":
            await _send_soon(producer, load, meter, end)
        else:
            each = (_send_each(producer, load, meter, end) for _ in range(load.in_flight))
            await asyncio.gather(*each)
        meter.end()
    meter.messages = len(meter.times) * (BATCH if load.mode == "batch" else 1)
    return meter


async def _send_each(producer: Producer, load: Sending, meter: Meter, end: int) -> None:
    topic, body, times = load.topic, load.body, meter.times
    size = BATCH if load.mode == "batch" else 1
    while (now := time.perf_counter_ns()) < end:
        if size == 1:
            await producer.send(Message(topic, body))
        else:
            await producer.send([Message(topic, body) for _ in range(size)])
        times.append(time.perf_counter_ns() - now)


async def _send_soon(producer: Producer, load: Sending, meter: Meter, end: int) -> None:
    topic, body, times = load.topic, load.body, meter.times
    begun: deque[int] = deque()

    def messages() -> Iterator[Message]:
        while (now := time.perf_counter_ns()) < end:
            begun.append(now)
            yield Message(topic, body)

    async for sent in producer.send_many(messages(), in_flight=load.in_flight):
        sent.result()
        times.append(time.perf_counter_ns() - begun.popleft())


async def consume(load: Consuming) -> Meter:
    meter, over = Meter(), asyncio.Event()

    async def listener(messages: list) -> ConsumeStatus:
        meter.count(len(messages))
        if meter.messages >= load.count and not over.is_set():
            meter.end()
            over.set()
        return ConsumeStatus.CONSUME_SUCCESS

    async with PushConsumer(
        load.group,
        namesrv_addr=load.namesrv,
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
        consume_message_batch_max_size=load.batch,
    ) as consumer:
        consumer.subscribe(load.topic, "*", listener)
        await over.wait()
    return meter


if __name__ == "__main__":
    serve(lambda load: asyncio.run(send(load)), lambda load: asyncio.run(consume(load)))
