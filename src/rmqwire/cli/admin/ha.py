"""``rmqwire admin``: replication.

The lines are mqadmin's. A master that is rmqwire's own also tells how old the first message is that
a slave hasn't got yet; that is one more column, ``#Lag(ms)``, at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.cli.admin.printing import row, time_text
from rmqwire.cli.admin.verb import broker_option, cluster_option, interval_option, repeated, verb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.admin.ha import HaStatus
    from rmqwire.cli.admin.verb import Call
    from rmqwire.codec.bodies import HAClientRuntimeInfo, HARuntimeInfo

SLAVE: Final = "%-32s  %-16s %16s %16s %16s %16s %16s"
_COLUMNS: Final = (
    "#SlaveAddr",
    "#SlaveAckOffset",
    "#Diff",
    "#TransferSpeed(KB/s)",
    "#Status",
    "#TransferFromWhere",
    "#Lag(ms)",
)


@verb("haStatus", example="haStatus -b 127.0.0.1:10911", namesrv="optional")
@broker_option
@cluster_option
@interval_option
async def ha_status(
    call: Call, broker_addr: str | None, cluster: str | None, interval: float | None
) -> None:
    """Show how far the slaves of a master are, in bytes and ms.

    Asked of a slave it shows whom it follows. The lag in ms is the age of the first message that a
    slave hasn't got; masters of Apache RocketMQ don't tell it. Brokers of 4.9 know no slaves'
    progress: of them the end of the log is shown.
    """

    async def once() -> None:
        for addr in await call.addresses(broker_addr, cluster):
            call.tell([await call.admin.ha_status(addr)], status_lines)

    await repeated(interval, once)


def status_lines(status: HaStatus) -> Iterator[str]:
    """Return the lines to print for one broker."""
    yield ""
    if status.info is None:
        yield from _log_end_lines(status)
    elif status.info.master:
        yield from _master_lines(status, status.info)
    else:
        yield from _slave_lines(status.info.ha_client_runtime_info)


def _log_end_lines(status: HaStatus) -> Iterator[str]:
    """Return the lines for a broker that knows no haStatus (4.9): where its own log ends."""
    yield f"#BrokerAddr\t{status.addr}"
    yield f"#CommitLogMaxOffset\t{status.figures.get('commitLogMaxOffset', 'null')}"
    yield (
        f"#NoHaStatus\t{status.figures.get('brokerVersionDesc', 'this release')} doesn't tell its"
        " slaves' progress: compare commitLogMaxOffset in brokerStatus of master and slave"
    )


def _master_lines(status: HaStatus, info: HARuntimeInfo) -> Iterator[str]:
    yield f"#MasterAddr\t{status.addr}"
    yield f"#MasterCommitLogMaxOffset\t{info.master_commit_log_max_offset}"
    yield f"#SlaveNum\t{len(info.ha_connection_info)}"
    yield f"#InSyncSlaveNum\t{info.in_sync_slave_nums}"
    yield row(SLAVE, *_COLUMNS)
    for slave in info.ha_connection_info:
        yield row(
            SLAVE,
            slave.addr,
            slave.slave_ack_offset,
            slave.diff,
            _kilobytes(slave.transferred_byte_in_second),
            "OK" if slave.in_sync else "Fall Behind",
            slave.transfer_from_where,
            status.lags.get(slave.addr or "", "-"),
        )


def _slave_lines(info: HAClientRuntimeInfo) -> Iterator[str]:
    yield row("#MasterAddr\t%s", info.master_addr)
    yield f"#CommitLogMaxOffset\t{info.max_offset}"
    yield f"#TransferSpeed(KB/s)\t{_kilobytes(info.transferred_byte_in_second)}"
    yield f"#LastReadTime\t{time_text(info.last_read_timestamp)}"
    yield f"#LastWriteTime\t{time_text(info.last_write_timestamp)}"
    yield f"#MasterFlushOffset\t{info.master_flush_offset}"


def _kilobytes(count: int) -> str:
    return f"{count / 1024:.2f}"
