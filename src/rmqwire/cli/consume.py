"""``rmqwire consume``: print the messages of a topic."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import trio

from rmqwire.cli.credentials import found_credentials
from rmqwire.cli.options import TEXT, namesrv_option
from rmqwire.cli.output import OutputFailed, say, warn
from rmqwire.cli.runner import FAILED, Outcome, run
from rmqwire.consumer.config import ConsumeFromWhere
from rmqwire.consumer.listener import ConsumeStatus
from rmqwire.consumer.push import PushConsumer
from rmqwire.consumer.selector import MessageSelector

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.client.message_ext import MessageExt

TOO_FEW = 3
CLOSE_MS = 500  # for the last acknowledgement
LOOK_S = 1
PATIENCE_S = 4  # a refused pull is repeated after 3 s

FIELDS: dict[str, Callable[[MessageExt], object]] = {
    "body": lambda m: bytes(m.body).decode("utf-8", "surrogateescape"),
    "topic": lambda m: m.topic,
    "broker": lambda m: m.broker_name,
    "queue": lambda m: m.queue_id,
    "offset": lambda m: m.queue_offset,
    "id": lambda m: m.msg_id,
    "key": lambda m: m.keys or "",
    "tag": lambda m: m.tags or "",
    "time": lambda m: m.born_timestamp,
    "stored": lambda m: m.store_timestamp,
    "reconsumed": lambda m: m.reconsume_times,
    "properties": lambda m: json.dumps(m.properties),
}
_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(slots=True)
class Job:
    """What to consume, and how to print it."""

    namesrv_addr: str | None
    topic: str
    group: str
    expression: str
    sql: str | None
    first: bool
    count: int | None
    timeout: float | None
    format: str


def _checked_format(_: click.Context, __: click.Parameter, value: str) -> str:
    for name in _FIELD.findall(value):
        if name not in FIELDS:
            raise click.BadParameter(f"{{{name}}} is none of {', '.join(FIELDS)}")
    return value


def _checked_timeout(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0 < value < math.inf:
        raise click.BadParameter(f"{value:g} is not a time in seconds")
    return value


@click.command()
@click.option("-t", "--topic", type=TEXT, required=True, help="Topic to consume.")
@namesrv_option
@click.option(
    "-g",
    "--group",
    type=TEXT,
    default="rmqwire_consume",
    show_default=True,
    help="Consumer group.",
)
@click.option(
    "-s",
    "--expression",
    type=TEXT,
    default="*",
    show_default=True,
    help="Tags: * or 'tagA || tagB'.",
)
@click.option("--sql", type=TEXT, help="An SQL92 condition instead of tags.")
@click.option("--first", is_flag=True, help="A new group starts at the first message.")
@click.option("--count", type=click.IntRange(1), help="End after so many messages.")
@click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    callback=_checked_timeout,
    help="End when none came for so long.",
)
@click.option(
    "-f",
    "--format",
    default="{body}",
    show_default=True,
    callback=_checked_format,
    help=f"What to print of each message, or json. Fields: {', '.join(FIELDS)}.",
)
@click.pass_context
def consume(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401  click gives each its field's type
    """Print messages to stdout, one line each, and acknowledge them.

    Why nothing can come (no such topic, no permission, no server) is said on stderr within seconds.
    Exit codes: 0 --count messages came, or without it the end by timeout or signal;
    3 fewer than --count came; 1 nothing came nor could, or it failed; 2 called wrongly;
    141 stdout was closed.
    """
    job = Job(**options)
    ctx.exit(run(lambda outcome: print_messages(job, outcome)))


class Printer:
    """The listener: print, count, and take no more than was asked for."""

    def __init__(self, job: Job) -> None:
        self._format = job.format
        self._left = job.count
        self.done = trio.Event()
        self.failure: OutputFailed | None = None
        self.arrived = trio.Event()
        self.arrived_any = False

    async def __call__(self, messages: list[MessageExt]) -> ConsumeStatus:
        """Print messages; those after the last one wanted are never acknowledged."""
        for message in messages:
            if self.done.is_set():
                await trio.sleep_forever()  # never acknowledged: it comes again, to somebody else
            try:
                say(rendered(message, self._format))
            except OutputFailed as error:
                self.failure = error
                self.done.set()
                self.arrived.set()
                await trio.sleep_forever()
            self.arrived_any = True
            self.arrived.set()
            if self._left is not None:
                self._left -= 1
                if not self._left:
                    self.done.set()
        return ConsumeStatus.CONSUME_SUCCESS


def rendered(message: MessageExt, template: str) -> bytes:
    """Return the line for a message, without its end."""
    if template == "{body}":
        return bytes(message.body)
    if template == "json":
        text = json.dumps({name: read(message) for name, read in FIELDS.items()})
    else:
        text = _FIELD.sub(lambda match: str(FIELDS[match[1]](message)), template)
    return text.encode("utf-8", "surrogateescape")


async def print_messages(job: Job, outcome: Outcome) -> None:
    """Consume until enough came, none came for too long, or a signal."""
    where = "CONSUME_FROM_FIRST_OFFSET" if job.first else "CONSUME_FROM_LAST_OFFSET"
    consumer = PushConsumer(
        job.group,
        namesrv_addr=job.namesrv_addr,
        credentials=found_credentials(),
        consume_from_where=ConsumeFromWhere(where),
        consume_thread_max=1,
        await_termination_millis_when_shutdown=CLOSE_MS,
    )
    printer = Printer(job)
    if job.sql is None:
        consumer.subscribe(job.topic, job.expression, printer)
    else:
        consumer.subscribe(job.topic, MessageSelector.by_sql(job.sql), printer)
    if job.count is not None:
        outcome.code = TOO_FEW
    async with consumer:
        want = Want(job.topic, consumer, printer)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(want.watch)
                await _enough(job, printer)
                nursery.cancel_scope.cancel()
        finally:  # after a signal too
            reason = want.reason()
            if reason is not None:
                outcome.code = FAILED
                want.say(reason)
    if printer.failure is not None:
        raise printer.failure
    if printer.done.is_set():
        outcome.code = 0


class Want:
    """Why nothing comes and nothing can, said on stderr once it has lasted.

    Args:
        topic: what is consumed.
        consumer: knows what servers refuse.
        printer: knows whether anything came.
    """

    def __init__(self, topic: str, consumer: PushConsumer, printer: Printer) -> None:
        self._topic = topic
        self._consumer = consumer
        self._printer = printer
        self._said: set[str] = set()

    def reason(self) -> str | None:
        """Return why nothing came; None when something did or may."""
        if self._printer.arrived_any:
            return None
        return self._consumer.health.problems.get(self._topic)

    def say(self, reason: str) -> None:
        """Say a reason, unless that was done."""
        if reason not in self._said:
            self._said.add(reason)
            warn(f"nothing can be consumed: {reason}")

    async def watch(self) -> None:
        """Say what has been a reason for ``PATIENCE_S``: longer than one refused pull."""
        looks = 0
        while True:
            await trio.sleep(LOOK_S)
            reason = self.reason()
            looks = 0 if reason is None else looks + 1
            if reason is not None and looks * LOOK_S >= PATIENCE_S:
                self.say(reason)


async def _enough(job: Job, printer: Printer) -> None:
    while not printer.done.is_set():
        printer.arrived = trio.Event()
        with trio.move_on_after(float("inf") if job.timeout is None else job.timeout) as scope:
            await printer.arrived.wait()
        if scope.cancelled_caught:
            return
