"""``rmqwire admin``: messages found by id, key, unique key and offset, and their traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rmqwire.admin.message_query import MAX_NUM, KeyType
from rmqwire.admin.message_text import direct_result_text, index_key
from rmqwire.cli.admin.message_send import resend
from rmqwire.cli.admin.message_shown import Shown, message_row, shown_lines
from rmqwire.cli.admin.printing import row
from rmqwire.cli.admin.verb import topic_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.cli.runner import Failure
from rmqwire.client.message_queries import LONG_MAX, MOST_OF_ONE_ID
from rmqwire.clock import wall_ms
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.bodies.stats import time_text as date_text
from rmqwire.codec.message_id import is_message_id, unique_id_ip, unique_id_time_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rmqwire.cli.admin.verb import Call
    from rmqwire.client.message_ext import MessageExt

NOT_FOUND = "query message by key finished, but no message."  # MQAdminImpl's
KEY_ROW = "%-50s %4s %40s %-200s"

id_option = click.option(
    "-i", "--msgId", "msg_id", type=TEXT, required=True, metavar="ID", help="Id of the message."
)
cluster_option = click.option(
    "-c", "--cluster", "cluster", type=TEXT, metavar="NAME", help="Only brokers of this cluster."
)
format_option = click.option(
    "-f", "--bodyFormat", "charset", type=TEXT, metavar="CHARSET", help="Show the body, so encoded."
)
queue_id_option = click.option(
    "-i", "--queueId", "queue_id", type=int, required=True, help="Which queue."
)
begin_option = click.option(
    "-b", "--beginTimestamp", "begin_ms", type=int, default=0, help="Stored from then, epoch ms."
)
end_option = click.option(
    "-e",
    "--endTimestamp",
    "end_ms",
    type=int,
    default=LONG_MAX,
    help="Stored until then, epoch ms.",
)


def push_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a consumer to hand the message to."""
    client = click.option(
        "-d", "--clientId", "client_id", type=TEXT, metavar="ID", help="Which of its clients."
    )
    group = click.option(
        "-g", "--consumerGroup", "group", type=TEXT, metavar="NAME",
        help="Let a push consumer of this group consume it now, see -d.",
    )  # fmt: skip
    return group(client(function))


@verb(
    "queryMsgById",
    example="queryMsgById -n 127.0.0.1:9876 -t Orders -i 7F000001000051AF000000000000B9D3",
)
@topic_option
@id_option
@push_options
@click.option(
    "-s", "--sendMessage", "resends", type=bool, default=False, help="Send it once more instead."
)
@click.option(
    "-u", "--unitName", "unit", type=TEXT, metavar="NAME", help="Taken and not used, see -s."
)
@format_option
@cluster_option
async def query_msg_by_id(  # noqa: PLR0913, PLR0917  one for each option
    call: Call,
    topic: str,
    msg_id: str,
    group: str | None,
    client_id: str | None,
    resends: bool,
    unit: str | None,
    charset: str | None,
    cluster: str | None,
) -> None:
    """Show the message of an id, the broker's or the producer's; several ids are joined by commas.

    Its body goes into a file below /tmp/rocketmq/msgbodys. With -g and -d it is handed to a consumer
    instead, as if it had been delivered.
    """
    del unit
    for one in filter(None, (part.strip() for part in msg_id.split(","))):
        if group is not None and client_id is not None:
            await _push(call, group, client_id, topic, one)
            continue
        if resends:
            if not await resend(call, topic, one, cluster):
                raise Failure(f"no message. msgId={one}")
            continue
        message = await call.admin.query_msg_by_id(topic, one, cluster=cluster)
        if message is None:
            raise Failure(NOT_FOUND)
        await show(call, message, message.properties, charset=charset)


async def show(call: Call, message: MessageExt, properties: dict[str, str], **how: Any) -> None:  # noqa: ANN401  fields of Shown
    """Print a message with what its groups have done with it."""
    tracks = await call.admin.message_track(message)
    shown = Shown(message, properties, tracks, **how)
    if call.as_json:
        call.tell([shown.as_json()], lambda _: ())
    else:
        call.tell([shown], shown_lines)


async def _push(call: Call, group: str, client_id: str, topic: str, msg_id: str) -> None:
    result = await call.admin.consume_message_directly(group, client_id, topic, msg_id)
    call.tell([result], lambda one: [direct_result_text(one)])


@verb("queryMsgByKey", example="queryMsgByKey -n 127.0.0.1:9876 -t Orders -k order-17")
@topic_option
@click.option("-k", "--msgKey", "key", type=TEXT, required=True, metavar="KEY", help="Which key.")
@begin_option
@end_option
@click.option(
    "-m", "--maxNum", "max_num", type=int, default=MAX_NUM, show_default=True,
    help="So many of each broker at most.",
)  # fmt: skip
@cluster_option
@click.option(
    "-p", "--keyType", "key_type", type=click.Choice(["K", "T"]), default="K", show_default=True,
    help="K: a key; T: a tag (brokers of 5.5).",
)  # fmt: skip
@click.option(
    "-l", "--lastKey", "last_key", type=TEXT, metavar="KEY", help="Go on behind this #IndexKey."
)
async def query_msg_by_key(  # noqa: PLR0913, PLR0917  one for each option
    call: Call,
    topic: str,
    key: str,
    begin_ms: int,
    end_ms: int,
    max_num: int,
    cluster: str | None,
    key_type: KeyType,
    last_key: str | None,
) -> None:
    """List the messages of a topic that have a key."""
    found = await call.admin.query_msg_by_key(
        topic, key, begin_ms=begin_ms, end_ms=end_ms, max_num=max_num, key_type=key_type,
        last_key=last_key, cluster=cluster,
    )  # fmt: skip
    if not found:
        raise Failure(NOT_FOUND)
    if call.as_json:
        call.tell([message_row(one) for one in found], lambda _: ())
        return
    heading = [row(KEY_ROW, "#Message ID", "#QID", "#Offset", "#IndexKey")]

    def lines(message: MessageExt) -> Iterator[str]:
        place = message.queue_id, message.queue_offset
        yield row(KEY_ROW, message.msg_id, *place, index_key(message, topic, key, key_type))

    call.tell(found, lines, heading)


@verb(
    "queryMsgByUniqueKey",
    example="queryMsgByUniqueKey -n 127.0.0.1:9876 -t Orders -i 7F0000012B354E0E2F2A678C37EE0034",
)
@id_option
@push_options
@topic_option
@click.option(
    "-a", "--showAll", "show_all", is_flag=True,
    help=f"Show all messages of this id, the oldest first, {MOST_OF_ONE_ID} of each broker at most.",
)  # fmt: skip
@cluster_option
@click.option(
    "-s", "--startTime", "begin_ms", type=int, default=0, help="Stored from then, epoch ms."
)
@click.option(
    "-e", "--endTime", "end_ms", type=int, default=LONG_MAX, help="Stored until then, epoch ms."
)
async def query_msg_by_unique_key(  # noqa: PLR0913, PLR0917  one for each option
    call: Call,
    msg_id: str,
    group: str | None,
    client_id: str | None,
    topic: str,
    show_all: bool,
    cluster: str | None,
    begin_ms: int,
    end_ms: int,
) -> None:
    """Show the message that a producer gave an id, or all of that id.

    Retries, and what was sent again, keep their id.
    """
    if group is not None and client_id is not None:
        await _push(call, group, client_id, topic, msg_id)
        return
    found = await call.admin.query_msg_by_unique_key(
        topic, msg_id, begin_ms=begin_ms, end_ms=end_ms, cluster=cluster
    )
    if not found:
        raise Failure(NOT_FOUND)
    for index, message in enumerate(found if show_all else found[:1]):
        await show(call, message, message.properties, index=index, names_record=False)


@verb(
    "queryMsgByOffset",
    example="queryMsgByOffset -n 127.0.0.1:9876 -t Orders -b broker-a -i 0 -o 17",
)
@topic_option
@click.option(
    "-b",
    "--brokerName",
    "broker_name",
    type=TEXT,
    required=True,
    metavar="NAME",
    help="Whose queue.",
)
@queue_id_option
@click.option("-o", "--offset", "offset", type=int, required=True, help="Which message of it.")
@format_option
@click.option(
    "-r", "--routeTopic", "route_of", type=TEXT, metavar="NAME",
    help="Where it is, as this topic's route says.",
)  # fmt: skip
async def query_msg_by_offset(
    call: Call,
    topic: str,
    broker_name: str,
    queue_id: int,
    offset: int,
    charset: str | None,
    route_of: str | None,
) -> None:
    """Show the message at an offset of a queue."""
    queue = MessageQueue(topic, broker_name, queue_id)
    pulled = await call.admin.query_msg_by_offset(queue, offset, route_of=route_of)
    if pulled is None:
        raise Failure(f"no message at offset {offset} of queue {queue_id} of {topic}")
    await show(call, pulled.message, pulled.properties, charset=charset)


@verb(
    "decodeMessageId",
    example="decodeMessageId -i 7F0000012B354E0E2F2A678C37EE0034",
    namesrv="optional",
)
@id_option
async def decode_message_id(call: Call, msg_id: str) -> None:
    """Show what a producer's message id says: the client's address, and when it was made."""
    if not is_message_id(msg_id):
        raise Failure(f"{msg_id!r} is no message id: 32 or 56 hex digits")
    found = {"ip": unique_id_ip(msg_id), "date": date_text(unique_id_time_ms(msg_id, wall_ms()))}
    call.tell([found], lambda one: [f"ip={one['ip']}", f"date={one['date']}"])
