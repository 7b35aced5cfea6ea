"""``rmqwire admin``: consume queues, unit by unit."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from rmqwire.cli.admin.printing import row
from rmqwire.cli.admin.verb import topic_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.clock import wall_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.cli.admin.verb import Call
    from rmqwire.codec.bodies import CheckRocksdbCqWriteResult, QueryConsumeQueueResponseBody

LINE = "======================================"
UNIT = (
    "ConsumeQueueData{physicOffset=%d, physicSize=%d, tagsCode=%d, extendDataJson='%s',"
    " bitMap='%s', eval=%s, msg='%s'}"
)
CHECKED_MS = 30 * 24 * 3_600_000
CHECK_ERROR = 3  # CheckRocksdbCqWriteResult.CheckStatus


@verb("queryCq", example="queryCq -n 127.0.0.1:9876 -t Orders -q 0 -i 0 -c 5")
@topic_option
@click.option("-q", "--queue", "queue_id", type=int, required=True, help="Its id.")
@click.option("-i", "--index", type=int, required=True, help="Of the first unit.")
@click.option("-c", "--count", type=int, default=10, show_default=True, help="Units at most.")
@click.option("-b", "--broker", "broker_addr", type=TEXT, help="Default: the topic's first.")
@click.option("-g", "--consumer", "group", type=TEXT, help="Does its subscription want them?")
async def query_cq(
    call: Call,
    topic: str,
    queue_id: int,
    index: int,
    count: int,
    broker_addr: str | None,
    group: str | None,
) -> None:
    """Show units of a consume queue."""
    found = await call.admin.query_cq(topic, queue_id, index, count, addr=broker_addr, group=group)
    call.tell([found], partial(_units, first=index))


def _units(found: QueryConsumeQueueResponseBody, first: int) -> Iterator[str]:
    if found.subscription_data is not None:
        yield "Subscription data: "
        yield found.subscription_data.encode(pretty=True).decode()
        yield LINE
    if found.filter_data is not None:
        yield "Filter data: "
        yield found.filter_data
        yield LINE
    yield "Queue data: "
    yield f"max: {found.max_queue_index}, min: {found.min_queue_index}"
    yield LINE
    for index, one in enumerate(found.queue_data or (), first):
        yield f"idx: {index}"
        where = (one.physic_offset, one.physic_size, one.tags_code)
        yield row(UNIT, *where, one.extend_data_json, one.bit_map, one.eval, one.msg)
        yield LINE


@verb(
    "checkRocksdbCqWriteProgress",
    example="checkRocksdbCqWriteProgress -n 127.0.0.1:9876 -c DefaultCluster -t Orders",
)
@click.option("-c", "--cluster", "cluster", type=TEXT, required=True, help="At its masters.")
@click.option("-t", "--topic", default="", type=TEXT, help="Of this topic alone.")
@click.option(
    "-cf", "--checkFrom", "since_ms", type=int, help="Since then, ms; default: for 30 days."
)
async def check_rocksdb_cq_write_progress(
    call: Call, cluster: str, topic: str, since_ms: int | None
) -> None:
    """Let Java brokers compare their consume queues in files with those in RocksDB.

    They write what they find into their logs. rmqwire's brokers keep none in RocksDB and refuse.
    """
    since = wall_ms() - CHECKED_MS if since_ms is None else since_ms
    for addr in await call.addresses(None, cluster):
        found = await call.admin.check_rocksdb_cq_write_progress(addr, topic, since)
        call.tell([found], partial(_checked, addr=addr))


def _checked(found: CheckRocksdbCqWriteResult, addr: str) -> Iterator[str]:
    if found.check_status == CHECK_ERROR:
        yield f"{addr} check error, please check log... errInfo: {found.check_result}"
    else:
        yield f"{addr} check doing, please wait and get the result from log... "
