"""``rmqwire admin``: messages sent to see how long that takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import click
import trio

from rmqwire.admin.message_text import send_result_text
from rmqwire.cli.admin.printing import row
from rmqwire.cli.admin.verb import cluster_option, verb
from rmqwire.cli.credentials import found_credentials
from rmqwire.cli.options import TEXT
from rmqwire.cli.output import warn
from rmqwire.cli.runner import Failure
from rmqwire.clock import mono_ms
from rmqwire.codec.message import Message
from rmqwire.errors import RmqError
from rmqwire.producer.producer import Producer

if TYPE_CHECKING:
    from rmqwire.cli.admin.verb import Call
    from rmqwire.producer.results import SendResult

HEADING = "%-24s  %-24s  %-4s  %-8s  %-8s"
ROW = "%-24s  %-24s  %-8s  %-16s  %-16s"
TLOG_ZONE = timezone(timedelta(hours=8))  # CLusterSendMsgRTCommand.getCurTime
GREETING = b"hello jodie"  # SendMsgStatusCommand


def producer_of(call: Call, group: str, **config: Any) -> Producer:  # noqa: ANN401  fields of ProducerConfig
    """Return a producer to the cluster that is asked, which signs as the verbs do."""
    namesrv_addr = ";".join(call.admin.namesrv_addrs)
    return Producer(group, namesrv_addr=namesrv_addr, credentials=found_credentials(), **config)


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that was stored, and how many ms that took."""

    rt_ms: int
    result: SendResult


@verb("sendMsgStatus", example="sendMsgStatus -n 127.0.0.1:9876 -b broker-a -s 1000 -c 5")
@click.option("-b", "--brokerName", "broker_name", type=TEXT, required=True, help="Which broker.")
@click.option(
    "-s", "--messageSize", "size", type=click.IntRange(1), default=128, help="Bytes of a body: 128."
)
@click.option("-c", "--count", type=click.IntRange(0), default=50, help="How many to send: 50.")
async def send_msg_status(call: Call, broker_name: str, size: int, count: int) -> None:
    """Send messages to a broker's own topic and show how long each takes."""
    async with producer_of(call, "PID_SMSC") as producer:
        await producer.send(Message(broker_name, _greeting(16)))
        for _ in range(count):
            begin = mono_ms()
            result = await producer.send(Message(broker_name, _greeting(size)))
            sent = Sent(mono_ms() - begin, result)
            call.done(sent, f"rt={sent.rt_ms}ms, SendResult={send_result_text(result)}")


def _greeting(size: int) -> bytes:
    """Return a body of whole greetings, of this size at least."""
    return GREETING * -(-size // len(GREETING))


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """What sends to one broker took.

    Args:
        cluster: its cluster's name.
        broker_name: its name.
        rt_ms: of one message, on average; the first is not counted.
        success_count: messages stored.
        fail_count: messages that were not.
    """

    cluster: str
    broker_name: str
    rt_ms: float
    success_count: int
    fail_count: int


@verb("clusterRT", example="clusterRT -n 127.0.0.1:9876 -a 100 --rounds 1")
@click.option(
    "-a", "--amount", type=click.IntRange(1), default=100, help="Messages of a round: 100."
)
@click.option("-s", "--size", type=click.IntRange(1), default=128, help="Bytes of a body: 128.")
@cluster_option
@click.option("-p", "--print", "as_tlog", type=bool, default=False, help="As log lines: true.")
@click.option(
    "-m", "--machine", "room", type=TEXT, default="noname", help="For them: a room's name."
)
@click.option(
    "-i", "--interval", type=click.IntRange(0), default=10, help="Seconds between rounds: 10."
)
@click.option("--rounds", type=click.IntRange(1), help="End after so many; else when interrupted.")
async def cluster_rt(
    call: Call,
    /,
    amount: int,
    size: int,
    cluster: str | None,
    as_tlog: bool,
    room: str,
    interval: int,
    rounds: int | None,
) -> None:
    """Send messages to every broker again and again, and show how long that takes."""
    heading = row(HEADING, "#Cluster Name", "#Broker Name", "#RT", "#successCount", "#failCount")
    call.tell([], _line, [] if as_tlog else [heading])
    done = 0
    async with producer_of(call, "rmqwire_clusterRT") as producer:
        while True:
            for name, broker_name in await _brokers(call, cluster):
                found = await _round(producer, name, broker_name, amount, b"a" * size)
                call.done(found, _tlog(found, room) if as_tlog else _line(found)[0])
            done += 1
            if done == rounds:
                return
            await trio.sleep(interval)


async def _brokers(call: Call, cluster: str | None) -> list[tuple[str, str]]:
    table = (await call.admin.cluster_info()).cluster_addr_table
    if cluster is not None and cluster not in table:
        raise Failure(f"cluster [{cluster}] not exist")
    names = table if cluster is None else [cluster]
    return [(name, broker) for name in names for broker in sorted(table[name])]


async def _round(
    producer: Producer, cluster: str, broker_name: str, amount: int, body: bytes
) -> RoundTrip:
    spent = failed = 0
    for number in range(amount):
        begin = mono_ms()
        try:
            await producer.send(Message(broker_name, body))
        except RmqError as error:
            if not failed:
                warn(f"{broker_name}: {error}")
            failed += 1
        if number:  # the first one makes the connection
            spent += mono_ms() - begin
    return RoundTrip(cluster, broker_name, spent / max(amount - 1, 1), amount - failed, failed)


def _line(found: RoundTrip) -> list[str]:
    rt = f"{found.rt_ms:.2f}"
    line = row(ROW, found.cluster, found.broker_name, rt, found.success_count, found.fail_count)
    return [line]


def _tlog(found: RoundTrip, room: str) -> str:
    now = datetime.now(UTC).astimezone(TLOG_ZONE)
    rounded = Decimal(found.rt_ms).quantize(Decimal(1), ROUND_HALF_UP)
    return f"{now:%Y-%m-%d %H:%M:%S}|{room}|{found.cluster}|{found.broker_name}|{rounded}"
