"""How far each member of a broadcasting group has pulled (``BroadcastOffsetManager``, 5.x).

Such members keep their offsets themselves. One that comes by way of a proxy has nowhere to: the proxy
asks without an offset and is sent to where that member was, or the group's slowest one. So is a
member that changes between proxy and broker. The slowest offsets are committed for the group
``<group>@broadcast``; the rest is in memory, as in Java.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.broker.tables.offsets import ConsumerOffsetManager
    from rmqwire.clock import MonoMs

MOST_MEMBERS: Final = 100_000  # of all groups; ours: a proxy may name any
COMMITTED_BY: Final = "BroadcastOffset"


class _Member(msgspec.Struct):
    """One member: whether it came by way of a proxy, when it pulled last, and from where."""

    from_proxy: bool
    seen_ms: int
    offsets: dict[int, int] = msgspec.field(default_factory=dict)  # queue id -> offset asked for


class BroadcastOffsetManager:
    """The table of one broker.

    Args:
        config: the broker's settings.
        committed: where the groups' offsets are kept.
        begin: (topic, queue id) -> the offset of a member nobody knows anything of.
        mono_ms: monotonic clock.
    """

    def __init__(
        self,
        config: BrokerConfig,
        committed: ConsumerOffsetManager,
        begin: Callable[[str, int], int],
        mono_ms: MonoMs,
    ) -> None:
        self._config = config
        self._committed = committed
        self._begin = begin
        self._mono_ms = mono_ms
        self._groups: dict[tuple[str, str], dict[str, _Member]] = {}  # by topic and group
        self._count = 0

    def update(
        self,
        topic: str,
        group: str,
        queue_id: int,
        offset: int,
        client_id: str,
        *,
        from_proxy: bool,
    ) -> None:
        """Note from where a member pulls; it never goes back."""
        member = self._member(topic, group, client_id, from_proxy=from_proxy)
        if member is not None:
            member.seen_ms = self._mono_ms()
            member.from_proxy = from_proxy
            before = member.offsets.get(queue_id)
            if before is None or before < offset:
                member.offsets[queue_id] = offset

    def init_offset(
        self,
        topic: str,
        group: str,
        queue_id: int,
        asked: int,
        client_id: str,
        *,
        from_proxy: bool,
    ) -> int | None:
        """Return where a member is to go on instead; None: where it asks for (``queryInitOffset``).

        Args:
            topic: of the queue.
            group: broadcasting.
            queue_id: of the queue.
            asked: the offset that is asked for; negative: a proxy doesn't know any.
            client_id: of the member.
            from_proxy: a proxy asks for it.
        """
        members = self._groups.get((topic, group))
        if members is None:
            unknown = from_proxy and asked < 0
            return self._offset(None, topic, group, queue_id) if unknown else None
        member = self._member(topic, group, client_id, from_proxy=from_proxy)
        came_by_proxy = from_proxy if member is None else member.from_proxy
        if came_by_proxy != from_proxy or (came_by_proxy and asked < 0):
            return self._offset(member, topic, group, queue_id)
        return None

    def _member(
        self, topic: str, group: str, client_id: str, *, from_proxy: bool
    ) -> _Member | None:
        """Return a member, a new one if need be; None when there are too many."""
        members = self._groups.get((topic, group))
        found = members.get(client_id) if members is not None else None
        if found is None and self._count < MOST_MEMBERS:
            found = _Member(from_proxy, self._mono_ms())
            self._groups.setdefault((topic, group), {})[client_id] = found
            self._count += 1
        return found

    def _offset(self, member: _Member | None, topic: str, group: str, queue_id: int) -> int:
        found = -1 if member is None else member.offsets.get(queue_id, -1)
        if found < 0:
            found = self._committed.query(_kept_as(group), topic, queue_id)
        return found if found >= 0 else self._begin(topic, queue_id)

    def scan(self, is_online: Callable[[str, str], bool]) -> None:
        """Forget who has gone, and commit the slowest offsets (``scanOffsetData``).

        Args:
            is_online: (group, client id) -> whether it is connected to this broker.
        """
        now = self._mono_ms()
        gone_ms = self._config.broadcast_offset_expire_second * 1000
        silent_ms = self._config.broadcast_offset_expire_max_second * 1000
        for (topic, group), members in list(self._groups.items()):
            slowest: dict[int, int] = {}
            for client_id, member in list(members.items()):
                online, silent = is_online(group, client_id), now - member.seen_ms
                if online or silent < gone_ms:
                    for queue_id, offset in member.offsets.items():
                        slowest[queue_id] = min(slowest.get(queue_id, offset), offset)
                if silent >= (silent_ms if online else gone_ms):
                    del members[client_id]
                    self._count -= 1
            if not members:
                del self._groups[topic, group]
            for queue_id, offset in slowest.items():
                self._committed.commit(COMMITTED_BY, _kept_as(group), topic, queue_id, offset)


def _kept_as(group: str) -> str:
    """Return the group under whose name a broadcasting group's offsets are committed."""
    return f"{group}@broadcast"
