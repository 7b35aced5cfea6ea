"""A producer of ours and one of Java's in the same trouble at the same time, and what they made of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import trio

from interop.peer import Peer
from rmqwire import Message, Producer, RmqError
from rmqwire.codec.release import release_named

SENDERS = 4  # tasks or threads of one producer
PAUSE_MS = 20  # of each between two sends
TIMEOUT_MS = 3_000  # both clients' default
POLL_MS = 1_000  # how often both ask for routes
QUICK_MS = 500  # what takes longer is still the trouble

Send = dict[str, Any]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Account:
    """What became of one producer's sends.

    Args:
        client: whose.
        sends: when each ``began`` (ms since the epoch), how many ms it ``took``, and the
            ``brokerName`` that stored it or why it ``failed``.
    """

    client: str
    sends: list[Send] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        return [one["failed"] for one in self.sends if "failed" in one]

    @property
    def longest_ms(self) -> int:
        return max(one["took"] for one in self.sends)

    def recovery_ms(self, over_ms: int, broker: str) -> int | None:
        """Return how long after the trouble it stored a message at a broker again, and quickly."""
        again = [
            one["began"] + one["took"] - over_ms
            for one in self.sends
            if one.get("brokerName") == broker and one["began"] >= over_ms
            and one["took"] < QUICK_MS
        ]  # fmt: skip
        return min(again, default=None)


@dataclass(frozen=True)
class Trouble:
    """One experiment.

    Args:
        name: for the table.
        topic: what is sent to.
        broker: the one that is in trouble.
        make: makes the trouble; returns when it was over, ms since the epoch.
        after_s: how long the producers go on afterwards.
        faults: with ``sendLatencyFaultEnable``.
        detector: with ``startDetectorEnable`` as well (5.x).
        left_alone: both clients leave the broker alone for longer than they go on.
    """

    name: str
    topic: str
    broker: str
    make: Callable[[], Awaitable[int]]
    after_s: float = 5
    faults: bool = False
    detector: bool = False
    left_alone: bool = False


async def _send(
    number: int, producer: Producer, topic: str, account: Account, stop: trio.Event
) -> None:
    # Threads drift apart by themselves. Tasks of one loop would send in step, and so run out of time in
    # the same millisecond, when nobody has time left for another broker.
    await trio.sleep(number * PAUSE_MS / SENDERS / 1000)
    while not stop.is_set():
        began = now_ms()
        outcome: Send = {}
        try:
            result = await producer.send(Message(topic, b"x" * 40))
            outcome["brokerName"] = result.message_queue.broker_name
        except RmqError as error:
            outcome["failed"] = f"{type(error).__name__}: {error}"
        account.sends.append({"began": began, "took": now_ms() - began, **outcome})
        await trio.sleep(PAUSE_MS / 1000)


@asynccontextmanager
async def _ours(namesrv: str, trouble: Trouble, version: str) -> AsyncIterator[Account]:
    account, stop = Account("rmqwire"), trio.Event()
    async with (
        Producer(
            "load_rmqwire",
            namesrv_addr=namesrv,
            release=release_named(version),
            send_msg_timeout=TIMEOUT_MS,
            poll_name_server_interval=POLL_MS,
            send_latency_enable=trouble.faults,
            start_detector_enable=trouble.detector,
        ) as producer,
        trio.open_nursery() as nursery,
    ):
        for number in range(SENDERS):
            nursery.start_soon(_send, number, producer, trouble.topic, account, stop)
        yield account
        stop.set()


@asynccontextmanager
async def _javas(namesrv: str, trouble: Trouble, peer: Peer) -> AsyncIterator[Account]:
    account = Account("Java")
    start = partial(
        peer.load, namesrv, trouble.topic, threads=SENDERS,
        timeout_ms=TIMEOUT_MS, faults=trouble.faults, pause_ms=PAUSE_MS, detector=trouble.detector,
    )  # fmt: skip
    load = await trio.to_thread.run_sync(start)
    yield account
    account.sends += await trio.to_thread.run_sync(load.stop)


async def side_by_side(namesrv: str, trouble: Trouble, peer: Peer, before_s: float = 2) -> None:
    """Let both send through a trouble; print a row for each, and see that ours does no worse."""
    async with (
        _javas(namesrv, trouble, peer) as theirs,
        _ours(namesrv, trouble, peer.version) as ours,
    ):
        await trio.sleep(before_s)
        over_ms = await trouble.make()
        await trio.sleep(trouble.after_s)
    for account in (ours, theirs):
        recovery = account.recovery_ms(over_ms, trouble.broker)
        kinds = sorted({one[:90] for one in account.failed})
        print(
            f"| {trouble.name} | {account.client} | {len(account.sends)} | {len(account.failed)} |"
            f" {account.longest_ms} | {recovery} | {kinds[:3]}",
            flush=True,
        )
    _no_worse(trouble, over_ms, ours, theirs)


def _no_worse(trouble: Trouble, over_ms: int, ours: Account, theirs: Account) -> None:
    """See that ours does no worse than Java's, but for what two runs of the same client differ by."""
    assert len(ours.failed) <= 1.25 * len(theirs.failed) + SENDERS, ours.failed[:5]
    assert ours.longest_ms <= theirs.longest_ms + 1_000
    recovery, others = (one.recovery_ms(over_ms, trouble.broker) for one in (ours, theirs))
    if trouble.left_alone:
        assert (recovery, others) == (None, None)
    else:
        assert recovery is not None
        assert others is not None
        assert recovery <= others + 2 * POLL_MS
