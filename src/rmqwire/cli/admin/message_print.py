"""``rmqwire admin``: messages printed queue by queue, and what traces tell of one."""

from __future__ import annotations

import codecs
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from rmqwire.admin.message_pull import PULL_NUMS
from rmqwire.admin.message_query import MAX_NUM
from rmqwire.admin.message_text import printed_line, queue_text
from rmqwire.admin.message_trace import TRACE_TOPIC
from rmqwire.cli.admin.message import begin_option, end_option, id_option, queue_id_option
from rmqwire.cli.admin.message_shown import message_row
from rmqwire.cli.admin.moments import MOMENT
from rmqwire.cli.admin.printing import row
from rmqwire.cli.admin.verb import topic_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.cli.output import say
from rmqwire.clock import wall_ms
from rmqwire.codec.bodies import MessageQueue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from rmqwire.admin.message_pull import PullBatch, QueuePart
    from rmqwire.admin.message_text import PulledMessage
    from rmqwire.admin.message_trace import Trace
    from rmqwire.cli.admin.verb import Call

RULE: Final = "-" * 56
TRACE_ROW: Final = "%-10s %-20s %-20s %-20s %-10s %-10s"
MOST: Final = 128  # messages of consumeMessage
AT_END: Final = frozenset(("NO_NEW_MSG", "OFFSET_ILLEGAL"))


class Charset(click.ParamType[str]):
    """A name of an encoding that Python knows."""

    name = "charset"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse one that it doesn't."""
        try:
            return codecs.lookup(value.strip()).name
        except LookupError:
            self.fail(f"{value!r} is no encoding", param, ctx)


charset_option = click.option(
    "-c", "--charsetName", "charset", type=Charset(), default="UTF-8", show_default=True,
    help="Encoding of the bodies.",
)  # fmt: skip
tags_option = click.option(
    "-s", "--subExpression", "expression", type=TEXT, default="*", show_default=True,
    metavar="TAGS", help="Only these tags, joined by '||'.",
)  # fmt: skip
from_option = click.option(
    "-b", "--beginTimestamp", "begin_ms", type=MOMENT,
    help="Stored from then: epoch ms or yyyy-MM-dd#HH:mm:ss:SSS.",
)  # fmt: skip
until_option = click.option(
    "-e", "--endTimestamp", "end_ms", type=MOMENT, help="Stored before then."
)


@verb("printMsg", example="printMsg -n 127.0.0.1:9876 -t Orders -s TagA")
@topic_option
@charset_option
@tags_option
@from_option
@until_option
@click.option(
    "-d", "--printBody", "print_body", type=bool, default=True, show_default=True,
    help="Whether to show bodies.",
)  # fmt: skip
@click.option(
    "-l", "--lmqParentTopic", "route_of", type=TEXT, metavar="NAME",
    help="Where it is, as this topic's route says.",
)  # fmt: skip
async def print_msg(
    call: Call,
    topic: str,
    charset: str,
    expression: str,
    begin_ms: int | None,
    end_ms: int | None,
    print_body: bool,
    route_of: str | None,
) -> None:
    """Print the messages that a topic holds, queue by queue."""
    parts = await call.admin.queue_parts(topic, begin_ms=begin_ms, end_ms=end_ms, route_of=route_of)
    for part in parts:
        queue = queue_text(part.queue)
        if not call.as_json:
            say(f"minOffset={part.min_offset}, maxOffset={part.max_offset}, {queue}")
        async for batch in _batches(call, part, expression):
            _tell_messages(call, batch.messages, charset if print_body else None)
            if batch.status != "FOUND" and not call.as_json:
                ended = "print msg finished" if batch.status in AT_END else "no matched msg"
                say(f"{queue} {ended}. status={batch.status}, offset={batch.next_offset}")
        if not call.as_json:
            say(RULE)


async def _batches(call: Call, part: QueuePart, expression: str) -> AsyncIterator[PullBatch]:
    """Yield pulls until the part's end, or until there is nothing to be found."""
    offset = part.min_offset
    while offset < part.max_offset:
        batch = await call.admin.pull_batch(part.addr, part.queue, offset, PULL_NUMS, expression)
        yield batch
        if batch.status in AT_END or batch.next_offset <= offset:
            return
        offset = batch.next_offset


def _tell_messages(call: Call, messages: Sequence[PulledMessage], charset: str | None) -> None:
    if call.as_json:
        call.tell([message_row(one.message) for one in messages], lambda _: ())
    else:
        call.tell(messages, lambda one: [printed_line(one, charset)])


@verb(
    "printMsgByQueue",
    example="printMsgByQueue -n 127.0.0.1:9876 -t Orders -a broker-a -i 0 -p true",
)
@topic_option
@click.option(
    "-a",
    "--brokerName",
    "broker_name",
    type=TEXT,
    required=True,
    metavar="NAME",
    help="Whose queue.",
)
@queue_id_option
@charset_option
@tags_option
@from_option
@until_option
@click.option(
    "-p", "--printMsg", "shows", type=bool, default=False, help="Whether to print messages."
)
@click.option(
    "-d", "--printBody", "print_body", type=bool, default=False, help="Whether to show bodies too."
)
@click.option(
    "-f", "--calculate", "counts", type=bool, default=False, help="Whether to count tags."
)
async def print_msg_by_queue(  # noqa: PLR0913, PLR0917  one for each option
    call: Call,
    topic: str,
    broker_name: str,
    queue_id: int,
    charset: str,
    expression: str,
    begin_ms: int | None,
    end_ms: int | None,
    shows: bool,
    print_body: bool,
    counts: bool,
) -> None:
    """Print the messages of one queue (-p true), and count their tags (-f true)."""
    addr = await call.admin.master_of(broker_name, topic)
    queue = MessageQueue(topic, broker_name, queue_id)
    part = await call.admin.queue_part(addr, queue, begin_ms=begin_ms, end_ms=end_ms)
    tags: Counter[str] = Counter()
    async for batch in _batches(call, part, expression):
        tags.update(tag for one in batch.messages if (tag := one.message.tags) and tag.strip())
        if shows:
            _tell_messages(call, batch.messages, charset if print_body else None)
    if counts:
        found = [{"tag": tag, "count": count} for tag, count in tags.most_common()]
        call.tell(found, lambda one: [row("Tag: %-30s Count: %s", one["tag"], one["count"])])


@verb("consumeMessage", example="consumeMessage -n 127.0.0.1:9876 -t Orders -c 10")
@topic_option
@click.option(
    "-b", "--brokerName", "broker_name", type=TEXT, metavar="NAME", help="Whose queue, see -i."
)
@click.option("-i", "--queueId", "queue_id", type=int, help="Only this queue; -b names its broker.")
@click.option("-o", "--offset", "offset", type=int, help="From this message on; needs -i.")
@click.option(
    "-g", "--consumerGroup", "group", type=TEXT, metavar="NAME",
    help="Taken and not used: reading leaves no trace at a group.",
)  # fmt: skip
@click.option("-s", "--beginTimestamp", "begin_ms", type=MOMENT, help="Stored from then.")
@click.option("-e", "--endTimestamp", "end_ms", type=MOMENT, help="Stored before then.")
@click.option(
    "-c", "--MessageNumber", "most", type=click.IntRange(min=1), default=MOST, show_default=True,
    help="So many messages at most.",
)  # fmt: skip
async def consume_message(  # noqa: PLR0913, PLR0917  one for each option
    call: Call,
    topic: str,
    broker_name: str | None,
    queue_id: int | None,
    offset: int | None,
    group: str | None,
    begin_ms: int | None,
    end_ms: int | None,
    most: int,
) -> None:
    """Print the oldest messages of a topic or a queue; no group's offsets move."""
    del group
    _check_times(begin_ms, end_ms)
    if queue_id is None:
        if offset is not None:
            raise click.UsageError("Please set queueId before offset!")
        parts = await call.admin.queue_parts(topic, begin_ms=begin_ms, end_ms=end_ms)
    else:
        if broker_name is None:
            raise click.UsageError("Please set the brokerName before queueId!")
        addr = await call.admin.master_of(broker_name, topic)
        queue = MessageQueue(topic, broker_name, queue_id)
        parts = [await call.admin.queue_part(addr, queue, begin_ms=begin_ms, end_ms=end_ms)]
    for part in parts:
        begin = max(part.min_offset, offset or 0)
        if begin > part.max_offset:
            say(f"{queue_text(part.queue)} no matched msg, offset={offset}")
            continue
        most -= await _consume(call, part, begin, most)
        if most <= 0:
            return


def _check_times(begin_ms: int | None, end_ms: int | None) -> None:
    now = wall_ms()
    if begin_ms is not None and begin_ms > now:
        raise click.UsageError("Please set the beginTimestamp before now!")
    if end_ms is not None and end_ms > now:
        raise click.UsageError("Please set the endTimestamp before now!")
    if begin_ms is not None and end_ms is not None and begin_ms > end_ms:
        raise click.UsageError(
            "Please make sure that the beginTimestamp is less than or equal to the endTimestamp"
        )


async def _consume(call: Call, part: QueuePart, begin: int, most: int) -> int:
    """Print messages of a part from an offset on, at most so many; return how many they were."""
    queue, end = part.queue, min(part.max_offset, begin + most)
    if end < part.max_offset and not call.as_json:
        say(f"The older {most} message of the {queue.queue_id} queue will be provided")
    offset, count = begin, 0
    while offset < end:
        batch = await call.admin.pull_batch(part.addr, queue, offset, min(PULL_NUMS, end - offset))
        if batch.messages and not call.as_json:
            say("Consume ok")
        _tell_messages(call, batch.messages, "utf-8")
        count += len(batch.messages)
        if batch.status in AT_END or batch.next_offset <= offset:
            break
        offset = batch.next_offset
    if end == part.max_offset and not call.as_json:
        say(f"{queue_text(queue)} print msg finished. status=NO_NEW_MSG, offset={end}")
    return count


@verb(
    "queryMsgTraceById",
    example="queryMsgTraceById -n 127.0.0.1:9876 -i 7F0000012B354E0E2F2A678C37EE0034",
)
@id_option
@click.option(
    "-t", "--traceTopic", "trace_topic", type=TEXT, default=TRACE_TOPIC, show_default=True,
    metavar="NAME", help="Where traces are.",
)  # fmt: skip
@begin_option
@end_option
@click.option(
    "-c", "--maxNum", "max_num", type=int, default=MAX_NUM, show_default=True,
    help="So many messages with traces at most.",
)  # fmt: skip
async def query_msg_trace_by_id(
    call: Call, msg_id: str, trace_topic: str, begin_ms: int, end_ms: int, max_num: int
) -> None:
    """Show who sent a message and who consumed it, as their traces tell."""
    found = await call.admin.query_msg_trace_by_id(
        msg_id, trace_topic=trace_topic, begin_ms=begin_ms, end_ms=end_ms, max_num=max_num
    )
    if call.as_json:
        call.tell(found, lambda _: ())
    else:
        call.tell([found], _trace_lines)


def _trace_lines(traces: Sequence[Trace]) -> Iterator[str]:
    """Yield a table for each send, then one for each group that consumed it."""
    groups: dict[str | None, list[Trace]] = {}
    for trace in traces:
        if trace.view.kind == "Pub":
            yield _trace_row("#Type", "#ProducerGroup", "#ClientHost", "#SendTime")
            yield _trace_cells("Pub", trace)
            yield ""
        elif trace.view.kind == "SubAfter":
            groups.setdefault(trace.view.group, []).append(trace)
    for of_group in groups.values():
        yield _trace_row("#Type", "#ConsumerGroup", "#ClientHost", "#ConsumerTime")
        for trace in of_group:
            yield _trace_cells("Sub", trace)
        yield ""


def _trace_row(*names: str) -> str:
    return row(TRACE_ROW, *names, "#CostTimes", "#Status")


def _trace_cells(kind: str, trace: Trace) -> str:
    view = trace.view
    time = datetime.fromtimestamp(view.timestamp // 1000)  # noqa: DTZ006  local time, as Java's tool
    status = "success" if view.success else "failed"
    cells = (kind, view.group, trace.client_host, f"{time:%Y-%m-%d %H:%M:%S}", f"{view.cost_ms}ms")
    return row(TRACE_ROW, *cells, status)
