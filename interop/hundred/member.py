"""A member of two groups in a process of its own, to be killed: FACE NAMESRV FILE.

FACE is ``trio``, ``aio`` or ``blocking``. It consumes the topic SPREAD concurrently and the topic ORDERED
orderly. Of each message FILE gets a line ``TOPIC QUEUE OFFSET NUMBER MICROSECONDS`` before it is
acknowledged. SIGTERM lets the member leave. java/Member.java does the same.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import trio

from rmqwire import ConsumeOrderlyStatus, ConsumeStatus, MessageExt, PushConsumer, aio, blocking

SPREAD, ORDERED = "spread", "ordered"


class Log:
    """The file, written without a buffer of our own: a kill loses nothing of it."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def _write(self, messages: Iterable[MessageExt]) -> None:
        micros = time.time_ns() // 1000
        lines = [
            f"{m.topic} {m.queue_id} {m.queue_offset} {int(m.body)} {micros}\n" for m in messages
        ]
        os.write(self._file, "".join(lines).encode())

    def spread(self, messages: list[MessageExt]) -> ConsumeStatus:
        self._write(messages)
        return ConsumeStatus.CONSUME_SUCCESS

    def ordered(self, messages: list[MessageExt]) -> ConsumeOrderlyStatus:
        self._write(messages)
        return ConsumeOrderlyStatus.SUCCESS


def consumers(make: Callable[..., Any], namesrv: str, log: Log) -> tuple[Any, Any]:
    """Make both consumers of a face."""
    words = {
        "namesrv_addr": namesrv,
        "consume_from_where": "CONSUME_FROM_FIRST_OFFSET",
        "poll_name_server_interval": 1_000,
    }
    spread = make(SPREAD, **words)
    spread.subscribe(SPREAD, "*", log.spread)
    ordered = make(ORDERED, consume_orderly=True, **words)
    ordered.subscribe(ORDERED, "*", log.ordered)
    return spread, ordered


async def on_trio(namesrv: str, log: Log) -> None:
    spread, ordered = consumers(PushConsumer, namesrv, log)
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async with spread, ordered:
            async for _ in signals:
                return


async def on_asyncio(namesrv: str, log: Log) -> None:
    spread, ordered = consumers(aio.PushConsumer, namesrv, log)
    leave = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave.set)
    async with spread, ordered:
        await leave.wait()


def on_threads(namesrv: str, log: Log) -> None:
    spread, ordered = consumers(blocking.PushConsumer, namesrv, log)
    leave = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: leave.set())
    with spread, ordered:
        leave.wait()


def main(face: str, namesrv: str, path: str) -> None:
    log = Log(path)
    if face == "trio":
        trio.run(on_trio, namesrv, log)
    elif face == "aio":
        asyncio.run(on_asyncio(namesrv, log))
    else:
        on_threads(namesrv, log)


if __name__ == "__main__":
    main(*sys.argv[1:])
