"""``rmqwire admin``: the brokers of the clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rmqwire.cli.admin.printing import row
from rmqwire.cli.admin.verb import cluster_option, interval_option, repeated, verb
from rmqwire.clock import wall_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.admin.cluster import ClusterMember
    from rmqwire.cli.admin.verb import Call

HEADING = "%-22s  %-22s  %-4s  %-22s %-16s  %16s  %30s  %-22s  %-11s  %-12s  %-8s  %-10s"
ROW = "%-22s  %-22s  %-4s  %-22s %-16s  %16s  %30s  %-22s  %11s  %-12s  %-8s  %10s"
MORE = "%-16s  %-32s %14s %14s %14s %14s"
HOUR_MS = 3_600_000
TIMER_UNIT = 10_000  # messages of ``w``, wan


@verb("clusterList", example="clusterList -n 127.0.0.1:9876")
@click.option("-m", "--moreStats", "more", is_flag=True, help="Messages of yesterday and today.")
@interval_option
@cluster_option
async def cluster_list(call: Call, more: bool, interval: float | None, cluster: str | None) -> None:
    """List brokers with their rates, queues and disks."""

    async def once() -> None:
        members = await call.admin.cluster_list(cluster)
        if more:
            call.tell(members, _totals, [_totals_heading()])
        else:
            call.tell(members, _rates, [_rates_heading()])

    await repeated(interval, once)


def _totals_heading() -> str:
    return row(
        MORE,
        "#Cluster Name",
        "#Broker Name",
        "#InTotalYest",
        "#OutTotalYest",
        "#InTotalToday",
        "#OutTotalToday",
    )


def _totals(member: ClusterMember) -> Iterator[str]:
    def since(kind: str, late: str, early: str) -> int:
        figures = member.figures
        return int(figures.get(f"{kind}{late}", 0)) - int(figures.get(f"{kind}{early}", 0))

    yield row(
        MORE,
        member.cluster,
        member.broker_name,
        since("msgPutTotal", "TodayMorning", "YesterdayMorning"),
        since("msgGetTotal", "TodayMorning", "YesterdayMorning"),
        since("msgPutTotal", "TodayNow", "TodayMorning"),
        since("msgGetTotal", "TodayNow", "TodayMorning"),
    )


def _rates_heading() -> str:
    return row(
        HEADING,
        "#Cluster Name",
        "#Broker Name",
        "#BID",
        "#Addr",
        "#Version",
        "#InTPS(LOAD)",
        "#OutTPS(LOAD)",
        "#Timer(Progress)",
        "#PCWait(ms)",
        "#Hour",
        "#SPACE",
        "#ACTIVATED",
    )


def _rates(member: ClusterMember) -> Iterator[str]:
    figures = member.figures

    def queue(kind: str, default: str | None) -> str:
        size = figures.get(f"{kind}ThreadPoolQueueSize", default)
        waited = figures.get(f"{kind}ThreadPoolQueueHeadWaitTimeMills", default)
        return row("%s,%sms", size, waited)

    absent = None if figures else ""
    sent, pulled = queue("send", absent), queue("pull", absent)
    yield row(
        ROW,
        member.cluster,
        member.broker_name,
        member.broker_id,
        member.addr,
        figures.get("brokerVersionDesc", absent),
        f"{first_rate(figures.get('putTps')):9.2f}({sent})",
        f"{first_rate(figures.get('getTransferredTps')):9.2f}({pulled}|{queue('ack', 'N' if figures else '')})",
        _timer(figures),
        figures.get("pageCacheLockTimeMills", absent),
        f"{_hours(figures.get('earliestMessageTimeStamp')):2.2f}",
        f"{float(figures.get('commitLogDiskRatio') or 0):.4f}",
        figures.get("brokerActive", "").lower() == "true",
    )


def first_rate(text: str | None) -> float:
    """Return the rate of the last ten seconds, the first of three."""
    return float((text or "").split()[0]) if (text or "").strip() else 0.0


def _hours(earliest_ms: str | None) -> float:
    return (wall_ms() - int(earliest_ms)) / HOUR_MS if earliest_ms else 0.0


def _timer(figures: dict[str, str]) -> str:
    read, offset = figures.get("timerReadBehind", "0"), figures.get("timerOffsetBehind", "0")
    congested = int(figures.get("timerCongestNum", 0)) / TIMER_UNIT
    enqueue, dequeue = figures.get("timerEnqueueTps", 0), figures.get("timerDequeueTps", 0)
    return f"{read}-{offset}({congested:.1f}w, {float(enqueue):.1f}, {float(dequeue):.1f})"
