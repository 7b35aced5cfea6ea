"""What a broker is because of its role: master with slaves, or slave of a master."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec import bodies
from rmqwire.codec.ha import SLAVE_LAG_KEY
from rmqwire.ha.group_transfer import GroupTransfer
from rmqwire.ha.slaves import Slaves
from rmqwire.store.config import SLAVE
from rmqwire.store.reading.first_record import first_store_timestamp

if TYPE_CHECKING:
    from rmqwire.clock import MonoMs
    from rmqwire.codec.release import Release
    from rmqwire.ha.master_server import HaMaster
    from rmqwire.ha.slave_client import HaSlave
    from rmqwire.store.message_store import MessageStore

SYNC_MASTER: Final = "SYNC_MASTER"
HA_ADDRESS_MIN_LENGTH: Final = 6  # BrokerController.HA_ADDRESS_MIN_LENGTH


class Replication:
    """The replication of one broker, as its processors see it.

    Args:
        store: whose log it is.
        release: whose rules count.
        mono_ms: clock of waits and heartbeats.

    Attributes:
        slaves: the slaves of a master.
        transfer: sends that wait for slaves; None unless it is a SYNC_MASTER.
        server: a master's end of its links, while its role runs.
        client: a slave's end of the link, while its role runs.
    """

    def __init__(self, store: MessageStore, release: Release, mono_ms: MonoMs) -> None:
        self._store = store
        self._release = release
        self._mono_ms = mono_ms
        self.slaves = Slaves(store.log, store.config, mono_ms)
        self.transfer: GroupTransfer | None = None
        self.server: HaMaster | None = None
        self.client: HaSlave | None = None
        self.master_is_there = True  # as far as a slave has heard from the name servers
        self.master_flush_offset = 0  # a slave's: what its master has on the disk, when told
        self.initial_end = 0  # end of the log when the broker started (getBrokerInitMaxOffset)

    @property
    def is_slave(self) -> bool:
        """Whether ``brokerRole`` is SLAVE."""
        return self._store.config.broker_role == SLAVE

    def take_role(self) -> None:
        """Let sends wait for slaves if ``brokerRole`` is SYNC_MASTER now, and only then."""
        self.close()
        self.transfer = None
        if self._store.config.broker_role == SYNC_MASTER:
            config = self._store.config
            self.transfer = GroupTransfer(self.slaves, config, self._release, self._mono_ms)
        self._store.puts.replication = self.transfer

    def close(self) -> None:
        """Answer the sends that still wait: nobody will confirm them any more."""
        if self.transfer is not None:
            self.transfer.fail_all()

    @property
    def fixed_master(self) -> str | None:
        """The master's replication address of the file, which wins over the name server's."""
        addr = (self._store.config.ha_master_address or "").strip()
        return addr if len(addr) >= HA_ADDRESS_MIN_LENGTH else None

    def runtime_info(self) -> bodies.HARuntimeInfo:
        """Return what ``haStatus`` of mqadmin shows (``DefaultHAService.getRuntimeInfo``)."""
        if self.is_slave:
            return bodies.HARuntimeInfo(master=False, ha_client_runtime_info=self._client_info())
        end = self._store.max_phy_offset
        connections = [
            bodies.HAConnectionRuntimeInfo(
                addr=one.peer,
                slave_ack_offset=one.ack,
                diff=end - one.ack,
                in_sync=self.slaves.in_sync(one),
                transferred_byte_in_second=one.speed,
                transfer_from_where=one.position,
            )
            for one in self.slaves.connections
        ]
        return bodies.HARuntimeInfo(
            master=True,
            master_commit_log_max_offset=end,
            in_sync_slave_nums=sum(one.in_sync for one in connections),
            ha_connection_info=connections,
        )

    def lag_table(self) -> dict[str, str]:
        """Return slave -> ms since the first message was stored that it hasn't got, 0 without one.

        A slave that hasn't reported yet, or of which that can't be told, is left out.
        """
        log, now = self._store.log, self._store.wall_ms()
        table = {}
        for one in self.slaves.connections:
            stored = first_store_timestamp(log, one.ack) if 0 <= one.ack < log.end else now
            if one.ack >= 0 and stored >= 0:
                table[SLAVE_LAG_KEY + one.peer] = str(max(now - stored, 0))
        return table

    def _client_info(self) -> bodies.HAClientRuntimeInfo:
        info = bodies.HAClientRuntimeInfo(max_offset=self._store.max_phy_offset)
        info.master_flush_offset = self.master_flush_offset
        client = self.client
        if client is None:
            return info
        info.master_addr = client.master
        link = client.link
        if link is not None:
            info.transferred_byte_in_second = link.speed
            # The link's clock is monotonic; tools want the time of day.
            shift = self._store.wall_ms() - self._store.mono_ms()
            info.last_read_timestamp = link.last_read_ms + shift
            info.last_write_timestamp = link.last_write_ms + shift
        return info
