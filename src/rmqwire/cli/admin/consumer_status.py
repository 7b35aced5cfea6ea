"""``rmqwire admin``: what consumers tell of themselves, once or again and again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rmqwire.admin.running_info import stuck_queues, subscriptions_agree
from rmqwire.cli.admin.printing import row
from rmqwire.cli.admin.running_info import running_info_lines
from rmqwire.cli.admin.verb import group_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.cli.output import say, warn
from rmqwire.cli.runner import FAILED
from rmqwire.clock import wall_ms
from rmqwire.codec.mq_version import version_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.admin.connection import Member
    from rmqwire.cli.admin.verb import Call
    from rmqwire.codec.bodies import ConsumerRunningInfo

MEMBERS = "%-10s %-40s %-20s %s"


@verb("consumerStatus", example="consumerStatus -n 127.0.0.1:9876 -g readers")
@group_option("--consumerGroup")
@click.option("-i", "--clientId", "client_id", type=TEXT, help="Show this member, write no file.")
@click.option("-b", "--brokerAddr", "broker_addr", type=TEXT, help="Ask this broker for them.")
@click.option("-s", "--jstack", is_flag=True, help="With the stacks of their threads.")
async def consumer_status(
    call: Call, group: str, client_id: str | None, broker_addr: str | None, jstack: bool
) -> None:
    """Write what each member of a consumer group tells into a file, and say what is wrong.

    The files are CLIENT_ID in a folder here, which is named as the time in ms.
    """
    if client_id is not None:
        info = await call.admin.consumer_running_info(group, client_id, jstack=jstack)
        call.tell([info], running_info_lines)
        return
    members = await call.admin.consumer_status(group, broker_addr, jstack=jstack)
    if call.as_json:
        call.tell(members, lambda _: [])
        return
    now = wall_ms()
    say(row(MEMBERS, "#Index", "#ClientId", "#Version", "#ConsumerRunningInfoFile"))
    told: dict[str, ConsumerRunningInfo] = {}
    for member in members:
        if member.info is None:
            warn(f"{member.connection.client_id}: {member.fault}")
            call.outcome.code = FAILED
            continue
        told[member.connection.client_id] = member.info
        say(_kept(member, member.info, len(told), str(now)))
    for line in _judged(told, now) if told else ():
        say(line)


def _kept(member: Member, info: ConsumerRunningInfo, index: int, folder: str) -> str:
    """Write a member's file; return the line that names it.

    Raises:
        OSError: it can't be written.
    """
    one = member.connection
    path = Path(folder, one.client_id.replace("/", "_"))  # another machine chose this name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in running_info_lines(info)), "utf-8")
    return row(MEMBERS, index, one.client_id, version_name(one.version), str(path))


def _judged(told: dict[str, ConsumerRunningInfo], now_ms: int) -> Iterator[str]:
    yield from ("", "")
    if not subscriptions_agree(told, now_ms):
        yield "WARN: Different subscription in the same group of consumer!!!"
        return
    yield from ("Same subscription in the same group of consumer", "", "Rebalance OK")
    for client_id, info in sorted(told.items()):
        yield from stuck_queues(client_id, info, now_ms)
