"""How a broker rewrites the property string of a message it stores.

Java puts the properties into a HashMap, adds its own (CLUSTER; 5.x also MSG_REGION, TRACE_ON and a
missing UNIQ_KEY), takes some away (POP_CK; 4.9 WAIT), and writes the map in its table's order.
Records are the same bytes only when that order is kept, so it's computed here: bucket by bucket of
a table of ``property_map_capacity``, doubled at three quarters. Sends of one producer carry the
same names again and again, so the order is computed once per set of names (a :class:`Plan`) and
the hot path only picks and joins.
"""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const
from rmqwire.codec.java_hash import string_hash
from rmqwire.codec.properties import decode_properties

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rmqwire.codec.release import Release

MAX_PLANS = 2048  # sets of names remembered; names are the user's, so it must be bounded
# What makes a message more than a plain one; a set of names with one of these is looked at closely.
_SPECIAL = frozenset(
    {
        const.PROPERTY_DELAY_TIME_LEVEL,
        const.PROPERTY_TRANSACTION_PREPARED,
        const.PROPERTY_LITE_TOPIC,
        const.PROPERTY_PRIORITY,
        *const.TIMER_TIMES,
    }
)


def java_map_order(names: Iterable[str], capacity: int) -> tuple[str, ...]:
    """Sort distinct names as a Java ``HashMap`` of ``capacity`` gives them after these puts."""
    return _order(tuple(names), capacity)


@lru_cache(MAX_PLANS)
def _order(names: tuple[str, ...], capacity: int) -> tuple[str, ...]:
    while len(names) > capacity * 3 // 4:
        capacity *= 2
    mask = capacity - 1

    def bucket(name: str) -> int:
        value = string_hash(name) & 0xFFFFFFFF
        return (value ^ value >> 16) & mask

    return tuple(sorted(names, key=bucket))


def write_properties(
    properties: Mapping[str, str], release: Release, capacity: int | None = None
) -> bytes:
    """Write properties as ``messageProperties2String`` of a map with these puts does.

    Args:
        properties: in the order of the puts.
        release: whose property string.
        capacity: the map's table size at its beginning; None for that of a message that was sent.
    """
    capacity = capacity or release.wire.property_map_capacity
    names = java_map_order(properties, capacity)
    return _join([f"{name}\x01{properties[name]}" for name in names], release)


def _join(entries: list[str] | tuple[str, ...], release: Release) -> bytes:
    if not entries:
        return b""
    text = "\x02".join(entries)
    if release.wire.trailing_property_separator:
        text += "\x02"
    return text.encode("utf-8", "replace")


class Plan:
    """What to do with the properties of every message that carries one set of names.

    Attributes:
        indexes: of the entries to store, in order: the message's come first, then ours.
        pick: takes these out of all entries.
        tags: index of the TAGS entry, -1 without.
        unique: index of the UNIQ_KEY entry, -1 without.
        special: a name is there that needs a look at its value (DELAY, TRAN_MSG, TIMER_..., more).
        wait: index of the WAIT entry, -1 without.
    """

    __slots__ = ("indexes", "pick", "special", "tags", "unique", "wait")

    def __init__(self, names: tuple[str, ...], indexes: list[int]) -> None:
        def index(name: str) -> int:
            return names.index(name) if name in names else -1

        self.indexes = indexes
        self.pick: Callable[[list[str]], tuple[str, ...]] = (
            itemgetter(*indexes) if len(indexes) > 1 else _pick_one(indexes[0])
        )
        self.tags = index(const.PROPERTY_TAGS)
        self.unique = index(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX)
        self.wait = index(const.PROPERTY_WAIT_STORE_MSG_OK)
        self.special = not _SPECIAL.isdisjoint(names)


class Rewritten:
    """The outcome for one message.

    Attributes:
        data: the property string to store.
        tags: value of TAGS, None without.
        unique_key: value of UNIQ_KEY, None when 4.9 got none.
        wait_store_ok: the sender waits for flush and replication.
        properties: as a dict when something special is in them (DELAY, TRAN_MSG, TIMER_..., more).
    """

    __slots__ = ("data", "properties", "tags", "unique_key", "wait_store_ok")

    def __init__(self, data: bytes, tags: str | None, unique_key: str | None) -> None:
        self.data = data
        self.tags = tags
        self.unique_key = unique_key
        self.wait_store_ok = True
        self.properties: dict[str, str] | None = None


class PropertyRewriter:
    """Rewrites the properties of the messages that one broker is sent.

    Args:
        release: decides what is added and taken away.
        cluster: value of CLUSTER.
        region_id: value of MSG_REGION.
        trace_on: value of TRACE_ON.
        new_unique_key: makes a UNIQ_KEY (``MessageClientIDSetter.createUniqID``).

    Attributes:
        ours: the entries that every message gets, but for a UNIQ_KEY.
    """

    def __init__(
        self,
        release: Release,
        cluster: str,
        region_id: str,
        *,
        trace_on: bool,
        new_unique_key: Callable[[], str],
    ) -> None:
        self._release = release
        self._tail = "\x02" if release.wire.trailing_property_separator else ""
        self._new_unique_key = new_unique_key
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._first: dict[str, str] = {}
        if release.broker.stores_region:
            self._first[const.PROPERTY_MSG_REGION] = region_id
            self._first[const.PROPERTY_TRACE_SWITCH] = "true" if trace_on else "false"
        self._cluster = cluster
        self.ours = [f"{name}\x01{value}" for name, value in self._first.items()]
        self.ours.append(f"{const.PROPERTY_CLUSTER}\x01{cluster}")

    def rewrite(self, text: str) -> Rewritten:
        """Return what is stored for the property string of a send."""
        entries = text.split("\x02")
        if not entries[-1]:
            entries.pop()
        names: list[str] = []
        for entry in entries:
            name, _, value = entry.partition("\x01")
            if not value:
                return self._rewrite_slowly(text)
            names.append(name)
        key = tuple(names)
        plan = self._plans.get(key) or self._new_plan(key)
        if plan is None:
            return self._rewrite_slowly(text)
        unique = None
        if plan.unique >= 0:
            unique = entries[plan.unique][9:]
        elif self._first:
            unique = self._new_unique_key()
        result = Rewritten(
            (
                "\x02".join(plan.pick([*entries, *self.ours, f"UNIQ_KEY\x01{unique}"])) + self._tail
            ).encode("utf-8", "replace"),
            entries[plan.tags][5:] if plan.tags >= 0 else None,
            unique,
        )
        if plan.wait >= 0:
            result.wait_store_ok = entries[plan.wait] == "WAIT\x01true"
        if plan.special:
            values = dict([entry.split("\x01", 1) for entry in entries])
            result.properties = self.complete(values, unique)
        return result

    def plan(self, names: tuple[str, ...]) -> Plan | None:
        """Return the plan for these names, None when only the slow way can rewrite them."""
        return self._plans.get(names) or self._new_plan(names)

    @property
    def adds_unique_key(self) -> bool:
        """Whether a message without UNIQ_KEY gets one."""
        return bool(self._first)

    def complete(self, properties: dict[str, str], unique_key: str | None) -> dict[str, str]:
        """Return the property map that Java holds for a send, in the order of its puts."""
        properties.update(self._first)
        if self._first:
            order = java_map_order(properties, self._release.wire.property_map_capacity)
            properties = {name: properties[name] for name in order}
            properties.pop(const.PROPERTY_POP_CK, None)
            if unique_key is not None:
                properties.setdefault(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX, unique_key)
        properties[const.PROPERTY_CLUSTER] = self._cluster
        wait = None if self._first else properties.pop(const.PROPERTY_WAIT_STORE_MSG_OK, None)
        if wait is not None:  # 4.9 takes it out for the stored string and puts it back, as the last
            properties[const.PROPERTY_WAIT_STORE_MSG_OK] = wait
        return properties

    def _new_plan(self, names: tuple[str, ...]) -> Plan | None:
        """Make the plan for a set of names; None when entries are odd and Java drops some."""
        if len(set(names)) != len(names) or "" in names:
            return None
        made_up = const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX
        puts = self.complete(dict.fromkeys(names, ""), "")
        order = list(java_map_order(puts, self._release.wire.property_map_capacity))
        if not self._first and const.PROPERTY_WAIT_STORE_MSG_OK in order:
            order.remove(const.PROPERTY_WAIT_STORE_MSG_OK)
        places = {name: i for i, name in enumerate([*names, *self._first])}
        places[const.PROPERTY_CLUSTER] = len(names) + len(self._first)
        places.setdefault(made_up, len(names) + len(self._first) + 1)
        for i, name in enumerate(self._first):
            places[name] = len(names) + i
        indexes = [places[name] for name in order]
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()
        plan = self._plans[names] = Plan(names, indexes)
        return plan

    def _rewrite_slowly(self, text: str) -> Rewritten:
        """Rewrite a property string with entries that Java drops, or names met twice."""
        properties = decode_properties(text)
        unique = properties.get(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX)
        if unique is None and self._first:
            unique = self._new_unique_key()
        properties = self.complete(properties, unique)
        wait = properties.get(const.PROPERTY_WAIT_STORE_MSG_OK)
        stored = dict(properties)
        if not self._first:
            stored.pop(const.PROPERTY_WAIT_STORE_MSG_OK, None)
        result = Rewritten(
            write_properties(stored, self._release), properties.get(const.PROPERTY_TAGS), unique
        )
        result.wait_store_ok = wait is None or wait == "true"
        if not _SPECIAL.isdisjoint(properties):
            result.properties = properties
        return result


def _pick_one(index: int) -> Callable[[list[str]], tuple[str, ...]]:
    return lambda entries: (entries[index],)


def has_timer(properties: Mapping[str, str]) -> bool:
    """Return whether the message asks for delivery at a time of its own (RIP-43), which it has not had."""
    if const.PROPERTY_TIMER_OUT_MS in properties:
        return False
    return not const.TIMER_TIMES.isdisjoint(properties)
