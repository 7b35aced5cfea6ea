"""Sends that another thread doesn't wait for at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.producer.outgoing import Messages
    from rmqwire.producer.producer import Producer
    from rmqwire.producer.results import SendResult
    from rmqwire.producer.selector import MessageQueueSelector


async def sent(
    producer: Producer,
    message: Messages,
    *,
    queue: MessageQueue | None,
    key: object,
    selector: MessageQueueSelector | None,
    arg: object,
    timeout_ms: int | None,
) -> SendResult:
    """Send as ``Producer.send_soon`` does, and return how it went; in the engine."""
    handle = producer.send_soon(
        message, queue=queue, key=key, selector=selector, arg=arg, timeout_ms=timeout_ms
    )
    return await handle.wait()
