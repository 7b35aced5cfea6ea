"""``rmqwire quickstart``: the whole way once - name server, broker, producer, consumer, one process.

Sends messages, consumes them while they are sent, compares every body, and says what happened.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click
import trio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rmqwire import __version__
from rmqwire.cli.local_cluster import LocalCluster, LocalSettings, serve_local_cluster
from rmqwire.cli.output import say
from rmqwire.cli.runner import Outcome, run
from rmqwire.codec.message import Message
from rmqwire.consumer.listener import ConsumeStatus
from rmqwire.consumer.push import PushConsumer
from rmqwire.errors import RmqError
from rmqwire.producer.producer import Producer
from rmqwire.producer.results import SendStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.client.message_ext import MessageExt

TOPIC = "QuickStart"
PRODUCER_GROUP = "quickstart_producer"
CONSUMER_GROUP = "quickstart_consumer"
SENDERS = 32
PAYLOAD = bytes(range(32, 127))
CLOSE_MS = 1000
ROUTE_POLL_MS = 1000


@dataclass(slots=True)
class Run:
    """One run: what was sent, what came, when.

    Args:
        run_id: in every body, so that messages of an earlier run in the folder don't count.
        total: messages to send.
    """

    run_id: str
    total: int
    sent: int = 0
    failed: list[str] = field(default_factory=list)
    received: set[int] = field(default_factory=set)
    again: int = 0
    of_earlier_runs: int = 0
    wrong: int = 0
    send_s: float = 0.0
    consume_s: float = 0.0
    began: float = 0.0
    all_received: trio.Event = field(default_factory=trio.Event)
    moved: trio.Event = field(default_factory=trio.Event)

    def body(self, number: int) -> bytes:
        """Return the body of a message: who it is, then bytes that differ from one to the next."""
        start = number % len(PAYLOAD)
        text = f"{self.run_id} {number} ".encode()
        return text + PAYLOAD[start:] + PAYLOAD[:start]

    def arrived(self, message: MessageExt) -> None:
        """Count a consumed message."""
        body = bytes(message.body)
        run_id, _, rest = body.partition(b" ")
        if run_id.decode("utf-8", "replace") != self.run_id:
            self.of_earlier_runs += 1
            return
        text = rest.partition(b" ")[0]
        number = int(text) if text.isdigit() else -1
        if not 0 <= number < self.total or body != self.body(number):
            self.wrong += 1
        elif number in self.received:
            self.again += 1
        else:
            self.received.add(number)
        self.moved.set()
        if len(self.received) == self.total:
            self.consume_s = time.perf_counter() - self.began
            self.all_received.set()

    @property
    def missing(self) -> int:
        """Messages that did not come."""
        return self.total - len(self.received)

    @property
    def good(self) -> bool:
        """Everything was sent, came, and came as it was sent."""
        return not (self.missing or self.wrong or self.failed)


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/quickstart"),
    show_default=True,
    help="Folder for everything that is kept.",
)
@click.option(
    "--messages", type=click.IntRange(1), default=10_000, show_default=True, help="How many."
)
@click.option(
    "--timeout",
    type=click.FloatRange(1),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="Give up when nothing moves for so long.",
)
@click.option("--namesrv-port", type=click.IntRange(0, 65535), default=0, help="0: a free one.")
@click.option("--broker-port", type=click.IntRange(0, 65535), default=0, help="0: a free one.")
@click.pass_context
def quickstart(
    ctx: click.Context,
    data: Path,
    messages: int,
    timeout: float,
    namesrv_port: int,
    broker_port: int,
) -> None:
    """Start everything in one process, send messages, consume them, compare every body.

    Exit codes: 0 all came as they were sent; 1 something is missing or failed.
    """
    this = Run(f"{time.time_ns():x}", messages)
    settings = LocalSettings(data, namesrv_port, broker_port)
    ctx.exit(run(lambda outcome: run_quickstart(settings, this, timeout, outcome)))


async def run_quickstart(
    settings: LocalSettings, this: Run, patience_s: float, outcome: Outcome
) -> None:
    """Do it, and report; the code is 1 until everything is proved."""
    outcome.code = 1
    async with trio.open_nursery() as nursery:
        cluster = await nursery.start(serve_local_cluster, settings)
        with progress(this.total) as bars:
            await _send_and_consume(cluster, this, patience_s, bars)
        nursery.cancel_scope.cancel()
    for line in report(this, cluster):
        say(line)
    outcome.code = 0 if this.good else 1


async def _send_and_consume(
    cluster: LocalCluster, this: Run, patience_s: float, bars: Bars
) -> None:
    async def listener(messages: list[MessageExt]) -> ConsumeStatus:
        for message in messages:
            this.arrived(message)
        return ConsumeStatus.CONSUME_SUCCESS

    addr = cluster.namesrv_addr
    consumer = PushConsumer(
        CONSUMER_GROUP,
        namesrv_addr=addr,
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
        consume_message_batch_max_size=32,
        poll_name_server_interval=ROUTE_POLL_MS,
        await_termination_millis_when_shutdown=CLOSE_MS,
    )
    consumer.subscribe(TOPIC, "*", listener)
    async with Producer(PRODUCER_GROUP, namesrv_addr=addr) as producer:
        this.began = time.perf_counter()
        numbers = iter(range(this.total))
        await _send(producer, this, next(numbers))  # makes the topic, so that it can be consumed
        async with consumer, trio.open_nursery() as nursery:
            nursery.start_soon(bars.follow, this)
            await _send_all(producer, this, numbers)
            this.send_s = time.perf_counter() - this.began
            await _all_consumed(this, patience_s)
            bars.show(this)
            nursery.cancel_scope.cancel()


async def _send_all(producer: Producer, this: Run, numbers: Iterator[int]) -> None:
    async def sender() -> None:
        for number in numbers:
            if this.failed:
                return
            await _send(producer, this, number)

    async with trio.open_nursery() as nursery:
        for _ in range(SENDERS):
            nursery.start_soon(sender)


async def _send(producer: Producer, this: Run, number: int) -> None:
    message = Message(TOPIC, this.body(number), tags="quickstart", keys=f"{this.run_id}-{number}")
    try:
        result = await producer.send(message)
    except RmqError as error:
        this.failed.append(str(error))
        return
    if result.send_status is SendStatus.SEND_OK:
        this.sent += 1
    else:
        this.failed.append(result.send_status.value)


async def _all_consumed(this: Run, patience_s: float) -> None:
    while not (this.all_received.is_set() or this.failed):
        this.moved = trio.Event()
        with trio.move_on_after(patience_s) as scope:
            await this.moved.wait()
        if scope.cancelled_caught:
            return


class Bars:
    """Two bars on a terminal, nothing in a pipe."""

    def __init__(self, console: Console, total: int) -> None:
        self._shown = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._sent = self._shown.add_task("sent", total=total)
        self._consumed = self._shown.add_task("consumed", total=total)

    def __enter__(self) -> Self:
        self._shown.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.stop()

    def show(self, this: Run) -> None:
        """Show how far it is."""
        self._shown.update(self._sent, completed=this.sent)
        self._shown.update(self._consumed, completed=len(this.received))

    async def follow(self, this: Run) -> None:
        """Show it again and again."""
        while True:
            self.show(this)
            await trio.sleep(0.1)


def progress(total: int) -> Bars:
    """Return the bars for stderr."""
    return Bars(Console(stderr=True), total)


def report(this: Run, cluster: LocalCluster) -> Iterator[str]:
    """Say what happened, one fact a line."""
    store = cluster.loaded.store
    yield f"rmqwire {__version__} quickstart, as RocketMQ {cluster.loaded.release.name}"
    yield f"sent      {this.sent} of {this.total} messages{_rate(this.sent, this.send_s)}"
    count = len(this.received)
    yield f"consumed  {count} of {this.total} messages{_rate(count, this.consume_s)}"
    if this.again:
        yield f"          {this.again} came more than once (delivery is at least once)"
    if this.of_earlier_runs:
        yield f"          {this.of_earlier_runs} of earlier runs came as well"
    if this.wrong:
        yield f"          {this.wrong} bodies differ from what was sent"
    for text in this.failed[:3]:
        yield f"failed    {text}"
    yield "result    " + (
        "every message came, every body equals what was sent"
        if this.good
        else f"NOT COMPLETE: {this.missing} missing, {this.wrong} wrong, {len(this.failed)} failed"
    )
    yield f"data      {store.store_path_root_dir}"
    yield f"          rmqwire standalone --data {cluster.data} serves it again"


def _rate(count: int, seconds: float) -> str:
    return f" in {seconds:.2f} s, {count / seconds:,.0f} msg/s" if seconds else ""
