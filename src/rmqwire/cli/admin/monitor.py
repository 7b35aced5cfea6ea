"""``rmqwire admin``: all consumer groups, watched."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click
import trio

from rmqwire.cli.admin.verb import verb
from rmqwire.clock import wall_ms
from rmqwire.errors import BrokerError, RemotingError, RouteNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.admin.monitor import MembersReport, UndoneMessages
    from rmqwire.cli.admin.verb import Call

logger = logging.getLogger(__name__)

ROUND_S = 60.0  # MonitorConfig.roundInterval
LINE = "=" * 41


@verb("startMonitoring", example="startMonitoring -n 127.0.0.1:9876")
@click.option(
    "-i",
    "--interval",
    type=click.FloatRange(min=0.1),
    default=ROUND_S,
    show_default=True,
    help="Seconds between two rounds.",
)
@click.option("--rounds", type=click.IntRange(min=1), help="End after so many; default: never.")
async def start_monitoring(call: Call, interval: float, rounds: int | None) -> None:
    """Tell again and again of each group that is online what it has not consumed and who is stuck.

    mqadmin writes the same lines into its log.
    """
    done = 0
    while True:
        call.tell((), _undone, [f"[MONITOR] {LINE}beginRound"])
        for one in await call.admin.group_summaries():
            if one.count:
                await _report(call, one.group)
        call.tell((), _undone, [f"[MONITOR] {LINE}endRound"])
        done += 1
        if done == rounds:
            return
        await trio.sleep(interval)


async def _report(call: Call, group: str) -> None:
    try:
        call.tell(await call.admin.undone_messages(group), _undone)
        call.tell([await call.admin.members_report(group, wall_ms())], _members)
    except (BrokerError, RemotingError, RouteNotFound) as error:  # it has gone meanwhile
        logger.warning("%s is not reported: %s", group, error)


def _undone(one: UndoneMessages) -> Iterator[str]:
    told = (
        f"consumerGroup={one.consumer_group}, topic={one.topic},"
        f" undoneMsgsTotal={one.undone_msgs_total},"
        f" undoneMsgsSingleMQ={one.undone_msgs_single_mq},"
        f" undoneMsgsDelayTimeMills={one.undone_msgs_delay_time_mills}"
    )
    yield f"[MONITOR] reportUndoneMsgs: UndoneMsgs [{told}]"


def _members(one: MembersReport) -> Iterator[str]:
    start = f"[MONITOR]  [NOTIFY] reportConsumerRunningInfo: ConsumerGroup: {one.consumer_group},"
    if not one.subscriptions_agree:
        yield f"{start} Subscription different"
    for line in one.stuck:
        yield f"{start} ClientId: {line.split()[0]}, {line}"
