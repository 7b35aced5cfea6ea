"""Spans of sends and of listeners' calls, with the SDK's exporter in memory."""

import asyncio
import threading

import pytest
import trio

from rmqwire import (
    ConsumeStatus,
    Message,
    MessageExt,
    Producer,
    PushConsumer,
    aio,
    blocking,
)
from rmqwire.broker_errors import NoPermission
from rmqwire.codec.message import StoredMessage
from rmqwire.testing import cluster, trio_cluster
from tests.consumer.support import FIRST, LATER, OK

pytest.importorskip("opentelemetry.sdk")
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from rmqwire.otel import SendTracing, processing, traced


class Spans:
    """What is recorded, and the tracer of the program."""

    def __init__(self):
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = self.provider.get_tracer("program")

    def named(self, name):
        return [span for span in self.exporter.get_finished_spans() if span.name == name]


@pytest.fixture
def spans():
    return Spans()


@pytest.fixture(scope="module")
def servers():
    with cluster() as made:
        yield made


@pytest.fixture
def rmq(servers):
    """Return a cluster whose topic has no messages: a new group gets what is there."""
    servers.reset()
    servers.create_topic("T", queues=1)
    return servers


async def one_send(spans, **config):
    async with trio_cluster() as rmq:
        await rmq.create_topic("T", queues=1)
        async with Producer(
            "pg", namesrv_addr=rmq.namesrv_addr, hooks=[SendTracing(spans.provider)], **config
        ) as producer:
            yield rmq, producer


@pytest.mark.parametrize("auto_batch", [False, True])
async def test_a_send_is_a_child_of_what_is_current_and_the_listener_of_the_send(
    spans, autojump_clock, auto_batch
):
    seen = []

    def listen(messages):
        seen.append(trace.get_current_span().get_span_context())
        return OK

    async for rmq, producer in one_send(spans, auto_batch=auto_batch):
        with spans.tracer.start_as_current_span("order"):
            result = await producer.send(Message("T", b"xyz", tags="a", keys="k l"))
        async with PushConsumer(
            "cg", namesrv_addr=rmq.namesrv_addr, consume_from_where=FIRST
        ) as consumer:
            consumer.subscribe("T", "*", traced(listen, spans.provider))
            with trio.fail_after(30):
                while not seen:  # noqa: ASYNC110  the listener makes it true
                    await trio.sleep(0.1)
    (order,), (send,), (process,) = map(spans.named, ("order", "send T", "process T"))
    assert send.parent.span_id == order.context.span_id
    assert process.parent.span_id == send.context.span_id
    assert (send.kind, process.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert seen == [process.context]
    assert dict(send.attributes) == {
        "messaging.system": "rocketmq",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "T",
        "messaging.destination.partition.id": "0",
        "messaging.message.id": result.msg_id,
        "messaging.message.body.size": 3,
        "messaging.rocketmq.message.tag": "a",
        "messaging.rocketmq.message.keys": ("k", "l"),
    }
    assert process.attributes["messaging.message.id"] == result.msg_id


async def test_a_send_that_fails_says_so_and_its_attempts_are_one_span(spans, autojump_clock):
    async for rmq, producer in one_send(spans):
        rmq.fail_next("SEND_MESSAGE", "SYSTEM_BUSY")
        await producer.send(Message("T", b"x"))
        rmq.fail_next("SEND_MESSAGE", NoPermission, times=9)
        with pytest.raises(NoPermission):
            await producer.send(Message("T", b"x"))
        await producer.send_oneway(Message("T", b"x"))
    good, bad, oneway = spans.named("send T")
    assert good.status.status_code is StatusCode.UNSET
    assert bad.status.status_code is StatusCode.ERROR
    assert bad.attributes["error.type"] == "NoPermission"
    assert oneway.status.status_code is StatusCode.UNSET


def messages(*traceparents):
    return [
        MessageExt.of(StoredMessage("T", b"x", {"traceparent": one} if one else {}, 0), "a")
        for one in traceparents
    ]


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_several_messages_are_linked_to_their_sends(spans):
    assert traced(lambda ms: OK, spans.provider)(messages(PARENT, None, PARENT)) is OK
    (span,) = spans.named("process T")
    assert span.parent is None
    assert [link.context.span_id for link in span.links] == [0xB7AD6B7169203331] * 2
    assert span.attributes["messaging.batch.message_count"] == 3


def test_what_comes_again_and_what_raises_are_errors(spans):
    def fail(messages):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError):
        traced(fail, spans.provider)(messages(PARENT))
    assert traced(lambda ms, context: LATER, spans.provider)(messages(PARENT), None) is LATER
    raised, later = spans.named("process T")
    assert (raised.status.status_code, later.status.status_code) == (StatusCode.ERROR,) * 2
    assert raised.attributes["error.type"] == "ZeroDivisionError"
    assert later.attributes["error.type"] == "RECONSUME_LATER"


async def test_async_listeners_stay_async_and_deliveries_have_blocks(spans):
    async def listen(messages):
        await trio.lowlevel.checkpoint()
        return ConsumeStatus.CONSUME_SUCCESS

    assert await traced(listen, spans.provider)(messages(PARENT)) is OK
    with processing(messages(PARENT)[0], spans.provider) as span:
        assert trace.get_current_span() is span
    assert len(spans.named("process T")) == 2


def test_threads(spans, rmq):
    seen, both = [], threading.Event()

    def listen(messages):
        seen.append(trace.get_current_span().get_span_context())
        if len(seen) == 2:
            both.set()
        return OK

    hooks = [SendTracing(spans.provider)]
    with (
        blocking.Producer("pg", namesrv_addr=rmq.namesrv_addr, hooks=hooks) as producer,
        blocking.PushConsumer("bg", namesrv_addr=rmq.namesrv_addr) as consumer,
    ):
        consumer.subscribe("T", "*", traced(listen, spans.provider))
        with spans.tracer.start_as_current_span("order"):
            producer.send(Message("T", b"1"))
            producer.send_soon(Message("T", b"2")).result()
        assert both.wait(20)
    (order,) = spans.named("order")
    sends = spans.named("send T")
    assert [one.parent.span_id for one in sends] == [order.context.span_id] * 2
    assert {one.span_id for one in seen} == {s.context.span_id for s in spans.named("process T")}


def test_asyncio(spans, rmq):
    seen = []

    async def listen(messages):
        await asyncio.sleep(0)
        seen.append(trace.get_current_span().get_span_context())
        return OK

    async def main():
        hooks = [SendTracing(spans.provider)]
        async with (
            aio.Producer("pg", namesrv_addr=rmq.namesrv_addr, hooks=hooks) as producer,
            aio.PushConsumer("ag", namesrv_addr=rmq.namesrv_addr) as consumer,
        ):
            consumer.subscribe("T", "*", traced(listen, spans.provider))
            with spans.tracer.start_as_current_span("order"):
                await producer.send(Message("T", b"1"))
                await producer.send_soon(Message("T", b"2"))
            async with asyncio.timeout(20):
                while len(seen) < 2:  # noqa: ASYNC110  the listener makes it true
                    await asyncio.sleep(0.02)

    asyncio.run(main())
    (order,) = spans.named("order")
    sends = spans.named("send T")
    assert [one.parent.span_id for one in sends] == [order.context.span_id] * 2
    parents = {span.parent.span_id for span in spans.named("process T")}
    assert {s.context.span_id for s in sends} == parents
