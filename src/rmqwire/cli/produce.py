"""``rmqwire produce``: send lines of stdin, or one body several times, as messages."""

from __future__ import annotations

import json
import os
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from rmqwire.cli.credentials import found_credentials
from rmqwire.cli.options import TEXT, namesrv_option
from rmqwire.cli.output import note, say, stdin_bytes
from rmqwire.cli.runner import Outcome, run
from rmqwire.cli.stdin_lines import lines
from rmqwire.codec.message import Message
from rmqwire.errors import BrokerError, RemotingError, RmqError, UsageError
from rmqwire.producer.producer import Producer
from rmqwire.producer.results import SendStatus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from rmqwire.producer.results import SendResult

SOME_FAILED = 1
LESS_SAFE = 3


@dataclass(slots=True)
class Job:
    """What to send, and how to tell of it."""

    namesrv_addr: str | None
    topic: str
    group: str
    key: str | None
    tag: str | None
    properties: dict[str, str]
    body: str | None
    count: int | None
    json: bool


def _properties(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE")
        if "\x01" in value or "\x02" in value:
            raise click.BadParameter(f"{value!r} has a separator of properties in it")
        pairs[name] = text
    return pairs


@click.command()
@click.option("-t", "--topic", type=TEXT, required=True, help="Topic to send to.")
@namesrv_option
@click.option(
    "-g",
    "--group",
    type=TEXT,
    default="rmqwire_produce",
    show_default=True,
    help="Producer group.",
)
@click.option("-k", "--key", type=TEXT, help="KEYS of every message.")
@click.option("--tag", type=TEXT, help="TAGS of every message.")
@click.option(
    "--property",
    "properties",
    type=TEXT,
    multiple=True,
    callback=_properties,
    help="NAME=VALUE, repeatable.",
)
@click.option("-b", "--body", help="Send this instead of the lines of stdin.")
@click.option(
    "-c", "--count", type=click.IntRange(1), help="Stop after so many; with --body send so many."
)
@click.option("--json", is_flag=True, help="One JSON object per result.")
@click.pass_context
def produce(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401  click gives each its field's type
    """Send each line of stdin as a message and print one line per result.

    Exit codes: 0 all are stored; 3 all are stored, some with less safety than the broker is set to;
    1 some were not stored; 2 called wrongly; 141 stdout was closed.
    """
    job = Job(**options)
    ctx.exit(run(lambda outcome: send_all(job, outcome)))


async def send_all(job: Job, outcome: Outcome) -> None:
    """Send one after another, in order."""
    number = 0
    _message(job, b"")  # a wrong property is wrong for all
    async with (
        Producer(
            job.group, namesrv_addr=job.namesrv_addr, credentials=found_credentials()
        ) as producer,
        aclosing(_bodies(job)) as bodies,
    ):
        async for body in bodies:
            number += 1
            try:
                result = await producer.send(_message(job, body))
            except UsageError as error:
                if job.body is not None:
                    raise
                _failed(number, error, outcome)
            except RmqError as error:
                _failed(number, error, outcome)
                if not isinstance(error, (BrokerError, RemotingError)):
                    return
            else:
                _tell(job, result, outcome)


async def _bodies(job: Job) -> AsyncGenerator[bytes]:
    if job.body is not None:
        for _ in range(job.count or 1):
            yield os.fsencode(job.body)  # the bytes of the argument
        return
    left = job.count
    async with aclosing(lines(stdin_bytes())) as source:
        async for line in source:
            yield line
            if left is not None:
                left -= 1
                if not left:
                    return


def _message(job: Job, body: bytes) -> Message:
    return Message(job.topic, body, tags=job.tag, keys=job.key, properties=job.properties)


def _failed(number: int, error: RmqError, outcome: Outcome) -> None:
    note(f"message {number}: {error}")
    outcome.code = SOME_FAILED


def _tell(job: Job, result: SendResult, outcome: Outcome) -> None:
    queue = result.message_queue
    status = result.send_status.value
    if result.send_status is not SendStatus.SEND_OK:
        outcome.code = outcome.code or LESS_SAFE
    if job.json:
        shown = {
            "sendStatus": status,
            "msgId": result.msg_id,
            "offsetMsgId": result.offset_msg_id,
            "topic": queue.topic,
            "brokerName": queue.broker_name,
            "queueId": queue.queue_id,
            "queueOffset": result.queue_offset,
        }
        say(json.dumps(shown))
    else:
        where = f"{queue.broker_name} {queue.queue_id} {result.queue_offset}"
        say(f"{status} {result.msg_id} {where}")
