"""``rmqwire admin``: topics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from rmqwire.cli.admin.printing import front, row, time_text
from rmqwire.cli.admin.verb import cluster_option, topic_option, verb
from rmqwire.cli.options import TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.admin.topic import TopicStatus
    from rmqwire.cli.admin.verb import Call

STATUS = "%-32s  %-4s  %-20s  %-20s    %s"


@verb("topicList", example="topicList -n 127.0.0.1:9876")
async def topic_list(call: Call) -> None:
    """List the topics that the name server knows."""
    call.tell(await call.admin.topic_list(), lambda topic: [topic])


@verb("topicStatus", example="topicStatus -n 127.0.0.1:9876 -t Orders")
@topic_option
@click.option(
    "-c", "--cluster", "route_of", type=TEXT, help="Where it is, as this topic's route says."
)
async def topic_status(call: Call, topic: str, route_of: str | None) -> None:
    """Show the first and last offset of a topic's queues, and when the last message came."""
    status = await call.admin.topic_status(topic, route_of=route_of)
    call.tell([status], _status_lines)


def _status_lines(status: TopicStatus) -> Iterator[str]:
    yield row(STATUS, "#Broker Name", "#QID", "#Min Offset", "#Max Offset", "#Last Updated")
    for queue, ends in status.queues:
        at_ms = ends.last_update_timestamp
        yield row(
            STATUS,
            front(queue.broker_name, 32),
            queue.queue_id,
            ends.min_offset,
            ends.max_offset,
            time_text(at_ms) if at_ms > 0 else "",
        )
    yield ""
    yield f"Topic Put TPS: {status.put_tps}"


@verb(
    "deleteTopic",
    example="deleteTopic -n 127.0.0.1:9876 -c DefaultCluster -t Orders --yes",
    loses=True,
)
@topic_option
@cluster_option
async def delete_topic(call: Call, topic: str, cluster: str | None) -> None:
    """Remove a topic and its messages from a cluster's brokers and from the name servers."""
    addrs = await call.addresses(None, cluster)
    where = f"from {', '.join(addrs)}"
    if call.confirmed(f"delete topic {topic} {where}", "its messages are gone then"):
        await call.admin.delete_topic(topic, cluster=cluster)
        call.done(
            Deleted(topic, cluster, addrs),
            f"delete topic [{topic}] from cluster [{cluster}] success.",
            f"delete topic [{topic}] from NameServer success.",
        )


@dataclass(frozen=True, slots=True)
class Deleted:
    """A topic that is gone."""

    topic: str
    cluster: str | None
    broker_addrs: list[str]
