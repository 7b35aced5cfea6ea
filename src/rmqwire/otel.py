"""Spans of what is sent and consumed, by OpenTelemetry's API (``pip install 'rmqwire[otel]'``).

::

    producer = Producer("writers", hooks=[SendTracing()])
    consumer.subscribe("Topic", "*", traced(listener))

The same for trio, asyncio and threads. A send is a PRODUCER span, the child of what is current where the
message is sent; the message carries it as W3C ``traceparent``. A listener's call is a CONSUMER span: of a
single message the child of its send, of several messages it has a link to each of their sends. Without an SDK
nothing is recorded, but contexts that come along are passed on.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from inspect import isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, TypeVar

from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from rmqwire.client.message_ext import MessageExt
from rmqwire.consumer.listener import ConsumeOrderlyStatus, ConsumeStatus
from rmqwire.producer.hooks import SendHook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from opentelemetry.trace import Span, Tracer, TracerProvider
    from opentelemetry.util.types import AttributeValue

    from rmqwire.codec.message import NamedProperties
    from rmqwire.consumer.listener import Listener
    from rmqwire.producer.hooks import Sending

    Attributes = dict[str, AttributeValue]
    L = TypeVar("L", bound=Listener)

# OpenTelemetry's semantic conventions for messaging: their package is still in development.
SYSTEM: Final = "messaging.system"
OPERATION_NAME: Final = "messaging.operation.name"
OPERATION_TYPE: Final = "messaging.operation.type"
DESTINATION: Final = "messaging.destination.name"
PARTITION: Final = "messaging.destination.partition.id"
MESSAGE_ID: Final = "messaging.message.id"
BODY_SIZE: Final = "messaging.message.body.size"
MESSAGE_COUNT: Final = "messaging.batch.message_count"
TAG: Final = "messaging.rocketmq.message.tag"
KEYS: Final = "messaging.rocketmq.message.keys"
ERROR_TYPE: Final = "error.type"

GOOD = (
    ConsumeStatus.CONSUME_SUCCESS,
    ConsumeOrderlyStatus.SUCCESS,
    ConsumeOrderlyStatus.COMMIT,
)


def _tracer(provider: TracerProvider | None) -> Tracer:
    return trace.get_tracer("rmqwire", tracer_provider=provider)


class SendTracing(SendHook):
    """A span for each send, however many attempts it takes; give it to a producer's ``hooks``.

    Args:
        tracer_provider: whose tracer; None for the global one.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        self._tracer = _tracer(tracer_provider)

    def begin(self, sending: Sending) -> None:
        """Begin the span, and let the messages carry it."""
        messages = sending.messages
        topic = messages[0].topic
        attributes = _attributes("send", topic, messages)
        span = self._tracer.start_span(
            f"send {topic}", kind=SpanKind.PRODUCER, attributes=attributes
        )
        sending.notes[self] = span
        current = trace.set_span_in_context(span)
        for message in messages:
            propagate.inject(message.properties, context=current)

    def end(self, sending: Sending) -> None:
        """End it."""
        span = sending.notes.get(self)
        if not isinstance(span, trace.Span):
            return
        if sending.result is not None:
            result = sending.result
            span.set_attribute(PARTITION, str(result.message_queue.queue_id))
            if len(sending.messages) == 1:
                span.set_attribute(MESSAGE_ID, result.msg_id)
        if sending.error is not None:
            _failed(span, sending.error)
        span.end()


def traced(listener: L, tracer_provider: TracerProvider | None = None) -> L:
    """Return a listener of whose calls each has a span, which is current meanwhile.

    Args:
        listener: plain or async, with a context or without.
        tracer_provider: whose tracer; None for the global one.
    """
    function: Callable[..., Any] = listener

    def call(messages: list[MessageExt], *context: object) -> object:
        with processing(messages, tracer_provider) as span:
            status = function(messages, *context)
            _tell(span, status)
            return status

    async def call_async(messages: list[MessageExt], *context: object) -> object:
        with processing(messages, tracer_provider) as span:
            status = function(messages, *context)
            status = await status if isawaitable(status) else status
            _tell(span, status)
            return status

    wrapper: Any = wraps(function)(call_async if iscoroutinefunction(function) else call)
    return wrapper  # type: ignore[no-any-return]


@contextmanager
def processing(
    messages: MessageExt | Sequence[MessageExt], tracer_provider: TracerProvider | None = None
) -> Iterator[Span]:
    """Have a span, which is current in the block, for a delivery, a batch, or what a poll brought.

    ::

        async for delivery in consumer:
            async with delivery:
                with processing(delivery):
                    ...

    Args:
        messages: one message, or at least one of the same topic.
        tracer_provider: whose tracer; None for the global one.
    """
    several = [messages] if isinstance(messages, MessageExt) else messages
    topic = several[0].topic
    senders = [propagate.extract(message.properties) for message in several]
    parent, links = None, []
    if len(several) == 1:
        parent = senders[0]
    else:
        found = (trace.get_current_span(sender).get_span_context() for sender in senders)
        links = [Link(one) for one in found if one.is_valid]
    span = _tracer(tracer_provider).start_span(
        f"process {topic}",
        context=parent,
        kind=SpanKind.CONSUMER,
        attributes=_attributes("process", topic, several),
        links=links,
    )
    token = contexts.attach(trace.set_span_in_context(span, parent))
    try:
        yield span
    except BaseException as error:
        _failed(span, error)
        raise
    finally:
        contexts.detach(token)
        span.end()


def _attributes(operation: str, topic: str, messages: Sequence[NamedProperties]) -> Attributes:
    found: Attributes = {
        SYSTEM: "rocketmq",
        OPERATION_NAME: operation,
        OPERATION_TYPE: operation,
        DESTINATION: topic,
    }
    if len(messages) > 1:
        return found | {MESSAGE_COUNT: len(messages)}
    (message,) = messages
    body = getattr(message, "body", b"")
    found[BODY_SIZE] = len(body)
    if message.tags:
        found[TAG] = message.tags
    if message.keys:
        found[KEYS] = message.keys.split(" ")
    if isinstance(message, MessageExt):
        found[MESSAGE_ID] = message.msg_id
        found[PARTITION] = str(message.queue_id)
    return found


def _tell(span: Span, status: object) -> None:
    if status not in GOOD:
        name = getattr(status, "name", repr(status))
        span.set_attribute(ERROR_TYPE, name)
        span.set_status(Status(StatusCode.ERROR, name))


def _failed(span: Span, error: BaseException) -> None:
    kind = type(error).__qualname__
    span.set_attribute(ERROR_TYPE, kind)
    span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, f"{kind}: {error}"))
