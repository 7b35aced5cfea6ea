"""``rmqwire admin``: what brokers keep on their disks, and where groups are in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from rmqwire.cli.admin.printing import front, row, second_text
from rmqwire.cli.admin.verb import broker_option, cluster_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from rmqwire.cli.admin.verb import Call
    from rmqwire.codec.bodies import ConsumeStatsList, MessageQueue

STATS = "%-64s  %-64s  %-32s  %-4s  %-20s  %-20s  %-20s  %s"
ENGINES = {"F": "FILE_TIME_WHEEL", "R": "ROCKSDB_TIMELINE"}
every_cluster_option = click.option(
    "-c", "--cluster", "cluster", type=TEXT, help="All brokers of this cluster; else of all."
)
needed_broker_option = click.option(
    "-b", "--brokerAddr", "broker_addr", type=TEXT, required=True, help="Which broker, host:port."
)


@dataclass(frozen=True, slots=True)
class GroupInQueue:
    """Where a group is in a queue; offsets are indexes of messages, the time is ms since the epoch."""

    group: str
    queue: MessageQueue
    broker_offset: int
    consumer_offset: int
    diff: int
    last_timestamp: int


@verb("brokerConsumeStats", example="brokerConsumeStats -b 127.0.0.1:10911", namesrv="optional")
@needed_broker_option
@click.option(
    "-t", "--timeoutMillis", "timeout_ms", type=int, default=50_000, help="To wait: 50000."
)
@click.option("-l", "--level", type=int, default=0, help="Least messages that a group lacks: 0.")
@click.option("-o", "--order", type=bool, default=False, help="Of ordered topics alone: true.")
async def broker_consume_stats(
    call: Call, broker_addr: str, timeout_ms: int, level: int, order: bool
) -> None:
    """Show where every group of a broker is in every queue."""
    stats = await call.admin.broker_consume_stats(broker_addr, order=order, timeout_ms=timeout_ms)
    heading = row(
        STATS,
        "#Topic",
        "#Group",
        "#Broker Name",
        "#QID",
        "#Broker Offset",
        "#Consumer Offset",
        "#Diff",
        "#LastTime",
    )
    call.tell(_groups(stats, level), _line, [heading])
    if not call.as_json:
        say("")
        say(f"Diff Total: {stats.total_diff}")


def _groups(stats: ConsumeStatsList, level: int) -> Iterator[GroupInQueue]:
    for table in stats.consume_stats_list:
        for group, parts in table.items():
            for part in parts:
                for queue, at in sorted(part.offset_table.items()):
                    diff = at.broker_offset - at.consumer_offset
                    if diff >= level and at.last_timestamp > 0:
                        ends = at.broker_offset, at.consumer_offset
                        yield GroupInQueue(group, queue, *ends, diff, at.last_timestamp)


def _line(found: GroupInQueue) -> list[str]:
    line = row(
        STATS,
        front(found.queue.topic, 64),
        found.group,
        front(found.queue.broker_name, 32),
        found.queue.queue_id,
        found.broker_offset,
        found.consumer_offset,
        found.diff,
        second_text(found.last_timestamp),
    )
    return [line]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A broker that has done what was asked."""

    broker_addr: str


@verb(
    "cleanExpiredCQ", example="cleanExpiredCQ -b 127.0.0.1:10911", namesrv="optional", changes=True
)
@broker_option
@every_cluster_option
async def clean_expired_cq(call: Call, broker_addr: str | None, cluster: str | None) -> None:
    """Let brokers remove what their queues have of messages that are gone."""
    addrs = await call.everywhere(broker_addr, cluster)
    if call.goes_ahead(f"clean the queues of {', '.join(addrs)}"):
        await _each(call, addrs, call.admin.clean_expired_cq)


@verb(
    "cleanUnusedTopic",
    example="cleanUnusedTopic -b 127.0.0.1:10911 --yes",
    namesrv="optional",
    loses=True,
)
@broker_option
@every_cluster_option
async def clean_unused_topic(call: Call, broker_addr: str | None, cluster: str | None) -> None:
    """Let brokers remove the queues of topics that they haven't any more."""
    addrs = await call.everywhere(broker_addr, cluster)
    what = f"remove the queues of unused topics at {', '.join(addrs)}"
    if call.confirmed(what, "their messages can't be read any more then"):
        await _each(call, addrs, call.admin.clean_unused_topic)


@verb(
    "deleteExpiredCommitLog",
    example="deleteExpiredCommitLog -b 127.0.0.1:10911 --yes",
    namesrv="optional",
    loses=True,
)
@broker_option
@every_cluster_option
async def delete_expired_commit_log(
    call: Call, broker_addr: str | None, cluster: str | None
) -> None:
    """Let brokers remove the files of their logs that are older than fileReservedTime, now."""
    addrs = await call.everywhere(broker_addr, cluster)
    what = f"remove expired files of the log at {', '.join(addrs)}"
    if call.confirmed(what, "their messages are gone then"):
        await _each(call, addrs, call.admin.delete_expired_commit_log)


async def _each(call: Call, addrs: list[str], change: Callable[[str], Awaitable[None]]) -> None:
    """Ask one broker after another; mqadmin says one word for all."""
    for addr in addrs:
        await change(addr)
        if call.as_json:
            call.done(Cleaned(addr))
    if not call.as_json:
        say("success")


@dataclass(frozen=True, slots=True)
class Flushed:
    """How far a slave takes its master to have flushed, in bytes of the log."""

    broker_addr: str
    offset: int


@verb(
    "resetMasterFlushOffset",
    example="resetMasterFlushOffset -b 127.0.0.1:10911 -o 0",
    namesrv="optional",
    changes=True,
)
@needed_broker_option
@click.option("-o", "--offset", type=click.IntRange(0), required=True, help="In bytes of the log.")
async def reset_master_flush_offset(call: Call, broker_addr: str, offset: int) -> None:
    """Set how far a slave of 5.x takes its master to have flushed."""
    if call.goes_ahead(f"set the master's flushed offset at {broker_addr} to {offset}"):
        await call.admin.reset_master_flush_offset(broker_addr, offset)
        call.done(Flushed(broker_addr, offset), f"reset master flush offset to {offset} success")


@dataclass(frozen=True, slots=True)
class Switched:
    """What keeps a broker's timed messages."""

    broker_addr: str
    engine: str


@verb(
    "switchTimerEngine",
    example="switchTimerEngine -b 127.0.0.1:10911 -e F",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@click.option(
    "-e",
    "--engineType",
    "engine_type",
    type=click.Choice(list(ENGINES)),
    required=True,
    help="F: the file time wheel; R: the timeline in RocksDB, which rmqwire's brokers haven't.",
)
async def switch_timer_engine(
    call: Call, broker_addr: str | None, cluster: str | None, engine_type: str
) -> None:
    """Choose what keeps the timed messages of a 5.x broker, or of a cluster's masters."""
    addrs = await call.addresses(broker_addr, cluster)
    engine = ENGINES[engine_type]
    if call.goes_ahead(f"switch the timer engine to {engine} at {', '.join(addrs)}"):
        for addr in addrs:
            await call.admin.switch_timer_engine(addr, engine_type)
            call.done(Switched(addr, engine), f"switchTimerEngine to {engine} success, {addr}")
