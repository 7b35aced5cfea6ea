"""``rmqwire admin``: consumer groups and their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rmqwire.broker.tables.attributes import parse_attributes
from rmqwire.cli.admin import attribute_of
from rmqwire.cli.admin.config_file import config_file_option, list_in
from rmqwire.cli.admin.printing import fields_of, java_text, row
from rmqwire.cli.admin.verb import (
    Changed,
    broker_option,
    cluster_option,
    group_option,
    topic_option,
    verb,
)
from rmqwire.codec.bodies import GroupRetryPolicy, SubscriptionGroupConfig, SubscriptionGroupList
from rmqwire.codec.message_const import DLQ_GROUP_TOPIC_PREFIX, RETRY_GROUP_TOPIC_PREFIX
from rmqwire.errors import ProtocolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rmqwire.admin.consumer import BrokerGroupConfig
    from rmqwire.cli.admin.verb import Call

RULE = "=" * 29
SETTING = "%-40s=  %s"


class RetryPolicyType(click.ParamType[GroupRetryPolicy]):
    """A retry policy in JSON, as Java writes it."""

    name = "json"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> GroupRetryPolicy:
        """Read it."""
        try:
            return GroupRetryPolicy.decode(value.encode())
        except ProtocolError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


class AttributesType(click.ParamType[dict[str, str]]):
    """Attributes as ``+key=value,-key``."""

    name = "attributes"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, str]:
        """Read them."""
        try:
            return parse_attributes(value.strip())
        except UsageError as error:
            self.fail(str(error), param, ctx)


def setting(
    names: str, kind: click.ParamType[Any] | type, text: str, field: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option of one setting; what isn't given has its default.

    Args:
        names: the short one and the long one.
        kind: its type.
        text: its help.
        field: of ``SubscriptionGroupConfig``; None: as the long name.
    """
    field = field or attribute_of(names.split("--")[1])
    return click.option(*names.split(), field, type=kind, help=text)


@verb(
    "updateSubGroup",
    example="updateSubGroup -n 127.0.0.1:9876 -c DefaultCluster -g readers -r 3",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@group_option("--groupName")
@setting("-s --consumeEnable", bool, "false: the group may not consume.")
@setting("-m --consumeFromMinEnable", bool, "Stored, without effect.")
@setting("-d --consumeBroadcastEnable", bool, "Whether its members may be broadcast to.")
@setting("-o --consumeMessageOrderly", bool, "Whether messages are popped in order.")
@setting("-q --retryQueueNums", int, "Queues of its retry topic.")
@setting("-r --retryMaxTimes", int, "Deliveries again before a message is a dead letter.")
@setting("-p --groupRetryPolicy", RetryPolicyType(), "The waits before them, in JSON.")
@setting("-i --brokerId", int, "Which broker it consumes from, 0: the master.")
@setting("-w --whichBrokerWhenConsumeSlowly", int, "Which broker it consumes old messages from.")
@setting(
    "-a --notifyConsumerIdsChanged",
    bool,
    "Whether members hear at once of others.",
    "notify_consumer_ids_changed_enable",
)
@setting("--attributes", AttributesType(), "Attributes, +key=value,-key.")
async def update_sub_group(
    call: Call, broker_addr: str | None, cluster: str | None, group: str, **settings: object
) -> None:
    """Make a consumer group, or set all its settings: those not given to their defaults."""
    config = SubscriptionGroupConfig(
        group_name=group, consume_from_min_enable=False, consume_broadcast_enable=False
    )
    for name, value in settings.items():
        if value is not None:
            setattr(config, name, value)
    addrs = await call.addresses(broker_addr, cluster)
    if not call.goes_ahead(f"set group {java_text(config)} at {', '.join(addrs)}"):
        return
    for addr in addrs:
        await call.admin.update_sub_group(addr, config)
    done = [f"create subscription group to {addr} success." for addr in addrs]
    call.tell([config], lambda one: [java_text(one)], done)


@verb(
    "updateSubGroupList",
    example="updateSubGroupList -n 127.0.0.1:9876 -c DefaultCluster -f groups.json",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@config_file_option("SubscriptionGroupConfig")
async def update_sub_group_list(
    call: Call, broker_addr: str | None, cluster: str | None, path: Path
) -> None:
    """Make or set the consumer groups of a file, at brokers of 5.x."""
    configs = list_in(path, SubscriptionGroupList, "groupConfigList").group_config_list
    addrs = await call.addresses(broker_addr, cluster)
    names = ", ".join(one.group_name for one in configs)
    if not configs or not call.goes_ahead(f"set groups {names} at {', '.join(addrs)}"):
        return
    kind = "group config" if broker_addr is not None else "subscription group config"
    batch = f"submit batch of {kind}"
    for addr in addrs:
        await call.admin.update_sub_group_list(addr, configs)
        call.tell(
            [Changed(addr, names)],
            lambda one: [f"{batch} to {one.broker} success, please check the result later."],
        )


@verb(
    "deleteSubGroup",
    example="deleteSubGroup -n 127.0.0.1:9876 -c DefaultCluster -g readers --yes",
    namesrv="optional",
    loses=True,
)
@broker_option
@cluster_option
@group_option("--groupName")
@click.option("-r", "--removeOffset", "remove_offset", type=bool, help="true: its offsets too.")
async def delete_sub_group(
    call: Call,
    broker_addr: str | None,
    cluster: str | None,
    group: str,
    remove_offset: bool | None,
) -> None:
    """Remove a consumer group from a broker; from a cluster with its retry and dead letter topics."""
    addrs = await call.addresses(broker_addr, cluster)
    lost = ["its settings", *(["its offsets"] if remove_offset else [])]
    if broker_addr is None:
        lost.append("the messages of its retry and dead letter topics")
    what = f"delete group {group} from {', '.join(addrs)}"
    if not call.confirmed(what, f"{', '.join(lost)} are gone then"):
        return
    within = "" if broker_addr is not None else f" in cluster [{cluster}]"
    done = f"delete subscription group [{group}]"
    for addr in addrs:
        await call.admin.delete_sub_group(addr, group, remove_offset=bool(remove_offset))
        call.tell(
            [Changed(addr, group)],
            lambda one: [f"{done} from broker [{one.broker}]{within} success."],
        )
    if broker_addr is None:
        for prefix in (RETRY_GROUP_TOPIC_PREFIX, DLQ_GROUP_TOPIC_PREFIX):
            await call.admin.delete_topic(prefix + group, cluster=cluster)


@verb("getConsumerConfig", example="getConsumerConfig -n 127.0.0.1:9876 -g readers")
@group_option("--groupName")
async def get_consumer_config(call: Call, group: str) -> None:
    """Show all settings of a consumer group, broker by broker."""
    call.tell(await call.admin.get_consumer_config(group), _settings)


def _settings(one: BrokerGroupConfig) -> Iterator[str]:
    yield f"{RULE}{one.cluster}:{one.broker_name}{RULE}"
    for name, value in fields_of(one.config):
        yield row(SETTING, name, "" if value is None else value)


@verb(
    "setConsumeMode",
    example="setConsumeMode -n 127.0.0.1:9876 -c DefaultCluster -t Orders -g readers -m POP",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@topic_option
@group_option("--groupName")
@click.option("-m", "--mode", type=click.Choice(["PULL", "POP"]), required=True, help="How.")
@click.option(
    "-q", "--popShareQueueNum", "share", type=int, default=0, help="Queues popped besides its own."
)
async def set_consume_mode(
    call: Call,
    broker_addr: str | None,
    cluster: str | None,
    topic: str,
    group: str,
    mode: str,
    share: int,
) -> None:
    """Choose whether the push consumers of a group pull or pop a topic (5.x)."""
    addrs = await call.addresses(broker_addr, cluster)
    if not call.goes_ahead(f"let group {group} {mode} topic {topic} at {', '.join(addrs)}"):
        return
    for addr in addrs:
        await call.admin.set_consume_mode(addr, topic, group, mode, share)
    chosen = {"topic": topic, "group": group, "mode": mode, "popShareQueueNum": share}
    call.tell(
        [chosen],
        lambda _: [f"topic[{topic}] group[{group}] consume mode[{mode}] popShareQueueNum[{share}]"],
        [f"set consume mode to {addr} success." for addr in addrs],
    )
