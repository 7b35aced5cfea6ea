"""``rmqwire admin``: the offsets of consumer groups, moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from rmqwire.admin.offset import TO_THE_END
from rmqwire.broker_errors import ConsumerNotOnline
from rmqwire.cli.admin.moments import milliseconds
from rmqwire.cli.admin.printing import front, java_text, row
from rmqwire.cli.admin.verb import group_option, topic_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.clock import wall_ms
from rmqwire.codec.bodies import MessageQueue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rmqwire.cli.admin.verb import Call
    from rmqwire.codec.bodies import RollbackStats

MOVED = "%-40s  %-40s  %-40s"
WRITTEN = "%-20s  %-20s  %-20s  %-20s  %-20s  %-20s"
IN_MIND = "%-50s  %-15s  %-15s  %-20s"
LOST = "what it skips is never consumed, what lies behind is consumed again"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as the user wrote it, and as ms since the epoch."""

    text: str
    at_ms: int

    def __str__(self) -> str:
        return f"timestamp(string)[{self.text}], timestamp(long)[{self.at_ms}]"


class MomentType(click.ParamType[Moment]):
    """``now``, ms since the epoch (-1: behind the last message), or ``yyyy-MM-dd#HH:mm:ss:SSS``."""

    name = "time"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> Moment:
        """Read one of the three."""
        text = value.strip()
        if text == "now":
            return Moment(text, wall_ms())
        try:
            return Moment(text, int(text) if text.lstrip("-").isdigit() else milliseconds(text))
        except ValueError:
            self.fail(
                f"{text!r} is neither now, ms since the epoch nor yyyy-MM-dd#HH:mm:ss:SSS",
                param,
                ctx,
            )


time_option = click.option(
    "-s",
    "--timestamp",
    "moment",
    type=MomentType(),
    required=True,
    help="now, ms since the epoch (-1: behind the last message), or yyyy-MM-dd#HH:mm:ss:SSS.",
)
force_option = click.option(
    "-f", "--force", type=bool, default=True, help="false: only back, never forwards."
)
route_option = click.option(
    "-c", "--cluster", "cluster", type=TEXT, help="Of a light queue: where its parent topic is."
)


@dataclass(frozen=True, slots=True)
class Moved:
    """Where one queue goes on."""

    queue: MessageQueue
    offset: int


def _tell_moved(call: Call, offsets: Mapping[MessageQueue, int], *heading: str) -> None:
    call.tell(
        [Moved(queue, offset) for queue, offset in sorted(offsets.items())],
        lambda one: [row(MOVED, front(one.queue.broker_name, 32), one.queue.queue_id, one.offset)],
        [*heading, row(MOVED, "#brokerName", "#queueId", "#offset")],
    )


def _tell_written(call: Call, found: list[RollbackStats], last: str, *heading: str) -> None:
    titles = ("#brokerName", "#queueId", "#brokerOffset", "#consumerOffset", "#timestampOffset")
    call.tell(found, _written, [*heading, row(WRITTEN, *titles, last)])


def _written(one: RollbackStats) -> Iterator[str]:
    offsets = (one.broker_offset, one.consumer_offset, one.timestamp_offset, one.rollback_offset)
    yield row(WRITTEN, front(one.broker_name, 32), one.queue_id, *offsets)


def _asked(group_title: str, group: str, topic: str, force: bool, moment: Moment) -> str:
    return f"{group_title}[{group}], topic[{topic}], force[{java_text(force)}], {moment}"


@verb(
    "resetOffsetByTime",
    example="resetOffsetByTime -n 127.0.0.1:9876 -g readers -t Orders -s now --yes",
    loses=True,
)
@group_option("--group")
@topic_option
@time_option
@force_option
@route_option
@click.option("-b", "--broker", "broker_addr", type=TEXT, help="With -q: only at this broker.")
@click.option("-q", "--queue", "queue_id", type=int, help="With -b: only this queue.")
@click.option("-o", "--offset", type=int, help="With -b and -q: to this offset, not to a time.")
async def reset_offset_by_time(
    call: Call,
    group: str,
    topic: str,
    moment: Moment,
    force: bool,
    cluster: str | None,
    **single: Any,  # noqa: ANN401  the options of one queue
) -> None:
    """Let a consumer group go on at a time, its members too when it is online."""
    of_one = None not in {single["broker_addr"], single["queue_id"]}
    if not of_one and any(one is not None for one in single.values()):
        raise click.UsageError("-b and -q name one queue together, -o is an offset of it")
    if not call.confirmed(f"reset group {group} in topic {topic} to {moment.text}", LOST):
        return
    if of_one:
        await _reset_queue(call, group, topic, moment, **single)
        return
    try:
        moved = await call.admin.reset_offset_by_time(
            group, topic, moment.at_ms, force=force, cluster=cluster
        )
    except ConsumerNotOnline:
        await _write_offsets(call, group, topic, moment, force, cluster)
        return
    asked = _asked("group", group, topic, force, moment)
    _tell_moved(call, moved, f"start reset consumer offset by specified, {asked}")


async def _reset_queue(
    call: Call,
    group: str,
    topic: str,
    moment: Moment,
    broker_addr: str,
    queue_id: int,
    offset: int | None,
) -> None:
    if offset is None:
        offset = await call.admin.search_offset(broker_addr, topic, queue_id, moment.at_ms)
    await call.admin.reset_offset_of_queue(broker_addr, group, topic, queue_id, offset)
    where = f"group[{group}], topic[{topic}], queueId[{queue_id}], broker[{broker_addr}]"
    call.tell(
        [Moved(MessageQueue(topic, broker_addr, queue_id), offset)],
        lambda one: [f"reset consumer offset to {one.offset}"],
        [f"start reset consumer offset by specified, {where}, {moment}"],
    )


async def _write_offsets(
    call: Call, group: str, topic: str, moment: Moment, force: bool, cluster: str | None
) -> None:
    found = await call.admin.reset_offset_by_time_old(
        group, topic, moment.at_ms, force=force, cluster=cluster
    )
    asked = _asked("consumerGroup", group, topic, force, moment)
    _tell_written(call, found, "#resetOffset", f"reset consumer offset by specified {asked}")


@verb(
    "resetOffsetByTimeOld",
    example="resetOffsetByTimeOld -n 127.0.0.1:9876 -g readers -t Orders -s now --yes",
    loses=True,
)
@group_option("--group")
@topic_option
@time_option
@force_option
@route_option
async def reset_offset_by_time_old(
    call: Call, group: str, topic: str, moment: Moment, force: bool, cluster: str | None
) -> None:
    """Write a consumer group's offsets for a time into its brokers; its members must be stopped."""
    if call.confirmed(f"reset group {group} in topic {topic} to {moment.text}", LOST):
        await _write_offsets(call, group, topic, moment, force, cluster)


@verb(
    "skipAccumulatedMessage",
    example="skipAccumulatedMessage -n 127.0.0.1:9876 -g readers -t Orders --yes",
    loses=True,
)
@group_option("--group")
@topic_option
@force_option
@route_option
async def skip_accumulated_message(
    call: Call, group: str, topic: str, force: bool, cluster: str | None
) -> None:
    """Let a consumer group go on behind the last message: it never consumes what it has not yet."""
    if not call.confirmed(f"let group {group} skip all of topic {topic}", LOST):
        return
    try:
        moved = await call.admin.skip_accumulated_message(
            group, topic, force=force, cluster=cluster
        )
    except ConsumerNotOnline:
        found = await call.admin.reset_offset_by_time_old(
            group, topic, TO_THE_END, force=force, cluster=cluster
        )
        _tell_written(call, found, "#rollbackOffset")
        return
    _tell_moved(call, moved)


@verb(
    "cloneGroupOffset",
    example="cloneGroupOffset -n 127.0.0.1:9876 -s readers -d copies -t Orders --yes",
    loses=True,
)
@click.option("-s", "--srcGroup", "source", type=TEXT, required=True, help="Whose offsets.")
@click.option("-d", "--destGroup", "destination", type=TEXT, required=True, help="Who gets them.")
@topic_option
@click.option("-o", "--offline", type=bool, help="Without effect, as in mqadmin.")
async def clone_group_offset(
    call: Call, source: str, destination: str, topic: str, offline: bool | None
) -> None:
    """Give a consumer group the offsets that another has in a topic."""
    what = f"give group {destination} the offsets of {source} in topic {topic}"
    if not call.confirmed(what, f"those that {destination} has there are overwritten"):
        return
    cloned = await call.admin.clone_group_offset(source, destination, topic)
    groups = f"srcGroup[{source}], destGroup=[{destination}]"
    call.tell(
        [Moved(queue, offset) for queue, offset in cloned.items()],
        lambda _: (),
        [f"clone group offset success. {groups}, topic[{topic}]"],
    )


@dataclass(frozen=True, slots=True)
class InMind:
    """The offset of a queue that a member of a group has in mind."""

    client_id: str
    queue: MessageQueue
    offset: int


@verb("getConsumerStatus", example="getConsumerStatus -n 127.0.0.1:9876 -g readers -t Orders")
@group_option("--group")
@topic_option
@click.option("-i", "--originClientId", "client_id", type=TEXT, default="", help="Of this member.")
async def get_consumer_status(call: Call, group: str, topic: str, client_id: str) -> None:
    """Show the offsets that the members of a consumer group have in mind."""
    found = await call.admin.get_consumer_status(group, topic, client_id)
    asked = f"group={group}, topic={topic}, originClientId={client_id}"
    call.tell(
        [
            InMind(member, queue, offset)
            for member, offsets in found.items()
            for queue, offset in sorted(offsets.items())
        ],
        _in_mind,
        [
            f"get consumer status from client. {asked}",
            row(IN_MIND, "#clientId", "#brokerName", "#queueId", "#offset"),
        ],
    )


def _in_mind(one: InMind) -> Iterator[str]:
    where = (one.queue.broker_name, one.queue.queue_id)
    yield row(IN_MIND, front(one.client_id, 50), *where, one.offset)
