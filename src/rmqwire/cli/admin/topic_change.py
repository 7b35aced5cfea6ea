"""``rmqwire admin``: topics made, changed and removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from rmqwire.cli.admin.config_file import config_file_option, list_in
from rmqwire.cli.admin.verb import broker_option, cluster_option, topic_option, verb
from rmqwire.cli.options import TEXT
from rmqwire.cli.output import note
from rmqwire.cli.runner import Failure
from rmqwire.codec.bodies import CreateTopicListRequestBody, TopicConfig
from rmqwire.codec.java_map import hash_map_order
from rmqwire.codec.sys_flag import perm_to_string

if TYPE_CHECKING:
    from pathlib import Path

    from rmqwire.cli.admin.verb import Call

UNIT = 1  # TopicSysFlag.FLAG_UNIT
UNIT_SUB = 2  # TopicSysFlag.FLAG_UNIT_SUB
PERMS = click.Choice([2, 4, 6])


@dataclass(frozen=True, slots=True)
class Made:
    """A topic that was made or changed at some brokers.

    Args:
        broker_addrs: theirs.
        order_conf: an ordered topic's queues, as the name servers keep them; None: it isn't ordered.
        topic: what it is now.
    """

    broker_addrs: list[str]
    order_conf: str | None
    topic: TopicConfig


def _attributes(_: click.Context, __: click.Parameter, text: str | None) -> dict[str, str]:
    """Read ``+a=b,-c`` (``AttributeParser.parseToMap``)."""
    found = {}
    for part in text.split(",") if text else ():
        name, equals, value = part.partition("=")
        if not name.startswith("+" if equals else "-") or not name[1:]:
            raise click.BadParameter(f"{part!r} is neither +NAME=VALUE nor -NAME")
        found[name] = value
    return found


@verb(
    "updateTopic",
    example="updateTopic -n 127.0.0.1:9876 -c DefaultCluster -t Orders -r 8 -w 8",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@click.option("-t", "--topic", "topic_name", type=TEXT, required=True, help="Which topic.")
@click.option(
    "-r", "--readQueueNums", "read_queue_nums", type=int, default=8, help="Queues to read: 8."
)
@click.option(
    "-w", "--writeQueueNums", "write_queue_nums", type=int, default=8, help="Queues to write: 8."
)
@click.option("-p", "--perm", type=PERMS, default=6, help="2 write, 4 read, 6 both: 6.")
@click.option("-o", "--order", type=bool, default=False, help="Ordered: true or false.")
@click.option("-u", "--unit", type=bool, default=False, help="Of a unit: true or false.")
@click.option("-s", "--hasUnitSub", "unit_sub", type=bool, default=False, help="Units subscribe.")
@click.option("-a", "--attributes", callback=_attributes, help="Of 5.x: +message.type=FIFO,-b.")
async def update_topic(
    call: Call,
    /,
    broker_addr: str | None,
    cluster: str | None,
    unit: bool,
    unit_sub: bool,
    **fields: Any,  # noqa: ANN401  click gives each its field's type
) -> None:
    """Make a topic at a broker or at a cluster's masters, or change it."""
    addrs = await call.addresses(broker_addr, cluster)
    sys_flag = (UNIT if unit else 0) | (UNIT_SUB if unit_sub else 0)
    config = TopicConfig(topic_sys_flag=sys_flag, **fields)
    if not call.goes_ahead(f"make {config_text(config)} at {', '.join(addrs)}"):
        return
    for addr in addrs:
        await call.admin.update_topic(addr, config)
    created = [f"create topic to {addr} success." for addr in addrs]
    if not config.order:
        call.done(Made(addrs, None, config), *created, config_text(config))
    elif broker_addr is not None:
        conf = await _order_at_broker(call, config, broker_addr)
        told = f"set broker orderConf. isOrder=true, orderConf=[{conf.part}]"
        call.done(Made(addrs, conf.whole, config), told, *created, config_text(config))
    else:
        whole = await _order_in_cluster(call, config, cluster)
        told = f"set cluster orderConf. isOrder=true, orderConf=[{whole}]"
        call.done(Made(addrs, whole, config), *created, told, config_text(config))


@dataclass(frozen=True, slots=True)
class OrderConf:
    """An ordered topic's queues: those of one broker, and of all."""

    part: str
    whole: str


async def _order_at_broker(call: Call, config: TopicConfig, addr: str) -> OrderConf:
    info = await call.admin.cluster_info()
    names = [
        name
        for name, broker in info.broker_addr_table.items()
        if addr in broker.broker_addrs.values()
    ]
    if not names:
        raise Failure(f"the name server knows no broker {addr}: its order can't be set")
    queues = config.write_queue_nums
    whole = await call.admin.add_order_conf(config.topic_name, names[0], queues)
    return OrderConf(f"{names[0]}:{queues}", whole)


async def _order_in_cluster(call: Call, config: TopicConfig, cluster: str | None) -> str:
    names = (await call.admin.cluster_info()).cluster_addr_table.get(cluster or "") or ()
    conf = ";".join(f"{name}:{config.write_queue_nums}" for name in names)
    await call.admin.update_order_conf(config.topic_name, conf)
    return conf


def config_text(config: TopicConfig) -> str:
    """Return a topic as Java's ``TopicConfig.toString`` of 5.x does."""
    attributes = config.attributes
    pairs = ", ".join(f"{name}={attributes[name]}" for name in hash_map_order(attributes))
    return (
        f"TopicConfig [topicName={config.topic_name}, readQueueNums={config.read_queue_nums},"
        f" writeQueueNums={config.write_queue_nums}, perm={perm_to_string(config.perm)},"
        f" topicFilterType={config.topic_filter_type}, topicSysFlag={config.topic_sys_flag},"
        f" order={'true' if config.order else 'false'}, attributes={{{pairs}}}]"
    )


@verb(
    "updateTopicPerm",
    example="updateTopicPerm -n 127.0.0.1:9876 -c DefaultCluster -t Orders -p 4",
    changes=True,
)
@broker_option
@cluster_option
@topic_option
@click.option("-p", "--perm", type=PERMS, required=True, help="2 write, 4 read, 6 both.")
async def update_topic_perm(
    call: Call, broker_addr: str | None, cluster: str | None, topic: str, perm: int
) -> None:
    """Change a topic's permission at a broker or at a cluster's masters; all else stays."""
    addrs = await call.addresses(broker_addr, cluster)
    if not call.goes_ahead(f"set the permission of {topic} to {perm} at {', '.join(addrs)}"):
        return
    changes = await call.admin.update_topic_perm(topic, perm, addrs)
    for change in changes:
        done = f"update topic perm from {change.old_perm} to {perm} in {change.addr} success."
        more = [f"{config_text(change.config)}."] if broker_addr is not None else []
        call.done(change, done, *more)
    if not changes:
        note(f"nothing to change: no master asked has {topic} with another permission than {perm}")


@verb(
    "updateTopicList",
    example="updateTopicList -n 127.0.0.1:9876 -c DefaultCluster -f /dev/stdin",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@config_file_option("TopicConfig")
async def update_topic_list(
    call: Call, broker_addr: str | None, cluster: str | None, path: Path
) -> None:
    """Make or change the topics of a file, at a broker or at a cluster's masters of 5.x."""
    configs = list_in(path, CreateTopicListRequestBody, "topicConfigList").topic_config_list
    addrs = await call.addresses(broker_addr, cluster)
    names = ", ".join(one.topic_name for one in configs)
    if not configs or not call.goes_ahead(f"make {names} at {', '.join(addrs)}"):
        return
    for addr in addrs:
        await call.admin.update_topic_list(addr, configs)
        call.done(
            MadeList(addr, configs),
            f"submit batch of topic config to {addr} success, please check the result later.",
        )


@dataclass(frozen=True, slots=True)
class MadeList:
    """Topics that were made or changed at a broker."""

    broker_addr: str
    topics: list[TopicConfig]


@dataclass(frozen=True, slots=True)
class Order:
    """An ordered topic's queues, as the name servers keep them; None: nothing is kept."""

    topic: str
    order_conf: str | None


@verb(
    "updateOrderConf",
    example="updateOrderConf -n 127.0.0.1:9876 -t Orders -m put -v broker-a:4",
    loses=True,
)
@topic_option
@click.option(
    "-m", "--method", type=click.Choice(["put", "get", "delete"]), required=True, help="What to do."
)
@click.option("-v", "--orderConf", "conf", type=TEXT, help="broker-a:4;broker-b:4, for put.")
async def update_order_conf(call: Call, topic: str, method: str, conf: str | None) -> None:
    """Show, set or remove which brokers have how many queues of an ordered topic."""
    if method == "get":
        conf = await call.admin.get_order_conf(topic)
        if conf is None:
            raise Failure(f"No config item, Namespace: ORDER_TOPIC_CONFIG Key: {topic}")
        call.done(
            Order(topic, conf), f"get orderConf success. topic=[{topic}], orderConf=[{conf}] "
        )
    elif method == "put":
        if not conf or not conf.strip():
            raise click.UsageError("please set orderConf with option -v.")
        if call.goes_ahead(f"set the order of {topic} to {conf}"):
            await call.admin.update_order_conf(topic, conf)
            done = f"update orderConf success. topic=[{topic}], orderConf=[{conf}]"
            call.done(Order(topic, conf), done)
    elif call.confirmed(f"remove the order of {topic}", "its consumers take all its queues then"):
        await call.admin.delete_order_conf(topic)
        call.done(Order(topic, None), f"delete orderConf success. topic=[{topic}]")


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
