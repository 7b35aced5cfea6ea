"""RouteInfoManager: who is there, and which queues of which topic they hold.

Five tables, as in Java: topics -> queues by broker name, broker names -> addresses by id,
clusters -> broker names, live brokers by (cluster, address), and static-topic mappings. Nothing
here does I/O. Time is an argument (ms, monotonic); what other brokers must hear of (RIP-29: the
lowest id of a name changed) is collected in ``notices`` for the shell to send.

Behaviour: ``RouteInfoManager`` of 5.x; without acting masters 4.9 does the same.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.codec.bodies import (
    BrokerData,
    DataVersion,
    QueueData,
    RegisterBrokerBody,
    RegisterBrokerResult,
    TopicConfig,
    TopicQueueMappingInfo,
)
from rmqwire.codec.headers import NotifyMinBrokerIdChangeRequestHeader
from rmqwire.codec.message_const import MASTER_ID
from rmqwire.codec.sys_flag import PERM_READ, PERM_WRITE
from rmqwire.errors import RmqError
from rmqwire.namesrv.names import is_registered_topic, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.namesrv.config import NamesrvConfig

logger = logging.getLogger(__name__)

DEFAULT_EXPIRY_MS: Final = 120_000  # DEFAULT_BROKER_CHANNEL_EXPIRED_TIME
MAX_EXPIRY_MS: Final = 86_400_000  # a broker can't ask to be kept longer than a day
REGISTER_PERIOD_MS: Final = 30_000  # registerNameServerPeriod: until a broker has shown its own
_PERIODS_MISSED = 2  # a broker that was silent for so many of its periods is gone

BrokerKey = tuple[str, str]  # cluster, address


class Registration(msgspec.Struct):
    """Who registers (the fields of ``RegisterBrokerRequestHeader``) and on which connection."""

    cluster: str
    broker_name: str
    address: str
    broker_id: int
    ha_address: str
    connection: object
    zone_name: str | None = None
    expiry_ms: int | None = None
    acting_master: bool | None = None  # None: a broker that doesn't know of it (4.x)


class LiveBroker(msgspec.Struct):
    """A broker as it last showed itself.

    Args:
        seen_ms: when that was, monotonic.
        period_ms: how long it took from the sign of life before, as far as is known.
    """

    seen_ms: int
    period_ms: int
    expiry_ms: int
    version: DataVersion
    connection: object
    ha_address: str

    def seen(self, mono_ms: int) -> None:
        """Note a sign of life; one that came early doesn't make the broker's period much shorter."""
        self.period_ms = max(mono_ms - self.seen_ms, self.period_ms // 2)
        self.seen_ms = mono_ms

    def is_due(self, mono_ms: int) -> bool:
        """Return whether it may be alive: it has not been silent for two of its periods."""
        return mono_ms - self.seen_ms <= _PERIODS_MISSED * self.period_ms


class Notice(msgspec.Struct):
    """One NOTIFY_MIN_BROKER_ID_CHANGE for several brokers."""

    addresses: list[str]
    header: NotifyMinBrokerIdChangeRequestHeader


class AddressTaken(RmqError):
    """A registration under the name and id of another broker that is alive."""


class RouteInfoManager:
    """The tables and what changes them."""

    def __init__(self, config: NamesrvConfig) -> None:
        self.config = config
        self.topics: dict[str, dict[str, QueueData]] = {}
        self.brokers: dict[str, BrokerData] = {}
        self.clusters: dict[str, set[str]] = {}
        self.live: dict[BrokerKey, LiveBroker] = {}
        self._homes: dict[tuple[str, int], BrokerKey] = {}  # the live broker behind each address
        self.filter_servers: dict[BrokerKey, list[str]] = {}
        self.mappings: dict[str, dict[str, TopicQueueMappingInfo]] = {}
        self.notices: list[Notice] = []

    # --- registering

    def register(
        self, who: Registration, body: RegisterBrokerBody, mono_ms: int
    ) -> RegisterBrokerResult | None:
        """Take a broker's registration over.

        Returns:
            the master's addresses for a slave, an empty result for a master; None when a single
            topic came before the broker's first whole registration (answered as an error).

        Raises:
            AddressTaken: ``protectBrokerAddress`` is on and that id belongs to another broker
                that is alive.
        """
        wrapper = body.topic_config_serialize_wrapper
        known = self.brokers.get(who.broker_name)
        addresses = dict(known.broker_addrs) if known is not None else {}
        if self._is_outdated(who, addresses, wrapper.data_version, mono_ms):
            self._lose((who.cluster, who.address))
            return RegisterBrokerResult()
        lowest_before = min(addresses, default=0)
        others = [i for i, a in addresses.items() if a == who.address and i != who.broker_id]
        if who.broker_id not in addresses and len(wrapper.topic_config_table) == 1:
            return None
        for old_id in others:
            del addresses[old_id], self._homes[who.broker_name, old_id]
        first = known is None or who.broker_id not in addresses
        addresses[who.broker_id] = who.address
        broker = known or BrokerData(cluster=who.cluster, broker_name=who.broker_name)
        broker.broker_addrs = dict(sorted(addresses.items()))
        broker.enable_acting_master = bool(who.acting_master)
        broker.zone_name = who.zone_name
        self.brokers[who.broker_name] = broker
        self._homes[who.broker_name, who.broker_id] = who.cluster, who.address
        self._take_cluster(broker, who.cluster)
        if who.broker_id == MASTER_ID or self._is_prime_slave(who, broker):
            self._take_topics(who, body, first=first)
        self._mark_alive(who, body, mono_ms)
        if who.broker_id < lowest_before and self.config.notify_min_broker_id_changed:
            self._note_lowest_id(broker, None, who.ha_address)
        return self._masters_addresses(who, broker)

    def _is_outdated(
        self,
        who: Registration,
        addresses: dict[int, str],
        version: DataVersion,
        mono_ms: int,
    ) -> bool:
        """Return whether a newer master stands in that place (a controller's state version)."""
        old_address = addresses.get(who.broker_id)
        home = self._homes.get((who.broker_name, who.broker_id))
        old = self.live.get(home) if home is not None else None
        if old is None or old_address == who.address:
            return False
        if old.version.state_version > version.state_version:
            logger.warning("%s is outdated by %s of %s", who.address, old_address, who.broker_name)
            return True
        same = old.version.state_version == version.state_version
        alive = not getattr(old.connection, "closed", False) and old.is_due(mono_ms)
        if self.config.protect_broker_address and same and alive:
            raise AddressTaken(
                f"{shown(who.broker_name)} id {who.broker_id} is {old_address}, heard of "
                f"{mono_ms - old.seen_ms} ms ago (protectBrokerAddress)"
            )
        return False

    def _take_cluster(self, broker: BrokerData, cluster: str) -> None:
        """Let a broker's name be in one cluster: the one it said last."""
        name = broker.broker_name
        if broker.cluster != cluster:
            self._leave_cluster(name, broker.cluster)
            broker.cluster = cluster
        self.clusters.setdefault(cluster, set()).add(name)

    def _is_prime_slave(self, who: Registration, broker: BrokerData) -> bool:
        return who.acting_master is not None and who.broker_id == min(broker.broker_addrs)

    def _take_topics(self, who: Registration, body: RegisterBrokerBody, *, first: bool) -> None:
        wrapper = body.topic_config_serialize_wrapper
        table = wrapper.topic_config_table
        mappings = wrapper.topic_queue_mapping_info_map
        changed = first or self.is_changed(who.cluster, who.address, wrapper.data_version)
        if self.config.delete_topic_with_broker_registration and not mappings:
            self._drop_topics(who.broker_name, [t for t in self.topics if t not in table])
        read_only = who.broker_id != MASTER_ID and bool(who.acting_master)
        for topic in table.values():
            name = topic.topic_name
            if not changed and who.broker_name in self.topics.get(name, ()):
                continue
            if not is_registered_topic(name, who.broker_name, who.cluster):
                logger.warning("%s: illegal topic %s is left out", who.broker_name, shown(name))
                continue
            queues = _queues_of(who.broker_name, topic)
            if read_only:
                queues.perm &= ~PERM_WRITE
            self.topics.setdefault(name, {})[who.broker_name] = queues
        if changed:
            for name, mapping in mappings.items():
                if is_registered_topic(name, who.broker_name, who.cluster):
                    self.mappings.setdefault(name, {})[mapping.bname] = mapping

    def _mark_alive(self, who: Registration, body: RegisterBrokerBody, mono_ms: int) -> None:
        key = (who.cluster, who.address)
        expiry = DEFAULT_EXPIRY_MS if who.expiry_ms is None else who.expiry_ms
        if key not in self.live:
            logger.info("new broker registered: %s %s HA %s", *key, shown(who.ha_address))
        before = self.live.get(key)
        period_ms = REGISTER_PERIOD_MS
        if before is not None:
            before.seen(mono_ms)
            period_ms = before.period_ms
        self.live[key] = LiveBroker(
            seen_ms=mono_ms,
            period_ms=period_ms,
            expiry_ms=min(max(expiry, 0), MAX_EXPIRY_MS),
            version=body.topic_config_serialize_wrapper.data_version,
            connection=who.connection,
            ha_address=who.ha_address,
        )
        if body.filter_server_list:
            self.filter_servers[key] = body.filter_server_list
        else:
            self.filter_servers.pop(key, None)

    def _masters_addresses(self, who: Registration, broker: BrokerData) -> RegisterBrokerResult:
        master = broker.broker_addrs.get(MASTER_ID)
        if who.broker_id == MASTER_ID or master is None:
            return RegisterBrokerResult()
        live = self.live.get((who.cluster, master))
        if live is None:
            return RegisterBrokerResult()
        return RegisterBrokerResult(ha_server_addr=live.ha_address, master_addr=master)

    # --- staying and leaving

    def is_changed(self, cluster: str, address: str, version: DataVersion) -> bool:
        """Return whether a broker's table differs from the one it registered last."""
        live = self.live.get((cluster, address))
        return live is None or live.version != version

    def version_of(self, cluster: str, address: str) -> DataVersion | None:
        """Return the version of a broker's table as it registered it."""
        live = self.live.get((cluster, address))
        return None if live is None else live.version

    def touch(self, cluster: str, address: str, mono_ms: int) -> None:
        """Note that a broker is alive (BROKER_HEARTBEAT, QUERY_DATA_VERSION)."""
        live = self.live.get((cluster, address))
        if live is not None:
            live.seen(mono_ms)

    def unregister(self, cluster: str, broker_name: str, address: str, broker_id: int) -> None:
        """Forget one address of a broker; its topics too when it was the last."""
        self._lose((cluster, address))
        broker = self.brokers.get(broker_name)
        if broker is None:
            self._forget_name(broker_name, cluster)
        elif broker.broker_addrs.get(broker_id) == address:
            self._remove(broker, broker_id)

    def _remove(self, broker: BrokerData, broker_id: int) -> None:
        """Forget one id of a broker."""
        name = broker.broker_name
        was_lowest = broker_id == min(broker.broker_addrs)
        address = broker.broker_addrs.pop(broker_id)
        del self._homes[name, broker_id]
        if not broker.broker_addrs:
            del self.brokers[name]
            self._forget_name(name, broker.cluster)
            return
        if broker.enable_acting_master and min(broker.broker_addrs) > MASTER_ID:
            for queues in self.topics.values():
                if name in queues:
                    queues[name].perm &= ~PERM_WRITE
        if was_lowest and broker.enable_acting_master and self.config.notify_min_broker_id_changed:
            self._note_lowest_id(broker, address, None)

    def _forget_name(self, broker_name: str, cluster: str) -> None:
        self._leave_cluster(broker_name, cluster)
        self._drop_topics(broker_name, list(self.topics))

    def _leave_cluster(self, broker_name: str, cluster: str) -> None:
        names = self.clusters.get(cluster)
        if names is not None:
            names.discard(broker_name)
            if not names:
                del self.clusters[cluster]

    def _drop_topics(self, broker_name: str, topics: Iterable[str]) -> None:
        for topic in topics:
            queues = self.topics[topic]
            queues.pop(broker_name, None)
            if not queues:
                del self.topics[topic]

    def expire(self, mono_ms: int) -> list[object]:
        """Forget brokers not heard of for their time; give their connections, to be closed."""
        dead = [key for key, live in self.live.items() if live.seen_ms + live.expiry_ms < mono_ms]
        connections = []
        for key in dead:
            logger.warning("broker %s %s expired after %d ms", *key, self.live[key].expiry_ms)
            connections.append(self.live[key].connection)
            self._lose(key)
        return connections

    def connection_closed(self, connection: object) -> None:
        """Forget the brokers that registered on a connection that is gone."""
        for key in [key for key, live in self.live.items() if live.connection is connection]:
            logger.info("the connection of broker %s %s closed", *key)
            self._lose(key)

    def _lose(self, key: BrokerKey) -> None:
        """Forget a live broker, and every id of every name that it stood behind."""
        self.live.pop(key, None)
        self.filter_servers.pop(key, None)
        for name, broker_id in [place for place, home in self._homes.items() if home == key]:
            self._remove(self.brokers[name], broker_id)

    def _note_lowest_id(
        self, broker: BrokerData, offline_address: str | None, ha_address: str | None
    ) -> None:
        addresses = broker.broker_addrs
        lowest = min(addresses)
        everyone = offline_address is not None or len(addresses) == 1
        header = NotifyMinBrokerIdChangeRequestHeader(
            min_broker_id=lowest,
            min_broker_addr=addresses[lowest],
            offline_broker_addr=offline_address,
            ha_broker_addr=ha_address,
        )
        told = [a for i, a in addresses.items() if everyone or i != lowest]
        self.notices.append(Notice(told, header))

    # --- topics by hand

    def register_topic(self, topic: str, queues: list[QueueData]) -> None:
        """Add a topic's queues of brokers that are known; an unknown one ends it, as in Java."""
        table = self.topics.get(topic, {})
        for data in queues:
            if data.broker_name not in self.brokers:
                logger.warning(
                    "topic %s names an unknown broker %s", topic, shown(data.broker_name)
                )
                return
            table[data.broker_name] = data
            self.topics[topic] = table

    def delete_topic(self, topic: str, cluster: str | None = None) -> None:
        """Forget a topic, or only its queues in one cluster."""
        if not cluster:
            self.topics.pop(topic, None)
        elif topic in self.topics:
            for broker_name in list(self.clusters.get(cluster, ())):
                self._drop_topics(broker_name, [topic] if topic in self.topics else [])

    def wipe_write_permission(self, broker_name: str) -> int:
        """Make every queue of a broker read-only; give the number of topics."""
        mine = [queues[broker_name] for queues in self.topics.values() if broker_name in queues]
        for data in mine:
            data.perm &= ~PERM_WRITE
        return len(mine)

    def add_write_permission(self, broker_name: str) -> int:
        """Make every queue of a broker readable and writable; give the number of topics."""
        mine = [queues[broker_name] for queues in self.topics.values() if broker_name in queues]
        for data in mine:
            data.perm = PERM_READ | PERM_WRITE
        return len(mine)


def _queues_of(broker_name: str, topic: TopicConfig) -> QueueData:
    return QueueData(
        broker_name=broker_name,
        read_queue_nums=topic.read_queue_nums,
        write_queue_nums=topic.write_queue_nums,
        perm=topic.perm,
        topic_sys_flag=topic.topic_sys_flag,
    )
