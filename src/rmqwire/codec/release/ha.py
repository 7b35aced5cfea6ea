"""Where releases differ in replication."""

from __future__ import annotations

import msgspec


class HaRelease(msgspec.Struct, frozen=True):
    """The column of replication.

    Args:
        sync_master_needs_a_slave: a SYNC_MASTER answers SLAVE_NOT_AVAILABLE when no slave is near
            (4.9); in 5.x inSyncReplicas says how many copies a send waits for.
        ha_listen_port_settable: haListenPort of the file counts (5.x), or it's always
            listenPort + 1 (4.9).
    """

    sync_master_needs_a_slave: bool
    ha_listen_port_settable: bool


HA_4_9 = HaRelease(sync_master_needs_a_slave=True, ha_listen_port_settable=False)
HA_5 = HaRelease(sync_master_needs_a_slave=False, ha_listen_port_settable=True)
