"""What ``brokerStatus`` and ``clusterList`` of mqadmin show (``prepareRuntimeInfo``)."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from rmqwire.codec import message_const as const
from rmqwire.codec.bodies import KVTable
from rmqwire.codec.mq_version import version_name
from rmqwire.codec.record import decode_message
from rmqwire.errors import ProtocolError

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

# Java shows how long its thread pools' queues are. Here requests never queue: the figures that
# tools read stand for themselves, 0, beside the capacity that the file names, or Java's default.
_QUEUES: Final = {"send": 10_000, "pull": 100_000, "query": 20_000}
_QUEUES_V5: Final = {"litePull": 100_000, "ack": 100_000}
_NO_TRANSIENT_POOL: Final = 2**31 - 1  # DefaultMessageStore.remainTransientStoreBufferNumbs


class RuntimeAdmin:
    """Answers GET_BROKER_RUNTIME_INFO."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._release = state.release

    def runtime_info(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the table of figures under Java's keys."""
        body = KVTable(table=self.table())
        return request.create_response(body=body.encode(self._release))

    def table(self) -> dict[str, str]:
        """Collect the figures of store, delays, totals and disk."""
        info = self._state.store.runtime_info()
        info |= self._delays() | self._totals() | self._store() | self._queues()
        info |= self._state.replication.lag_table()  # ours: Java has no such keys
        info["brokerVersionDesc"] = version_name(self._release.mq_version)
        start = self._state.config.start_accept_send_request_time_stamp
        info["startAcceptSendRequestTimeStamp"] = str(start)
        if self._release.broker.runtime_keys_5:
            info |= self._state.timers.runtime_info()
            info["brokerActive"] = "true"
        else:
            info["brokerVersion"] = str(self._release.mq_version)
            info["getTransferedTps"] = info.pop("getTransferredTps", "")  # 4.9 spells it so
        return info

    def _delays(self) -> dict[str, str]:
        """Show each delay level in use as ``delivered,stored`` (``buildRunningStats``)."""
        store = self._state.store
        return {
            f"scheduleMessageOffset_{number}": (
                f"{level.offset},{store.max_offset(const.RMQ_SYS_SCHEDULE_TOPIC, number - 1)}"
            )
            for number, level in self._state.schedule.levels.items()
            if level.offset
        }

    def _totals(self) -> dict[str, str]:
        stats = self._state.stats
        return {
            "msgPutTotalYesterdayMorning": str(stats.put_total_yesterday_morning),
            "msgPutTotalTodayMorning": str(stats.put_total_today_morning),
            "msgPutTotalTodayNow": str(stats.put_total),
            "msgGetTotalYesterdayMorning": str(stats.get_total_yesterday_morning),
            "msgGetTotalTodayMorning": str(stats.get_total_today_morning),
            "msgGetTotalTodayNow": str(stats.get_total),
        }

    def _store(self) -> dict[str, str]:
        store = self._state.store
        info = {
            "dispatchBehindBytes": str(self._dispatch_behind()),
            "pageCacheLockTimeMills": "0",  # nothing is locked
            "earliestMessageTimeStamp": str(self._earliest_message_time()),
            "remainTransientStoreBufferNumbs": str(_NO_TRANSIENT_POOL),
            "remainHowManyDataToFlush": readable_bytes(store.max_phy_offset - store.log.flushed),
        }
        try:
            disk = shutil.disk_usage(store.config.store_path_root_dir)
        except OSError:
            return info
        total, free = readable_bytes(disk.total), readable_bytes(disk.free)
        info["commitLogDirCapacity"] = f"Total : {total}, Free : {free}."
        return info

    def _dispatch_behind(self) -> int:
        """Return how many bytes of the log are not in the index; the queues grow with the log."""
        index, dispatched = self._state.store.index, self._state.store.puts.dispatched_to
        return max(dispatched - index.position, 0) if index.enabled else 0

    def _earliest_message_time(self) -> int:
        """Return when the oldest message of the log was stored (epoch ms), -1 without any."""
        record = self._state.store.look_message(self._state.store.min_phy_offset)
        if record is None:
            return -1
        try:
            return decode_message(record).store_timestamp
        except ProtocolError:
            return -1

    def _queues(self) -> dict[str, str]:
        capacity_set = self._state.config.properties.get(
            "endTransactionPoolQueueCapacity", "100000"
        )
        info = {
            "EndTransactionQueueSize": "0",
            "EndTransactionThreadPoolQueueCapacity": capacity_set.strip(),
        }
        queues = _QUEUES | _QUEUES_V5 if self._release.broker.runtime_keys_5 else _QUEUES
        for name, capacity in queues.items():
            info[f"{name}ThreadPoolQueueSize"] = "0"
            key = f"{name}ThreadPoolQueueCapacity"
            info[key] = self._state.config.properties.get(key, str(capacity)).strip()
            info[f"{name}ThreadPoolQueueHeadWaitTimeMills"] = "0"
        return info


def readable_bytes(count: int) -> str:
    """Write a number of bytes as Java does: ``645 B``, ``2.8 KiB``."""
    size = float(count)
    units = iter("KMGTPE")
    unit = ""
    while size >= 1024 and (larger := next(units, "")):
        size, unit = size / 1024, larger
    return f"{size:.1f} {unit}iB" if unit else f"{count} B"
