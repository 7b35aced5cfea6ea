"""``rmqwire admin``: how much groups may read of what isn't in a broker's memory, and how it reads its log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from rmqwire.cli.admin.broker_config import asked_brokers
from rmqwire.cli.admin.printing import second_text
from rmqwire.cli.admin.verb import Changed, broker_option, cluster_option, group_option, verb
from rmqwire.codec import java_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.cli.admin.verb import Call

TIMES = {"lastColdReadTimeMills": "lastColdReadTimeFormat", "createTimeMills": "createTimeFormat"}


@dataclass(frozen=True, slots=True)
class ColdData:
    """What a broker says of its readers of cold data; no table of a broker without one."""

    broker_addr: str
    table: dict[str, Any]


@verb(
    "getColdDataFlowCtrInfo",
    example="getColdDataFlowCtrInfo -b 127.0.0.1:10911",
    namesrv="optional",
)
@broker_option
@cluster_option
async def get_cold_data_flow_ctr_info(
    call: Call, broker_addr: str | None, cluster: str | None
) -> None:
    """Show how much groups may read of cold data, and have read; of a cluster's masters and slaves.

    Brokers of rmqwire keep the limits, and hold nobody back.
    """
    for broker in await asked_brokers(call, broker_addr, cluster):
        table = await call.admin.get_cold_data_flow_ctr_info(broker.addr)
        call.tell([ColdData(broker.addr, table)], _lines, [f" {broker.heading}"])


def _lines(found: ColdData) -> Iterator[str]:
    if not found.table:
        yield f"Broker[{found.broker_addr}] has no cold ctr table !"
        return
    yield from java_json.dumps(_as_shown(found.table), pretty=True).decode().splitlines()


def _as_shown(table: dict[str, Any]) -> dict[str, Any]:
    """Return a broker's table with times of day in place of ms, behind what else is told of a reader."""
    readers = table.get("runtimeTable") or {}
    return table | {"runtimeTable": {group: _reader(one) for group, one in readers.items()}}


def _reader(told: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in told.items() if name not in TIMES}
    for name, shown_as in TIMES.items():
        if name in told:
            shown[shown_as] = second_text(int(told[name]))
    return shown


@verb(
    "updateColdDataFlowCtrGroupConfig",
    example="updateColdDataFlowCtrGroupConfig -b 127.0.0.1:10911 -g readers -v 1048576",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@group_option("--consumerGroup")
@click.option(
    "-v",
    "--threshold",
    type=int,
    required=True,
    help="Bytes of cold data that it may read each time.",
)
async def update_cold_data_flow_ctr_group_config(
    call: Call, broker_addr: str | None, cluster: str | None, group: str, threshold: int
) -> None:
    """Limit what a group may read of cold data, at a broker or a cluster's masters."""
    addrs = await call.addresses(broker_addr, cluster)
    if not call.goes_ahead(f"let {group} read {threshold} bytes at {', '.join(addrs)}"):
        return
    for addr in addrs:
        with call.tolerated(addr, alone=broker_addr is not None):
            await call.admin.update_cold_data_flow_ctr_group_config(addr, {group: threshold})
            call.done(Changed(addr, group), f"updateColdDataFlowCtrGroupConfig success, {addr}")


@verb(
    "removeColdDataFlowCtrGroupConfig",
    example="removeColdDataFlowCtrGroupConfig -b 127.0.0.1:10911 -g readers",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@group_option("--consumerGroup")
async def remove_cold_data_flow_ctr_group_config(
    call: Call, broker_addr: str | None, cluster: str | None, group: str
) -> None:
    """Take a group's limit away, at a broker or a cluster's masters."""
    addrs = await call.addresses(broker_addr, cluster)
    if not call.goes_ahead(f"take the limit of {group} away at {', '.join(addrs)}"):
        return
    for addr in addrs:
        with call.tolerated(addr, alone=broker_addr is not None):
            await call.admin.remove_cold_data_flow_ctr_group_config(addr, group)
            call.done(Changed(addr, group), f"remove broker cold read threshold success, {addr}")


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """What a broker says of how it reads its log now."""

    broker_addr: str
    remark: str


@verb(
    "setCommitLogReadAheadMode",
    example="setCommitLogReadAheadMode -b 127.0.0.1:10911 -m 0",
    namesrv="optional",
    changes=True,
)
@broker_option
@cluster_option
@click.option(
    "-m",
    "--commitLogReadAheadMode",
    "mode",
    type=click.Choice(["0", "1"]),
    required=True,
    help="0: what follows is read too; 1: it isn't, for reads at random.",
)
async def set_commit_log_read_ahead_mode(
    call: Call, broker_addr: str | None, cluster: str | None, mode: str
) -> None:
    """Choose how a broker reads its log, or a cluster's masters and slaves do."""
    brokers = await asked_brokers(call, broker_addr, cluster)
    if not call.goes_ahead(f"set mode {mode} at {', '.join(one.addr for one in brokers)}"):
        return
    for broker in brokers:
        with call.tolerated(broker.addr, alone=broker_addr is not None):
            remark = await call.admin.set_commit_log_read_ahead_mode(broker.addr, int(mode))
            call.done(
                ReadAhead(broker.addr, remark),
                f" {broker.heading}",
                f"commitLog set readAhead mode rstStr{remark}",
            )
