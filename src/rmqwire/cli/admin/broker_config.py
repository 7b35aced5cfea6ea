"""``rmqwire admin``: a broker's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from rmqwire.cli.admin.printing import setting_lines
from rmqwire.cli.admin.verb import broker_option, cluster_option, key_option, value_option, verb
from rmqwire.codec.message_const import MASTER_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.cli.admin.verb import Call
    from rmqwire.codec.bodies import BrokerData

NO_MASTER = "NO_MASTER"  # CommandUtil.NO_MASTER_PLACEHOLDER


@dataclass(frozen=True, slots=True)
class AskedBroker:
    """A broker that is shown under a heading.

    Args:
        addr: its address.
        master_addr: its master's; None: it is one, or wasn't asked for by its cluster.
        heading: the line above what it says.
    """

    addr: str
    master_addr: str | None
    heading: str


async def asked_brokers(
    call: Call, broker_addr: str | None, cluster: str | None
) -> list[AskedBroker]:
    """Return the broker that -b names, or each master of -c's cluster with its slaves behind it.

    Raises:
        UsageError: neither is given, or the cluster without a name server.
        Failure: there is no such cluster.
    """
    await call.addresses(broker_addr, cluster, slaves=True)
    if broker_addr is not None:
        return [AskedBroker(broker_addr, None, f"============{broker_addr}============")]
    return [
        member for broker in await call.admin.broker_datas(cluster) for member in _members(broker)
    ]


def _members(broker: BrokerData) -> Iterator[AskedBroker]:
    master_addr = broker.broker_addrs.get(MASTER_ID)
    for broker_id, addr in sorted(broker.broker_addrs.items()):
        if broker_id == MASTER_ID:
            yield AskedBroker(addr, None, f"============Master: {addr}============")
        else:
            follows = master_addr or NO_MASTER
            heading = f"============My Master: {follows}=====Slave: {addr}============"
            yield AskedBroker(addr, follows, heading)


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """The settings of one broker.

    Args:
        broker_addr: its address.
        master_addr: its master's; None: it is one, or wasn't asked for by its cluster.
        settings: sorted.
    """

    broker_addr: str
    master_addr: str | None
    settings: dict[str, str]


@verb("getBrokerConfig", example="getBrokerConfig -b 127.0.0.1:10911", namesrv="optional")
@broker_option
@cluster_option
async def get_broker_config(call: Call, broker_addr: str | None, cluster: str | None) -> None:
    """Show the settings of a broker, or of a cluster's masters and slaves."""
    for broker in await asked_brokers(call, broker_addr, cluster):
        settings = await call.admin.get_broker_config(broker.addr)
        found = BrokerConfig(broker.addr, broker.master_addr, settings)
        call.tell([found], _lines, [broker.heading])


def _lines(found: BrokerConfig) -> Iterator[str]:
    yield from setting_lines(found.settings)
    yield ""


@dataclass(frozen=True, slots=True)
class Update:
    """A setting that a broker has changed."""

    broker_addr: str
    key: str
    value: str


@verb(
    "updateBrokerConfig",
    example="updateBrokerConfig -b 127.0.0.1:10911 -k flushIntervalCommitLog -v 400",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@click.option(
    "-a", "--updateAllBroker", "slaves", type=bool, default=False, help="Slaves too: true."
)
@key_option
@value_option
async def update_broker_config(
    call: Call, broker_addr: str | None, cluster: str | None, slaves: bool, key: str, value: str
) -> None:
    """Change a setting of a running broker, or of a cluster's masters."""
    addrs = await call.addresses(broker_addr, cluster, slaves=slaves)
    if not call.goes_ahead(f"set {key}={value} at {', '.join(addrs)}"):
        return
    for addr in addrs:
        with call.tolerated(addr, alone=broker_addr is not None):
            await call.admin.update_broker_config(addr, {key: value})
            call.done(Update(addr, key, value), f"update broker config success, {addr}")
