"""``rmqwire inspect``: the files of what 5.x does by the clock, timers and popping."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import click

from rmqwire.cli.inspecting import PATHS, PLOT, row_options, show, show_or_draw, time_of
from rmqwire.cli.table import Column, clip
from rmqwire.codec.timer import DEFAULT_PRECISION_MS
from rmqwire.inspector.order_info import order_info_rows
from rmqwire.inspector.pop_plot import PopPlot
from rmqwire.inspector.revive import revive_log_rows
from rmqwire.inspector.timer import timer_log_rows, timer_wheel_rows
from rmqwire.inspector.timer_plot import TimerLogPlot, TimerWheelPlot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TIMER_WHEEL = (
    Column("slot", "slot", right=True),
    Column("time", time_of("time")),
    Column("firstPos", "firstPos", right=True),
    Column("lastPos", "lastPos", right=True),
    Column("num", "num", right=True),
    Column("magic", "magic", right=True),
)
TIMER_LOG = (
    Column("offset", "offset", right=True),
    Column("prevPos", "prevPos", right=True),
    Column("magic", "magic", right=True),
    Column("written", time_of("currWriteTime"), optional=True),
    Column("deliver", time_of("deliverTime")),
    Column("offsetPy", "offsetPy", right=True),
    Column("sizePy", "sizePy", right=True),
    Column("topicHash", "hashCodeOfRealTopic", right=True, optional=True),
)
REVIVE_LOG = (
    Column("offset", "offset", right=True),
    Column("kind", "kind"),
    Column("state", "state"),
    Column("revive", lambda row: f"{row['reviveQueueId']}", right=True),
    Column("group", lambda row: clip(row["group"]), optional=True),
    Column("topic:queue", lambda row: f"{clip(row['topic'])}:{row['queueId']}"),
    Column("popped", time_of("popTime")),
    Column("visible", time_of("visibleTime")),
    Column("messages", lambda row: _numbers(row["offsets"]), flexible=True),
)
ORDER_INFO = (
    Column("topic", lambda row: clip(row["topic"])),
    Column("group", lambda row: clip(row["group"])),
    Column("queue", "queueId", right=True),
    Column("popped", time_of("popTime")),
    Column("visible", time_of("visibleTime")),
    Column("attempt", "attemptId", optional=True),
    Column("messages", lambda row: _numbers(row["offsets"])),
    Column("acknowledged", lambda row: _numbers(row["acknowledged"]), flexible=True),
)


def _numbers(offsets: Sequence[int]) -> str:
    return ",".join(map(str, offsets))


@click.command("timerwheel")
@PATHS
@click.option(
    "--precision",
    type=click.IntRange(min=1),
    default=DEFAULT_PRECISION_MS,
    show_default=True,
    help="timerPrecisionMs of the broker.",
)
@PLOT
@row_options
def timerwheel(
    paths: tuple[Path, ...],
    precision: int,
    plot: Path | None,
    *,
    as_json: bool,
    limit: int | None,
    offset: int | None,
) -> None:
    """Show the slots of a timer wheel that were ever used, by time.

    PATHS are the files timerwheel, or a store's root. --offset is a time in ms. --plot draws how
    many messages hang on each tick.
    """
    found = [timer_wheel_rows(path, offset, precision_ms=precision) for path in paths]
    rows = itertools.chain.from_iterable(found)
    show_or_draw(rows, TIMER_WHEEL, TimerWheelPlot, plot, as_json=as_json, limit=limit)


@click.command("timerlog")
@PATHS
@PLOT
@row_options
def timerlog(
    paths: tuple[Path, ...],
    plot: Path | None,
    *,
    as_json: bool,
    limit: int | None,
    offset: int | None,
) -> None:
    """Show the units of a timer log.

    PATHS are files, the folder timerlog, or a store's root. --offset is a position in the timer
    log in bytes, where a unit begins. --plot draws when each unit is due, and what hangs together.
    """
    rows = itertools.chain.from_iterable(timer_log_rows(path, offset) for path in paths)
    show_or_draw(rows, TIMER_LOG, TimerLogPlot, plot, as_json=as_json, limit=limit)


@click.command("revivelog")
@PATHS
@PLOT
@row_options
def revivelog(
    paths: tuple[Path, ...],
    plot: Path | None,
    *,
    as_json: bool,
    limit: int | None,
    offset: int | None,
) -> None:
    """Show what pops handed out and what was acknowledged: the records of the revive log.

    PATHS are files of a commit log, the folder commitlog, or a store's root. --offset is a physical
    offset in bytes, where a record begins. --plot draws each check point from the pop to the end of
    its time, with its acks.
    """
    rows = itertools.chain.from_iterable(revive_log_rows(path, offset) for path in paths)
    show_or_draw(rows, REVIVE_LOG, PopPlot, plot, as_json=as_json, limit=limit)


@click.command("orderinfo")
@PATHS
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def orderinfo(paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Show the queues that ordered pops have blocked, and by which messages.

    PATHS are the files config/consumerOrderInfo.json, or a store's root.
    """
    rows = itertools.chain.from_iterable(order_info_rows(path) for path in paths)
    show(rows, ORDER_INFO, as_json=as_json, limit=0)


TIMER_COMMANDS = (timerwheel, timerlog, revivelog, orderinfo)
