"""``rmqwire admin``: a broker drained, and a topic purged; verbs of our own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click
import trio

from rmqwire.admin.drain import ROUTE_PERIOD_S
from rmqwire.cli.admin.printing import row
from rmqwire.cli.admin.verb import topic_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.cli.output import note, say, warn
from rmqwire.cli.runner import FAILED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from rmqwire.admin.drain import DrainStatus
    from rmqwire.admin.purge import GroupSkip
    from rmqwire.cli.admin.verb import Call

SKIP_ROW = "%-32s  %-32s  %-4s  %-20s  %-20s  %s"


@verb("drainBroker", example="drainBroker -b 127.0.0.1:10911", namesrv="optional", changes=True)
@click.option(
    "-b", "--brokerAddr", "broker_addr", type=TEXT, required=True, metavar="ADDR",
    help="Which broker, host:port.",
)  # fmt: skip
@click.option("--undo", is_flag=True, help="Let it take messages again, and wait for nothing.")
@click.option(
    "-x", "--ignoreGroup", "ignored", type=TEXT, multiple=True, metavar="NAME",
    help="Don't wait for this group; may be repeated.",
)  # fmt: skip
@click.option(
    "-i", "--interval", type=click.FloatRange(min=0.1), default=5.0, show_default=True,
    help="Seconds between two looks.",
)  # fmt: skip
@click.option(
    "--settle", type=click.FloatRange(min=0), default=ROUTE_PERIOD_S + 5, show_default=True,
    help="Seconds after which no producer has the old route any more.",
)  # fmt: skip
@click.option(
    "--timeout", type=click.FloatRange(min=0), help="Give up after so many seconds; exit code 1."
)
async def drain_broker(
    call: Call,
    /,
    broker_addr: str,
    undo: bool,
    ignored: Sequence[str],
    interval: float,
    settle: float,
    timeout: float | None,  # noqa: ASYNC109  an option: what is left then is told
) -> None:
    """Take a broker out of use: it is closed to producers, and can go when all is consumed.

    Waits until no group lags at it, no delayed message waits, and producers have had time to learn of
    it, then says so and what no group has ever consumed. The broker stays as it is, over restarts too,
    until --undo.
    """
    if undo:
        if call.goes_ahead(f"open {broker_addr} to producers: brokerPermission=6"):
            await call.admin.undrain_broker(broker_addr)
            _tell(call, await call.admin.drain_status(broker_addr, ignored=ignored))
        return
    if not call.goes_ahead(f"close {broker_addr} to producers: brokerPermission=4"):
        _tell(call, await call.admin.drain_status(broker_addr, ignored=ignored))
        return
    await call.admin.drain_broker(broker_addr)
    began = trio.current_time()
    until = began + (float("inf") if timeout is None else timeout)
    look = partial(call.admin.drain_status, broker_addr, ignored=ignored)
    if await _wait(call, look, interval, began + settle, until):
        for topic, count in (await call.admin.unread_topics(broker_addr)).items():
            warn(f"no group has ever consumed {topic}: {count} messages go with {broker_addr}")
    else:
        call.outcome.code = FAILED


async def _wait(
    call: Call,
    look: Callable[[], Awaitable[DrainStatus]],
    interval: float,
    settled: float,
    until: float,
) -> bool:
    """Look at a broker again and again, and tell what changed; return whether it can go."""
    told: DrainStatus | None = None
    while True:
        status = await look()
        if status.drained and trio.current_time() >= settled:
            _tell(call, status)
            return True
        if status != told:
            if status.drained:
                note("nothing is left; a producer may still have the old route")
            else:
                _tell(call, status)
            told = status
        if trio.current_time() + interval > until:
            return False
        await trio.sleep(interval)


def _tell(call: Call, status: DrainStatus) -> None:
    call.tell([status], _status_lines)


def _status_lines(status: DrainStatus) -> Iterator[str]:
    addr = status.broker_addr
    if status.drained:
        yield f"{addr} is drained: it can go"
        return
    closed = "open" if status.writable else "closed"
    yield f"{addr} is {closed} to producers, {status.left} messages are left"
    for one in status.lags:
        yield row("  %-32s  %-40s  %d", one.group, one.topic, one.lag)
    for what, count in (("delayed", status.delayed), ("of a time of their own", status.timers)):
        if count:
            yield row("  %-74s  %d", f"({what})", count)


@verb("purgeTopic", example="purgeTopic -n 127.0.0.1:9876 -t Orders --yes", loses=True)
@topic_option
async def purge_topic(call: Call, topic: str) -> None:
    """Let every group of a topic skip the messages that it holds.

    Their offsets move to the end of each queue; nothing is removed from the log. Delayed messages and
    retries, which wait elsewhere, are delivered all the same. Groups that broadcast are not reached.
    """
    plan = await call.admin.purge_plan(topic)
    skipped = sum(one.skipped for one in plan)
    groups = len({one.group for one in plan})
    lost = f"{groups} groups skip {skipped} messages in all"
    if call.dry_run:
        say(f"would purge topic {topic}: {lost}")
    elif call.confirmed(f"purge topic {topic}", lost):
        plan = await call.admin.purge_topic(topic)
    _tell_skips(call, plan)


def _tell_skips(call: Call, plan: Sequence[GroupSkip]) -> None:
    heading = row(SKIP_ROW, "#Group", "#Broker Name", "#QID", "#Before", "#After", "#Skipped")
    call.tell(plan, _skip_lines, [heading])
    for one in plan:
        if one.not_reached is not None:
            call.outcome.code = FAILED
            warn(f"{one.group} at {one.broker_addr} is not reached: {one.not_reached}")


def _skip_lines(skip: GroupSkip) -> Iterator[str]:
    for one in skip.queues:
        queue = one.queue
        before = "-" if one.before is None else one.before
        yield row(
            SKIP_ROW, skip.group, queue.broker_name, queue.queue_id, before, one.after, one.skipped
        )
