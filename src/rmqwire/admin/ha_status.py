"""``haStatus``: how far the slaves of a master are (``HAStatusSubCommand``).

The lines are mqadmin's. A master that is rmqwire's own also tells how old the first message is that
a slave hasn't got yet; that is one more column, ``#Lag(ms)``, at the end.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from rmqwire.codec.bodies import HARuntimeInfo
from rmqwire.codec.bodies.ha import SLAVE_LAG_KEY
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rmqwire.codec.bodies import HAClientRuntimeInfo

_COLUMNS: Final = (
    "#SlaveAddr",
    "#SlaveAckOffset",
    "#Diff",
    "#TransferSpeed(KB/s)",
    "#Status",
    "#TransferFromWhere",
    "#Lag(ms)",
)


def status_request() -> RemotingCommand:
    """Ask a broker for its replication."""
    return RemotingCommand.request(int(RequestCode.GET_BROKER_HA_STATUS))


def lags_of(figures: Mapping[str, str]) -> dict[str, str]:
    """Return slave -> ms of a broker's figures; a Java broker tells none."""
    return {
        key.removeprefix(SLAVE_LAG_KEY): value
        for key, value in figures.items()
        if key.startswith(SLAVE_LAG_KEY)
    }


def status_lines(addr: str, body: bytes, lags: Mapping[str, str]) -> Iterator[str]:
    """Return the lines to print for one broker.

    Args:
        addr: its address.
        body: its answer to ``status_request``.
        lags: slave -> ms.

    Raises:
        BadBody: it isn't one.
    """
    info = HARuntimeInfo.decode(body)
    yield ""
    if info.master:
        yield from _master_lines(addr, info, lags)
    else:
        yield from _slave_lines(info.ha_client_runtime_info)


def log_end_lines(addr: str, figures: Mapping[str, str]) -> Iterator[str]:
    """Return the lines for a broker that knows no haStatus (4.9): where its own log ends.

    Args:
        addr: its address.
        figures: those that ``brokerStatus`` shows.
    """
    yield ""
    yield f"#BrokerAddr\t{addr}"
    yield f"#CommitLogMaxOffset\t{figures.get('commitLogMaxOffset', 'null')}"
    yield (
        f"#NoHaStatus\t{figures.get('brokerVersionDesc', 'this release')} doesn't tell its slaves'"
        " progress: compare commitLogMaxOffset in brokerStatus of master and slave"
    )


def _master_lines(addr: str, info: HARuntimeInfo, lags: Mapping[str, str]) -> Iterator[str]:
    yield f"#MasterAddr\t{addr}"
    yield f"#MasterCommitLogMaxOffset\t{info.master_commit_log_max_offset}"
    yield f"#SlaveNum\t{len(info.ha_connection_info)}"
    yield f"#InSyncSlaveNum\t{info.in_sync_slave_nums}"
    yield _row(*_COLUMNS)
    for slave in info.ha_connection_info:
        yield _row(
            slave.addr or "null",
            slave.slave_ack_offset,
            slave.diff,
            _kilobytes(slave.transferred_byte_in_second),
            "OK" if slave.in_sync else "Fall Behind",
            slave.transfer_from_where,
            lags.get(slave.addr or "", "-"),
        )


def _row(addr: str, ack: object, *others: object) -> str:
    return f"{addr:<32}  {ack:<16} {' '.join(f'{other:>16}' for other in others)}"


def _slave_lines(info: HAClientRuntimeInfo) -> Iterator[str]:
    yield f"#MasterAddr\t{info.master_addr or 'null'}"
    yield f"#CommitLogMaxOffset\t{info.max_offset}"
    yield f"#TransferSpeed(KB/s)\t{_kilobytes(info.transferred_byte_in_second)}"
    yield f"#LastReadTime\t{_time(info.last_read_timestamp)}"
    yield f"#LastWriteTime\t{_time(info.last_write_timestamp)}"
    yield f"#MasterFlushOffset\t{info.master_flush_offset}"


def _kilobytes(count: int) -> str:
    return f"{count / 1024:.2f}"


def _time(timestamp_ms: int) -> str:
    """Write a time of day as ``UtilAll.timeMillisToHumanString2`` does, in local time."""
    found = datetime.fromtimestamp(timestamp_ms // 1000)  # noqa: DTZ006  local time, as Java's tool
    return f"{found:%Y-%m-%d %H:%M:%S},{timestamp_ms % 1000:03d}"
