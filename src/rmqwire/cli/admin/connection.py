"""``rmqwire admin``: who is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rmqwire.cli.admin.printing import row
from rmqwire.cli.admin.verb import group_option, topic_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.codec.mq_version import version_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.cli.admin.verb import Call
    from rmqwire.codec.bodies import ConsumerConnection, ProducerConnection, ProducerTableInfo

CONSUMER = "%-36s %-22s %-10s %s"
SUBSCRIPTION = "%-20s %s"
PRODUCER = "%04d  %-32s %-22s %-8s %s"
PRODUCERS = "producer group (%s) instance : clientId=%s,remoteIP=%s, language=%s, version=%d, lastUpdateTimestamp=%d"


@verb("consumerConnection", example="consumerConnection -n 127.0.0.1:9876 -g readers")
@group_option("--consumerGroup")
@click.option("-b", "--brokerAddr", "broker_addr", type=TEXT, help="Ask this broker for them.")
async def consumer_connection(call: Call, group: str, broker_addr: str | None) -> None:
    """Show the members of a consumer group and what they subscribe to."""
    call.tell([await call.admin.consumer_connection(group, broker_addr)], _consumers)


def _consumers(found: ConsumerConnection) -> Iterator[str]:
    yield row(CONSUMER, "#ClientId", "#ClientAddr", "#Language", "#Version")
    for one in found.connection_set:
        version = version_name(one.version)
        yield row(CONSUMER, one.client_id, one.client_addr, one.language, version)
    yield ""
    yield "Below is subscription:"
    yield row(SUBSCRIPTION, "#Topic", "#SubExpression")
    for wanted in found.subscription_table.values():
        yield row(SUBSCRIPTION, wanted.topic, wanted.sub_string)
    yield ""
    yield row("ConsumeType: %s", found.consume_type)
    yield row("MessageModel: %s", found.message_model)
    yield row("ConsumeFromWhere: %s", found.consume_from_where)


@verb("producerConnection", example="producerConnection -n 127.0.0.1:9876 -g writers -t Orders")
@group_option("--producerGroup")
@topic_option
async def producer_connection(call: Call, group: str, topic: str) -> None:
    """Show the members of a producer group, as a broker of the topic knows them."""
    call.tell([await call.admin.producer_connection(group, topic)], _producers)


def _producers(found: ProducerConnection) -> Iterator[str]:
    for number, one in enumerate(found.connection_set, 1):
        version = version_name(one.version)
        yield row(PRODUCER, number, one.client_id, one.client_addr, one.language, version)


@verb("producer", example="producer -b 127.0.0.1:10911", namesrv="optional")
@click.option("-b", "--broker", "broker_addr", type=TEXT, required=True, help="Which broker.")
async def producer(call: Call, broker_addr: str) -> None:
    """List all producers of a broker, by group."""
    call.tell([await call.admin.producer(broker_addr)], _all_producers)


def _all_producers(found: ProducerTableInfo) -> Iterator[str]:
    for group, members in found.data.items():
        if not members:
            yield f"producer group ({group}) instances are empty"
        for one in members:
            seen = (one.version, one.last_update_timestamp)
            yield row(PRODUCERS, group, one.client_id, one.remote_ip, one.language, *seen)
