"""The consumer groups of one broker (``SubscriptionGroupManager``, ``subscriptionGroup.json``)."""

from __future__ import annotations

import logging
from copy import copy
from typing import TYPE_CHECKING, Any, Final

from rmqwire.broker.names import group_fault
from rmqwire.broker.tables.attributes import GROUP_ATTRIBUTES
from rmqwire.broker.tables.config_table import ConfigTable
from rmqwire.broker.tables.versions import advance, assign
from rmqwire.codec import message_const as const
from rmqwire.codec.bodies import SubscriptionGroupConfig, SubscriptionGroupWrapper
from rmqwire.remoting.limited_log import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.clock import WallMs
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile

logger = logging.getLogger(__name__)

# Groups that every broker has, in Java's order.
SYSTEM_GROUPS: Final = (
    const.TOOLS_CONSUMER_GROUP,
    const.FILTERSRV_CONSUMER_GROUP,
    const.SELF_TEST_CONSUMER_GROUP,
    "CID_ONS-HTTP-PROXY",
    "CID_ONSAPI_PULL",
    "CID_ONSAPI_PERMISSION",
    "CID_ONSAPI_OWNER",
    const.CID_SYS_RMQ_TRANS,
)


class SubscriptionGroupManager(ConfigTable[SubscriptionGroupConfig]):
    """The group table: whether each group may consume, and how often it retries.

    Args:
        config: the broker's settings.
        release: what the JSON holds.
        file: where the table is kept.
        wall_ms: epoch milliseconds.
        changed: called with the names of groups that were created or changed.
        light_queues: ``enableLmq``.

    Attributes:
        forbidden: group -> topic -> bits of what is forbidden (5.x).
    """

    def __init__(
        self,
        config: BrokerConfig,
        release: Release,
        file: ConfigFile,
        wall_ms: WallMs,
        changed: Callable[[Collection[str]], None],
        *,
        light_queues: bool = False,
    ) -> None:
        super().__init__(
            GROUP_ATTRIBUTES, release, file, wall_ms, changed, light_queues=light_queues
        )
        for name in SYSTEM_GROUPS:
            self.table[name] = SubscriptionGroupConfig(group_name=name)
        self.forbidden: dict[str, dict[str, int]] = {}
        self._config = config

    def name_of(self, entry: SubscriptionGroupConfig) -> str:
        """Return the group's name."""
        return entry.group_name

    # --- questions -----------------------------------------------------------------------------

    def find(self, group: str) -> SubscriptionGroupConfig | None:
        """Return the group, creating it where ``autoCreateSubscriptionGroup`` lets it be.

        Returns:
            None when it doesn't exist and may not be created, or its name isn't legal.
        """
        existing = self.select(group)
        if existing is not None:
            return existing
        if not self._may_create(group) or group_fault(group) is not None:
            return None
        created = SubscriptionGroupConfig(group_name=group)
        logger.info("auto create a subscription group, %s", created)
        self.table[group] = created
        self._changed(group)
        return created

    def _may_create(self, group: str) -> bool:
        if self._config.auto_create_subscription_group:
            return True
        is_system = group.startswith(const.CID_RMQ_SYS_PREFIX)
        return is_system and self._config.enable_create_sys_group

    def select(self, group: str) -> SubscriptionGroupConfig | None:
        """Return the group as it is, without creating it.

        A light group is one as soon as somebody asks (``LmqSubscriptionGroupManager``).
        """
        config = self.table.get(group)
        if config is None and self.is_light(group):
            return SubscriptionGroupConfig(group_name=group)
        return config

    def contains(self, group: str) -> bool:
        """Return whether the group exists."""
        return group in self.table or self.is_light(group)

    def is_forbidden(self, group: str, topic: str, index: int) -> bool:
        """Return whether bit ``index`` of what the group must not do with the topic is set."""
        return bool(self.forbidden.get(group, {}).get(topic, 0) & (1 << index))

    def wrapper(self) -> SubscriptionGroupWrapper:
        """Return the whole table as GET_ALL_SUBSCRIPTIONGROUP_CONFIG holds it."""
        return SubscriptionGroupWrapper(
            subscription_group_table=self.table,
            forbidden_table=self.forbidden,
            data_version=self.data_version,
        )

    # --- changes -------------------------------------------------------------------------------

    def update_forbidden(self, group: str, topic: str, index: int, *, forbid: bool) -> None:
        """Set or clear bit ``index`` of what the group must not do with the topic."""
        bits = self.forbidden.get(group, {}).get(topic, 0)
        bits = bits | (1 << index) if forbid else bits & ~(1 << index)
        if not bits:
            # As in Java: clearing a topic's last bit drops the whole group, and isn't a version.
            self.forbidden.pop(group, None)
            return
        self.forbidden.setdefault(group, {})[topic] = bits
        self._changed(group)

    def disable_consume(self, group: str) -> None:
        """Stop a group that consumes too slowly; kept until the broker's restart."""
        config = self.table.get(group)
        if config is not None:
            config.consume_enable = False
            self.table.touch(group)
            advance(self.data_version, self._wall_ms())

    def delete(self, group: str) -> bool:
        """Forget the group; False when there was none."""
        self.forbidden.pop(group, None)
        if self.table.pop(group, None) is None:
            logger.warning("group %s not deleted: it doesn't exist", group)
            return False
        logger.info("group %s deleted", group)
        self._changed(group)
        return True

    def take_over(self, master: SubscriptionGroupWrapper) -> None:
        """Make the table the master's, unless it has the same version (``SlaveSynchronize``).

        Raises:
            OSError: the disk refused; the table in memory is the master's all the same.
        """
        if master.data_version == self.data_version:
            return
        self.table.clear()
        self.forbidden.clear()
        self._take(master)
        self.persist()

    # --- the file ------------------------------------------------------------------------------

    def _decode(self, data: bytes) -> None:
        self._take(SubscriptionGroupWrapper.decode(data, self._release))

    def _take(self, wrapper: SubscriptionGroupWrapper) -> None:
        for name, config in wrapper.subscription_group_table.items():
            fault = group_fault(name)
            if fault is not None:
                logger.warning("group of the file left out: %s", printable(fault))
                continue
            config.group_name = name
            self.table[name] = config
        for group, topics in wrapper.forbidden_table.items():
            self.forbidden[group] = dict(topics)
        assign(self.data_version, wrapper.data_version)

    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = {"dataVersion": copy(self.data_version)}
        if self._release.wire.new_body_fields:
            content["forbiddenTable"] = {name: dict(bits) for name, bits in self.forbidden.items()}
        return content | {"subscriptionGroupTable": None}
