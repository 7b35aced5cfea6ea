"""Listeners of our consumers that keep what they get, in the form in which Peer tells of Java's."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import trio

from interop.peer import Peer
from rmqwire import ConsumeOrderlyStatus, ConsumeStatus, MessageExt


async def until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait until ``condition`` is true; fail naming ``what`` after ``seconds``."""
    with trio.move_on_after(seconds):
        while not condition():  # noqa: ASYNC110  several objects can make it true
            await trio.sleep(0.2)
        return
    raise TimeoutError(f"{what}: not within {seconds:g} s")


async def mqadmin_says(peer: Peer, pattern: str, *words: str, seconds: float = 60) -> None:
    """Ask mqadmin until what it prints has ``pattern`` in it; consumers of ours go on meanwhile."""
    ask = partial(trio.to_thread.run_sync, partial(peer.mqadmin, *words))
    with trio.fail_after(seconds):
        while not re.search(pattern, await ask()):  # noqa: ASYNC110  another program makes it true
            await trio.sleep(1)


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
        "consumed": int(time.time() * 1000),
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


class InOrder(Collector):
    """The same for an orderly consumer."""

    def listen(self, batch: list[MessageExt]) -> ConsumeOrderlyStatus:
        if self(batch) is ConsumeStatus.CONSUME_SUCCESS:
            return ConsumeOrderlyStatus.SUCCESS
        return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT
