"""``rmqwire admin``: how far consumer groups have come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rmqwire.cli.admin.printing import front, row, second_text
from rmqwire.cli.admin.verb import verb
from rmqwire.cli.options import TEXT
from rmqwire.codec.mq_version import version_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.admin.progress import ConsumerProgress, GroupSummary, QueueConsumption
    from rmqwire.cli.admin.verb import Call

GROUPS = "%-64s  %-6s  %-24s %-5s  %-14s  %-7s  %s"
QUEUE = "%-64s  %-32s  %-4s  %-20s  %-20s"
PLAIN = QUEUE + "  %-20s %-20s"  # ends with the time, which the heading joins without a blank
WITH_CLIENT = QUEUE + "  %-20s %-20s %-20s"


@verb("consumerProgress", example="consumerProgress -n 127.0.0.1:9876 -g readers")
@click.option("-g", "--groupName", "group", type=TEXT, help="This group, queue by queue.")
@click.option("-t", "--topicName", "topic", type=TEXT, help="Of this topic alone.")
@click.option(
    "-s", "--showClientIP", "show_clients", type=bool, help="true: with who consumes each queue."
)
@click.option(
    "-c", "--cluster", "cluster", type=TEXT, help="Of a light queue: where its parent topic is."
)
async def consumer_progress(
    call: Call,
    group: str | None,
    topic: str | None,
    show_clients: bool | None,
    cluster: str | None,
) -> None:
    """Show how far consumer groups have come: all in a line each, or one queue by queue."""
    if group is None:
        call.tell(await call.admin.group_summaries(), _summary, [_groups_heading()])
        return
    progress = await call.admin.consumer_progress(
        group, topic, cluster=cluster, show_clients=bool(show_clients)
    )
    call.tell([progress], _with_clients if show_clients else _without_clients)


def _groups_heading() -> str:
    return row(GROUPS, "#Group", "#Count", "#Version", "#Type", "#Model", "#TPS", "#Diff Total")


def _summary(one: GroupSummary) -> Iterator[str]:
    version = kind = model = ""
    if one.count:
        version = version_name(one.version)
        kind = "PULL" if one.consume_type == "CONSUME_ACTIVELY" else "PUSH"
        if one.consume_type == "CONSUME_PASSIVELY":
            model = one.message_model or ""
    yield row(
        GROUPS,
        front(one.group, 64),
        one.count,
        version or "OFFLINE",
        kind,
        model,
        one.tps,
        one.diff_total,
    )


def _without_clients(progress: ConsumerProgress) -> Iterator[str]:
    ends = ("#Broker Offset", "#Consumer Offset")
    start = ("#Topic", "#Broker Name", "#QID", *ends)
    yield row(PLAIN, *start, "#Diff", "#Inflight") + "#LastTime"
    for one in progress.queues:
        yield row(PLAIN, *_queue(one), one.diff, one.inflight) + _last_time(one)
    yield from _totals(progress)


def _with_clients(progress: ConsumerProgress) -> Iterator[str]:
    ends = ("#Broker Offset", "#Consumer Offset")
    start = ("#Topic", "#Broker Name", "#QID", *ends, "#Client IP")
    yield row(WITH_CLIENT, *start, "#Diff", "#Inflight") + "#LastTime"
    for one in progress.queues:
        yield row(WITH_CLIENT, *_queue(one), one.client, one.diff, one.inflight) + _last_time(one)
    yield from _totals(progress)


def _queue(one: QueueConsumption) -> tuple[object, ...]:
    topic, broker = front(one.queue.topic, 64), front(one.queue.broker_name, 32)
    return topic, broker, one.queue.queue_id, one.broker_offset, one.consumer_offset


def _last_time(one: QueueConsumption) -> str:
    return f" {second_text(one.last_timestamp) if one.last_timestamp else 'N/A'}"


def _totals(progress: ConsumerProgress) -> Iterator[str]:
    yield ""
    yield f"Consume TPS: {progress.tps:.2f}"
    yield f"Consume Diff Total: {progress.diff_total}"
    yield f"Consume Inflight Total: {progress.inflight_total}"
