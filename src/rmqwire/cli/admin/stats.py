"""``rmqwire admin``: what brokers count."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import click

from rmqwire.cli.admin.printing import front, row
from rmqwire.cli.admin.verb import verb
from rmqwire.cli.options import TEXT

if TYPE_CHECKING:
    from rmqwire.admin.stats import TopicStats
    from rmqwire.cli.admin.verb import Call

HEADING = "%-64s  %-64s %12s %11s %11s %14s %14s"
ROW = "%-64s  %-64s %12d %11.2f %11.2f %14d %14d"
UNREAD = "%-64s  %-64s %12d %11.2f %11s %14d %14s"


@verb("statsAll", example="statsAll -n 127.0.0.1:9876 -a")
@click.option("-a", "--activeTopic", "active", is_flag=True, help="Only where messages come or go.")
@click.option("-t", "--topic", type=TEXT, help="Of this topic alone.")
async def stats_all(call: Call, active: bool, topic: str | None) -> None:
    """Show what goes into topics and out of them to groups, and what groups have before them."""
    heading = row(
        HEADING,
        "#Topic",
        "#Consumer Group",
        "#Accumulation",
        "#InTPS",
        "#OutTPS",
        "#InMsg24Hour",
        "#OutMsg24Hour",
    )
    call.tell([], _lines, [heading])
    async with aclosing(call.admin.stats_all(topic, active=active)) as rows:
        async for found in rows:
            call.tell([found], _lines)


def _lines(found: TopicStats) -> list[str]:
    put, get = found.put, found.get
    topic = front(found.topic, 64)
    if found.group is None:
        return [row(UNREAD, topic, "", 0, put.tps, "", put.in_24_hours, "NO_CONSUMER")]
    group = front(found.group, 64)
    rates = found.accumulation, put.tps, get.tps
    return [row(ROW, topic, group, *rates, put.in_24_hours, get.in_24_hours)]
