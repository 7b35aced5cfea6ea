"""``rmqwire admin``: lite topics of 5.5."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from rmqwire.admin.lite import TOP
from rmqwire.cli.admin.printing import front, java_text, row, time_text
from rmqwire.cli.admin.verb import broker_option, cluster_option, group_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.clock import wall_ms
from rmqwire.codec.lite_topic import lmq_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rmqwire.cli.admin.verb import Call
    from rmqwire.codec.bodies import (
        GetBrokerLiteInfoResponseBody,
        GetLiteClientInfoResponseBody,
        GetLiteGroupInfoResponseBody,
        GetLiteTopicInfoResponseBody,
        GetParentTopicInfoResponseBody,
        LiteLagInfo,
    )

BROKER = "%-30s %-17s %-10s %-14s %-20s %-17s %-15s %-18s %-15s"
PARENT = "%-50s %-8s %-14s %-14s %-100s "
LITE = "%-50s %-14s %-14s %-30s %-12s %-18s "
CLIENT = "%-30s %-20s %-30s %-30s "
PROGRESS = "%-50s %-16s %-16s %-16s %-30s"
LAG = "%-6s %-40s %-12s %-30s"
parent_option = click.option(
    "-p",
    "--parentTopic",
    "parent",
    type=TEXT,
    required=True,
    metavar="NAME",
    help="The topic that the lite topics are under.",
)


@dataclass(frozen=True, slots=True)
class OfBroker:
    """What one broker has answered, an answer about lite topics."""

    broker: str
    info: object


@verb("getBrokerLiteInfo", example="getBrokerLiteInfo -n 127.0.0.1:9876 -c DefaultCluster")
@broker_option
@cluster_option
@click.option("-d", "--showDetail", "detail", is_flag=True, help="With its topics and groups.")
async def get_broker_lite_info(
    call: Call, broker_addr: str | None, cluster: str | None, *, detail: bool
) -> None:
    """Show how many lite topics, subscriptions and events brokers have."""
    found: dict[str, GetBrokerLiteInfoResponseBody] = {}
    for addr in await call.addresses(broker_addr, cluster):
        with call.tolerated(addr, alone=broker_addr is not None):
            found[addr] = await call.admin.get_broker_lite_info(addr)

    def lines(one: OfBroker) -> Iterator[str]:
        info = found[one.broker]
        yield row(
            BROKER,
            one.broker,
            info.store_type,
            info.max_lmq_num,
            info.current_lmq_num,
            info.lite_subscription_count,
            info.order_info_count,
            info.cq_table_size,
            info.offset_table_size,
            info.event_map_size,
        )
        if detail:
            yield f"Topic Meta: {_compact(info.topic_meta)}"
            yield f"Group Meta: {_compact(info.group_meta)}"
            yield ""

    heading = "Broker,Store Type,Max LMQ,Current LMQ,SubscriptionCount,OrderInfoCount,CQTableSize"
    columns = [f"#{name}" for name in f"{heading},OffsetTableSize,eventMapSize".split(",")]
    call.tell([OfBroker(*one) for one in found.items()], lines, [row(BROKER, *columns)])


@verb("getParentTopicInfo", example="getParentTopicInfo -n 127.0.0.1:9876 -p Orders")
@parent_option
async def get_parent_topic_info(call: Call, parent: str) -> None:
    """Show how many lite topics are under a topic, how long they last, and who consumes them."""
    found: dict[str, GetParentTopicInfoResponseBody] = {}
    for name, addr in (await call.admin.lite_brokers(parent)).items():
        with call.tolerated(name):
            found[name] = await call.admin.get_parent_topic_info(addr, parent)

    def lines(one: OfBroker) -> Iterator[str]:
        info, name = found[one.broker], front(one.broker, 40)
        groups = java_text(info.groups)
        yield row(PARENT, name, info.ttl, info.lite_topic_count, info.lmq_num, groups)

    columns = row(PARENT, "#Broker Name", "#TTL", "#Lite Count", "#LMQ NUM", "#GROUPS")
    heading = [f"Parent Topic Info: [{parent}]", columns]
    call.tell([OfBroker(*one) for one in found.items()], lines, heading)


@verb("getLiteTopicInfo", example="getLiteTopicInfo -n 127.0.0.1:9876 -p Orders -l customer-7")
@parent_option
@click.option("-l", "--liteTopic", "lite_topic", type=TEXT, required=True, help="Which lite topic.")
@click.option("-s", "--showClientId", "show_clients", is_flag=True, help="With who subscribes it.")
async def get_lite_topic_info(
    call: Call, parent: str, lite_topic: str, *, show_clients: bool
) -> None:
    """Show what a lite topic holds at each broker, and how many clients subscribe it."""
    found: dict[str, GetLiteTopicInfoResponseBody] = {}
    for name, addr in (await call.admin.lite_brokers(parent)).items():
        with call.tolerated(name):
            found[name] = await call.admin.get_lite_topic_info(addr, parent, lite_topic)

    def lines(one: OfBroker) -> Iterator[str]:
        info = found[one.broker]
        ends = info.topic_offset
        low, high, last = (0, 0, 0)
        if ends is not None:
            low, high, last = ends.min_offset, ends.max_offset, ends.last_update_timestamp
        number, here = len(info.subscriber), info.sharding_to_broker
        yield row(LITE, front(one.broker, 40), low, high, _time(last), here, number)
        if show_clients:
            names = [f"{client.client_id}@{client.group}" for client in info.subscriber]
            yield java_text(names)

    columns = ["Broker Name", "MinOffset", "MaxOffset", "LastUpdate", "Sharding", "SubClientCount"]
    names = f"[{parent}] [{lite_topic}] [{lmq_name(parent, lite_topic)}]"
    heading = [f"Lite Topic Info: {names}", row(LITE, *[f"#{name}" for name in columns])]
    call.tell([OfBroker(*one) for one in found.items()], lines, heading)


@verb("getLiteClientInfo", example="getLiteClientInfo -n 127.0.0.1:9876 -p Orders -g g -c client")
@parent_option
@group_option("--group")
@click.option("-c", "--clientId", "client_id", type=TEXT, required=True, help="Which client.")
@click.option("-s", "--showDetail", "detail", is_flag=True, help="With what it subscribes.")
async def get_lite_client_info(
    call: Call, parent: str, group: str, client_id: str, *, detail: bool
) -> None:
    """Show how many lite topics a client subscribes at each broker, and when it last asked."""
    found: dict[str, GetLiteClientInfoResponseBody] = {}
    for name, addr in (await call.admin.lite_brokers(parent)).items():
        with call.tolerated(name):
            found[name] = await call.admin.get_lite_client_info(addr, parent, group, client_id)

    def lines(one: OfBroker) -> Iterator[str]:
        info = found[one.broker]
        number = info.lite_topic_count if info.lite_topic_count > 0 else "N/A"
        asked, consumed = (
            _time(time, "N/A") for time in (info.last_access_time, info.last_consume_time)
        )
        yield row(CLIENT, one.broker, number, asked, consumed)
        if detail and info.lite_topic_set is not None:
            yield f"Lite Topics: {java_text(info.lite_topic_set)}"
            yield ""

    columns = row(CLIENT, "#Broker", "#LiteTopicCount", "#LastAccessTime", "#LastConsumeTime")
    heading = [f"Lite Client Info: [{parent}] [{group}] [{client_id}]", columns]
    call.tell([OfBroker(*one) for one in found.items()], lines, heading)


@verb("getLiteGroupInfo", example="getLiteGroupInfo -n 127.0.0.1:9876 -p Orders -g g")
@parent_option
@group_option("--group")
@click.option("-l", "--liteTopic", "lite_topic", type=TEXT, help="In this lite topic alone.")
@click.option("-k", "--topK", "top", type=int, default=TOP, help="How many, of each broker.")
async def get_lite_group_info(
    call: Call, parent: str, group: str, lite_topic: str | None, top: int
) -> None:
    """Show how far a group is behind in lite topics."""
    found: dict[str, GetLiteGroupInfoResponseBody] = {}
    for name, addr in (await call.admin.lite_brokers(parent)).items():
        with call.tolerated(name):
            found[name] = await call.admin.get_lite_group_info(addr, group, lite_topic, top)
    if call.as_json:
        call.tell([OfBroker(*one) for one in found.items()], lambda _: ())
        return
    total = sum(max(info.total_lag_count, 0) for info in found.values())
    now = wall_ms()
    times = [info.earliest_unconsumed_timestamp for info in found.values()]
    since = min([now, *(time for time in times if time > 0)])
    lines = [f"Lite Group Info: [{group}] [{parent}]"]
    if lite_topic:
        columns = ["Broker Name", "BrokerOffset", "ConsumeOffset", "LagCount", "LastUpdate"]
        lines.append(row(PROGRESS, *[f"#{name}" for name in columns]))
        lines += [_progress(name, info) for name, info in found.items()]
    lines.append(f"Total Lag Count: {total}")
    lines += [f"Min Unconsumed Timestamp: {since} ({(now - since) // 1000} s ago)", ""]
    if not lite_topic:
        counts = [one for info in found.values() for one in info.lag_count_top_k or ()]
        oldest = [one for info in found.values() for one in info.lag_timestamp_top_k or ()]
        lines.append("------TopK by lag count-----")
        lines += _ranks(sorted(counts, key=lambda one: -one.lag_count))
        lines += ["", "------TopK by lag time------"]
        lines += _ranks(sorted(oldest, key=lambda one: one.earliest_unconsumed_timestamp))
    call.done(None, *lines)


@verb("triggerLiteDispatch", example="triggerLiteDispatch -n 127.0.0.1:9876 -p Orders -g g")
@parent_option
@group_option("--group")
@click.option("-c", "--clientId", "client_id", type=TEXT, help="For this client alone.")
@click.option("-b", "--brokerName", "broker_name", type=TEXT, help="At this broker alone.")
async def trigger_lite_dispatch(
    call: Call, parent: str, group: str, client_id: str | None, broker_name: str | None
) -> None:
    """Let brokers look at once for what a group may pop."""
    done = []
    for name, addr in (await call.admin.lite_brokers(parent)).items():
        if broker_name in {None, name}:
            with call.tolerated(name):
                await call.admin.trigger_lite_dispatch(addr, group, client_id)
                done.append(OfBroker(name, "dispatched"))
    heading = [f"Group And Topic Info: [{group}] [{parent}]", ""]
    call.tell(done, lambda one: [row("%-30s %-12s", one.broker, one.info)], heading)


def _progress(name: str, info: GetLiteGroupInfoResponseBody) -> str:
    at = info.lite_topic_offset_wrapper
    if at is None:
        return row(PROGRESS, name, "-", "-", "-", "-")
    behind = at.broker_offset - at.consumer_offset
    last = _time(at.last_timestamp)
    return row(PROGRESS, name, at.broker_offset, at.consumer_offset, behind, last)


def _ranks(lags: Iterable[LiteLagInfo]) -> Iterator[str]:
    yield row(LAG, "NO", "Lite Topic", "Lag Count", "UnconsumedTimestamp")
    for number, one in enumerate(lags, 1):
        since = _time(one.earliest_unconsumed_timestamp)
        yield row(LAG, number, one.lite_topic, one.lag_count, since)


def _time(timestamp_ms: int, unknown: str = "-") -> str:
    return time_text(timestamp_ms) if timestamp_ms > 0 else unknown


def _compact(table: object) -> str:
    return json.dumps(table, separators=(",", ":"))
