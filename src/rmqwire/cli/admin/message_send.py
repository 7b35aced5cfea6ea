"""``rmqwire admin``: single messages sent by hand, and how long that takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from rmqwire.admin.dead_letter import sendable
from rmqwire.admin.message_text import send_result_text
from rmqwire.cli.admin.printing import row
from rmqwire.cli.admin.sending import producer_of
from rmqwire.cli.admin.verb import topic_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.cli.output import warn
from rmqwire.cli.runner import FAILED
from rmqwire.clock import mono_ms
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.message import Message
from rmqwire.errors import RmqError, RouteNotFound

if TYPE_CHECKING:
    from rmqwire.cli.admin.verb import Call
    from rmqwire.producer.producer import Producer

ROW = "%-32s  %-4s  %-20s    %s"
GROUP = "rmqwire_admin"


@verb("sendMessage", example="sendMessage -n 127.0.0.1:9876 -t Orders -p tea -k order-17")
@topic_option
@click.option("-p", "--body", "body", type=TEXT, required=True, metavar="TEXT", help="Its body.")
@click.option("-k", "--key", "keys", type=TEXT, metavar="KEY", help="Its key, or several.")
@click.option("-c", "--tags", "tags", type=TEXT, metavar="TAG", help="Its tag.")
@click.option(
    "-b", "--broker", "broker_name", type=TEXT, metavar="NAME", help="To a queue of this broker."
)
@click.option("-i", "--qid", "queue_id", type=int, help="To this queue; -b names its broker.")
@click.option(
    "-m", "--msgTraceEnable", "traced", type=bool, default=False, help="Whether to leave a trace."
)
async def send_message(
    call: Call,
    /,
    topic: str,
    body: str,
    keys: str | None,
    tags: str | None,
    broker_name: str | None,
    queue_id: int | None,
    traced: bool,
) -> None:
    """Send a message."""
    if queue_id is not None and broker_name is None:
        raise click.UsageError("Broker name must be set if the queue is chosen!")
    message = Message(topic, body.encode(), tags=tags, keys=keys)
    async with producer_of(call, GROUP, enable_trace=traced) as producer:
        queue = (
            None if broker_name is None else await _queue_of(producer, topic, broker_name, queue_id)
        )
        result = await producer.send(message, queue=queue)
    place = result.message_queue
    call.done(
        result,
        row(ROW, "#Broker Name", "#QID", "#Send Result", "#MsgId"),
        row(ROW, place.broker_name, place.queue_id, result.send_status.value, result.msg_id),
    )


async def _queue_of(
    producer: Producer, topic: str, broker_name: str, queue_id: int | None
) -> MessageQueue:
    """Return the queue that was named, or the first of its broker that takes messages."""
    if queue_id is not None:
        return MessageQueue(topic, broker_name, queue_id)
    for queue in sorted(await producer.fetch_publish_message_queues(topic)):
        if queue.broker_name == broker_name:
            return queue
    raise RouteNotFound(f"no queue of {topic} at {broker_name} takes messages")


@dataclass(frozen=True, slots=True)
class Try:
    """One send of a series, and how long it took.

    Args:
        broker_name: whom to.
        queue_id: which queue.
        success: whether it was stored.
        rt_ms: how long that took.
    """

    broker_name: str
    queue_id: int
    success: bool
    rt_ms: int


@verb("checkMsgSendRT", example="checkMsgSendRT -n 127.0.0.1:9876 -t Orders -a 10 -s 128")
@topic_option
@click.option("-a", "--amount", type=click.IntRange(1), default=100, help="Messages: 100.")
@click.option("-s", "--size", type=click.IntRange(1), default=128, help="Bytes of a body: 128.")
async def check_msg_send_rt(call: Call, topic: str, amount: int, size: int) -> None:
    """Send messages to a topic's queues in turn, and show how long each takes."""
    call.tell([], lambda _: (), [row(ROW, "#Broker Name", "#QID", "#Send Result", "#RT")])
    spent = 0
    async with producer_of(call, GROUP) as producer:
        queues = sorted(await producer.fetch_publish_message_queues(topic))
        for number in range(amount):
            found = await _try(producer, queues[number % len(queues)], b"a" * size)
            if not found.success:
                call.outcome.code = FAILED
            success = str(found.success).lower()
            line = row(ROW, found.broker_name, found.queue_id, success, found.rt_ms)
            call.done(found, line)
            if number:  # the first one makes the connection
                spent += found.rt_ms
    if not call.as_json:
        average = f"{spent / (amount - 1):.2f}" if amount > 1 else "NaN"
        call.done(None, f"Avg RT: {average}")


async def _try(producer: Producer, queue: MessageQueue, body: bytes) -> Try:
    begin = mono_ms()
    try:
        await producer.send(Message(queue.topic, body), queue=queue)
    except RmqError as error:
        warn(str(error))
        return Try(queue.broker_name, queue.queue_id, False, mono_ms() - begin)
    return Try(queue.broker_name, queue.queue_id, True, mono_ms() - begin)


async def resend(call: Call, topic: str, msg_id: str, cluster: str | None) -> bool:
    """Send a message once more, as its producer did (``queryMsgById -s true``); False: there is none."""
    found = await call.admin.query_msg_by_id(topic, msg_id, cluster=cluster)
    if found is None:
        return False
    message = Message(topic, found.body, flag=found.flag)
    message.properties |= sendable(found)
    async with producer_of(call, GROUP) as producer:
        result = await producer.send(message)
    heading = f"prepare resend msg. originalMsgId={msg_id}"
    call.done(result, heading, send_result_text(result))
    return True
