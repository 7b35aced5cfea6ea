"""Listeners of our consumers that keep what they get, in the form in which Peer tells of Java's."""

from __future__ import annotations

from typing import Any

import trio

from rmqwire import ConsumeStatus, MessageExt


def received_form(message: MessageExt) -> dict[str, Any]:
    return {
        "keys": message.keys,
        "tags": message.tags,
        "body": message.body.hex(),
        "msgId": message.msg_id,
        "queueId": message.queue_id,
        "queueOffset": message.queue_offset,
        "reconsumeTimes": message.reconsume_times,
        "topic": message.topic,
    }


class Collector:
    """A listener that keeps what it gets and fails the first ``failures`` deliveries of each."""

    def __init__(self, failures: int = 0) -> None:
        self.received: list[dict[str, Any]] = []
        self.failures = failures
        self.came = trio.Event()

    def __call__(self, batch: list[MessageExt]) -> ConsumeStatus:
        self.received += map(received_form, batch)
        self.came.set()
        if any(m.reconsume_times < self.failures for m in batch):
            return ConsumeStatus.RECONSUME_LATER
        return ConsumeStatus.CONSUME_SUCCESS

    async def take(self, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        with trio.move_on_after(seconds):
            while len(self.received) < count:
                await self.came.wait()
                self.came = trio.Event()
        return self.received
