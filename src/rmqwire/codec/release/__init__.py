"""Where Apache RocketMQ releases differ: one table, chosen by ``rocketmqVersion``.

Nothing else in rmqwire asks which release it is; code reads a column of this table. Each room has
a group of columns of its own, and a column is one behaviour.
"""

from __future__ import annotations

import msgspec

from rmqwire.codec.release.broker import BROKER_4_9, BROKER_5, BROKER_5_5_1, BrokerRelease
from rmqwire.codec.release.client import CLIENT_4_9, CLIENT_5, ClientRelease
from rmqwire.codec.release.ha import HA_4_9, HA_5, HaRelease
from rmqwire.codec.release.store import STORE_4_9, STORE_5, StoreRelease
from rmqwire.codec.release.wire import WIRE_4_9, WIRE_5, WireRelease
from rmqwire.errors import ConfigError


class Release(msgspec.Struct, frozen=True):
    """One row of the table of differences.

    Args:
        name: the value of ``rocketmqVersion``.
        mq_version: ordinal announced in every command (Java ``MQVersion.CURRENT_VERSION``).
        wire: texts and bytes, whoever writes them.
        store: files of a store.
        ha: replication.
        client: producers and consumers.
        broker: what a broker does and answers.
    """

    name: str
    mq_version: int
    wire: WireRelease
    store: StoreRelease
    ha: HaRelease
    client: ClientRelease
    broker: BrokerRelease


V4_9_7 = Release("4.9.7", 407, WIRE_4_9, STORE_4_9, HA_4_9, CLIENT_4_9, BROKER_4_9)
V5_5_0 = Release("5.5.0", 513, WIRE_5, STORE_5, HA_5, CLIENT_5, BROKER_5)
V5_5_1 = msgspec.structs.replace(V5_5_0, name="5.5.1", mq_version=515, broker=BROKER_5_5_1)
RELEASES = {release.name: release for release in (V4_9_7, V5_5_0, V5_5_1)}
DEFAULT_RELEASE = V5_5_0
V5_0_0_ORDINAL = 413  # the first release after 4.9


def release_of(mq_version: int) -> Release:
    """Return the release whose habits a peer with this version ordinal has: 5.x or the one before.

    Ordinal 0 is a client that announces none; it counts as new.
    """
    return V4_9_7 if 0 < mq_version < V5_0_0_ORDINAL else V5_5_0


def release_named(name: str) -> Release:
    """Return the release called ``name``.

    Raises:
        ConfigError: no such row in the table.
    """
    try:
        return RELEASES[name]
    except KeyError:
        known = ", ".join(RELEASES)
        raise ConfigError(f"rocketmqVersion={name}: not one of {known}") from None
