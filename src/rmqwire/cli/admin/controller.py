"""``rmqwire admin``: controllers of RocketMQ 5.x, and who is in sync with whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from rmqwire.cli.admin import server_settings
from rmqwire.cli.admin.printing import row
from rmqwire.cli.admin.verb import (
    cluster_option,
    interval_option,
    key_option,
    repeated,
    value_option,
    verb,
)
from rmqwire.cli.options import TEXT
from rmqwire.cli.runner import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.admin.controller import Elected
    from rmqwire.cli.admin.verb import Call
    from rmqwire.codec.bodies import EpochEntryCache, ReplicaIdentity, ReplicasInfo

controller_option = click.option(
    "-a",
    "--controllerAddress",
    "addr",
    type=TEXT,
    required=True,
    metavar="ADDR",
    help="A controller, host:port.",
)
controllers_option = click.option(
    "-a",
    "--controllerAddress",
    "addrs",
    type=TEXT,
    required=True,
    metavar="ADDR",
    help="Controllers, host:port joined by ';'.",
)
replicas_option = click.option(
    "-bn", "--brokerName", "broker_name", type=TEXT, required=True, help="Whose replicas."
)


@dataclass(frozen=True, slots=True)
class MetaData:
    """Who leads a group of controllers; the peers are ``id:host:port``."""

    group: str | None
    leader_id: str | None
    leader_address: str | None
    peers: list[str]


@verb(
    "getControllerMetaData",
    example="getControllerMetaData -a 127.0.0.1:9878",
    namesrv="optional",
)
@controller_option
async def get_controller_meta_data(call: Call, addr: str) -> None:
    """Show who leads a group of controllers, and who belongs to it."""
    told = await call.admin.get_controller_meta_data(addr)
    peers = [peer for peer in (told.peers or "").split(";") if peer]
    found = MetaData(told.group, told.controller_leader_id, told.controller_leader_address, peers)
    call.tell([found], _meta_lines)


def _meta_lines(found: MetaData) -> Iterator[str]:
    yield ""
    yield row("#ControllerGroup\t%s", found.group)
    yield row("#ControllerLeaderId\t%s", found.leader_id)
    yield row("#ControllerLeaderAddress\t%s", found.leader_address)
    for peer in found.peers:
        yield f"#Peer:\t{peer}"


@verb("getControllerConfig", example="getControllerConfig -a 127.0.0.1:9878", namesrv="optional")
@controllers_option
async def get_controller_config(call: Call, addrs: str) -> None:
    """Show the settings of controllers."""
    await server_settings.show(call, addrs.split(";"), call.admin.get_controller_config)


@verb(
    "updateControllerConfig",
    example="updateControllerConfig -a 127.0.0.1:9878 -k enableElectUncleanMaster -v false",
    namesrv="optional",
    changes=True,
)
@controllers_option
@key_option
@value_option
async def update_controller_config(call: Call, addrs: str, key: str, value: str) -> None:
    """Change a setting of controllers."""
    update = server_settings.Update(addrs.split(";"), key, value)
    await server_settings.change(call, "controller", update, call.admin.update_controller_config)


@dataclass(frozen=True, slots=True)
class Replicas:
    """The replicas of one broker name as the controller knows them."""

    broker_name: str
    replicas: ReplicasInfo


@verb(
    "getSyncStateSet",
    example="getSyncStateSet -a 127.0.0.1:9878 -b broker-a",
    namesrv="optional",
)
@controller_option
@cluster_option
@click.option("-b", "--brokerName", "broker_name", type=TEXT, help="Of this broker alone.")
@interval_option
async def get_sync_state_set(
    call: Call, addr: str, cluster: str | None, broker_name: str | None, interval: float | None
) -> None:
    """Show which replicas of a broker, or of a cluster's brokers, are in sync with their master."""

    async def once() -> None:
        names = await _names(call, broker_name, cluster)
        found = await call.admin.get_sync_state_set(addr.split(";", maxsplit=1)[0], names)
        table = found.replicas_info_table
        call.tell([Replicas(name, one) for name, one in table.items()], _replica_lines)

    await repeated(interval, once)


async def _names(call: Call, broker_name: str | None, cluster: str | None) -> list[str]:
    if broker_name is not None:
        return [broker_name]
    await call.addresses(None, cluster, slaves=True)
    return [one.broker_name for one in await call.admin.broker_datas(cluster)]


def _replica_lines(found: Replicas) -> Iterator[str]:
    replicas = found.replicas
    yield ""
    yield f"#brokerName\t{found.broker_name}"
    yield row("#MasterBrokerId\t%s", replicas.master_broker_id)
    yield row("#MasterAddr\t%s", replicas.master_address)
    yield row("#MasterEpoch\t%s", replicas.master_epoch)
    yield row("#SyncStateSetEpoch\t%s", replicas.sync_state_set_epoch)
    yield f"#SyncStateSetNums\t{len(replicas.in_sync_replicas)}"
    for one in replicas.in_sync_replicas:
        yield ""
        yield f"InSyncReplica:\t{_identity(one)}"
    for one in replicas.not_in_sync_replicas:
        yield ""
        yield f"NotInSyncReplica:\t{_identity(one)}"


def _identity(one: ReplicaIdentity) -> str:
    return row(
        "ReplicaIdentity{brokerName='%s', brokerId=%s, brokerAddress='%s', alive=%s}",
        one.broker_name,
        one.broker_id,
        one.broker_address,
        one.alive,
    )


@dataclass(frozen=True, slots=True)
class Epochs:
    """The reigns of masters that a broker's log has."""

    broker_addr: str
    epochs: EpochEntryCache


@verb("getBrokerEpoch", example="getBrokerEpoch -n 127.0.0.1:9876 -b broker-a")
@cluster_option
@click.option("-b", "--brokerName", "broker_name", type=TEXT, help="The replicas of this broker.")
@interval_option
async def get_broker_epoch(
    call: Call, cluster: str | None, broker_name: str | None, interval: float | None
) -> None:
    """Show which masters' reigns the logs of a broker's replicas have; only with a controller."""

    async def once() -> None:
        if broker_name is None:
            addrs = await call.addresses(None, cluster, slaves=True)
        else:
            addrs = await call.admin.broker_addrs(broker_name)
        if not addrs:
            raise Failure(f"the name server knows no broker {broker_name}")
        for addr in addrs:
            call.tell([Epochs(addr, await call.admin.get_broker_epoch(addr))], _epoch_lines)

    await repeated(interval, once)


def _epoch_lines(found: Epochs) -> Iterator[str]:
    yield ""
    yield f"#clusterName\t{found.epochs.cluster_name}"
    yield f"#brokerName\t{found.epochs.broker_name}"
    yield f"#brokerAddr\t{found.broker_addr}"
    yield f"#brokerId\t{found.epochs.broker_id}"
    for one in found.epochs.epoch_list:
        ends = f"startOffset={one.start_offset}, endOffset={one.end_offset}"
        yield f"#Epoch: EpochEntry{{epoch={one.epoch}, {ends}}}"


@verb(
    "electMaster",
    example="electMaster -a 127.0.0.1:9878 -c DefaultCluster -bn broker-a -b 2",
    namesrv="optional",
    changes=True,
)
@controller_option
@click.option("-b", "--brokerId", "broker_id", type=int, required=True, help="Which replica's id.")
@replicas_option
@click.option("-c", "--clusterName", "cluster", type=TEXT, required=True, help="Its cluster.")
async def elect_master(
    call: Call, addr: str, broker_id: int, broker_name: str, cluster: str
) -> None:
    """Let the controller make a replica the master, if its rules allow it."""
    if call.goes_ahead(f"make {broker_id} of {broker_name} the master"):
        found = await call.admin.elect_master(addr, cluster, broker_name, broker_id)
        call.tell([found], lambda one: _elected_lines(cluster, one))


def _elected_lines(cluster: str, found: Elected) -> Iterator[str]:
    yield ""
    yield f"#ClusterName\t{cluster}"
    yield f"#BrokerName\t{found.broker_name}"
    yield row("#BrokerMasterAddr\t%s", found.master_address)
    yield row("#MasterEpoch\t%s", found.master_epoch)
    yield row("#SyncStateSetEpoch\t%s", found.sync_state_set_epoch)
    for broker_id, addr in found.broker_addrs.items():
        yield f"\t#Broker\t{broker_id}\t{addr}"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Replicas that a controller has forgotten; the ids are joined by ``;``, None: all."""

    broker_name: str
    broker_ids: str | None


@verb(
    "cleanBrokerMetadata",
    example="cleanBrokerMetadata -a 127.0.0.1:9878 -c DefaultCluster -bn broker-a -b 2 --yes",
    namesrv="optional",
    loses=True,
)
@controller_option
@click.option(
    "-b",
    "--brokerControllerIdsToClean",
    "broker_ids",
    type=TEXT,
    help="Ids joined by ';'; else all.",
)
@replicas_option
@click.option("-c", "--clusterName", "cluster", type=TEXT, help="Their cluster; needed without -l.")
@click.option("-l", "--cleanLivingBroker", "living", is_flag=True, help="Those too that are alive.")
async def clean_broker_metadata(
    call: Call,
    addr: str,
    broker_ids: str | None,
    broker_name: str,
    cluster: str | None,
    living: bool,
) -> None:
    """Let the controller forget replicas of a broker."""
    if not living and not cluster:
        raise click.UsageError(
            "cleanLivingBroker option is false, clusterName option can not be empty."
        )
    which = f"replicas {broker_ids}" if broker_ids else "all replicas"
    if call.confirmed(f"forget {which} of {broker_name}", "they have to register again then"):
        await call.admin.clean_broker_metadata(
            addr, broker_name, cluster=cluster, broker_ids=broker_ids, living=living
        )
        done = f"clear broker {broker_name} metadata from controller success! "
        call.done(Forgotten(broker_name, broker_ids), done)
