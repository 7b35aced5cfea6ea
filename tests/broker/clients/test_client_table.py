"""Producers and consumers: who is there, who hears of it."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rmqwire.broker.clients.client_table import (
    BROADCASTING,
    CLUSTERING,
    CONSUME_PASSIVELY,
    ClientChannelInfo,
    ConsumerTable,
    ProducerTable,
)
from rmqwire.codec.bodies import SubscriptionData
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable

SHAPE = (CONSUME_PASSIVELY, CLUSTERING, "CONSUME_FROM_LAST_OFFSET")


def connection(port: int = 40000) -> Connection:
    return Connection(HandlerTable(), f"127.0.0.1:{port}")


def client(conn: Connection, name: str = "c1", now: int = 0) -> ClientChannelInfo:
    return ClientChannelInfo(conn, name, 0, 513, now)


def sub(topic: str, version: int = 1, expression: str = "*") -> SubscriptionData:
    return SubscriptionData(topic=topic, sub_string=expression, sub_version=version)


@pytest.fixture
def told() -> list[tuple[str, list[Connection]]]:
    return []


@pytest.fixture
def consumers(told) -> ConsumerTable:
    return ConsumerTable(lambda group, members: told.append((group, members)))


def test_members_hear_of_a_join_a_topic_and_a_leave_and_of_nothing_else(consumers, told):
    first, second = connection(1), connection(2)
    assert consumers.register("g", client(first), SHAPE, [sub("T")])
    assert told.pop() == ("g", [first])
    assert not consumers.register("g", client(first), SHAPE, [sub("T")])
    assert consumers.register("g", client(second, "c2"), SHAPE, [sub("T")])
    assert told.pop() == ("g", [first, second])
    assert not consumers.register("g", client(first), SHAPE, [sub("T", 2, "A")])
    assert consumers.find("g").subscriptions["T"].sub_string == "A"
    assert not consumers.register("g", client(first), SHAPE, [sub("T", 1, "old")])
    assert consumers.find("g").subscriptions["T"].sub_string == "A"
    assert not told
    assert consumers.register("g", client(first), SHAPE, [sub("U")])
    assert set(consumers.find("g").subscriptions) == {"U"}
    assert consumers.groups_of_topic("U") == ["g"]
    told.clear()
    assert consumers.unregister("g", second)
    assert told.pop() == ("g", [first])
    assert consumers.unregister("g", first)
    assert consumers.find("g") is None


def test_without_subscriptions_a_heartbeat_leaves_the_groups(consumers):
    conn = connection()
    consumers.register("g", client(conn), SHAPE, [sub("T")])
    assert not consumers.register("g", client(conn), SHAPE, None)
    assert set(consumers.find("g").subscriptions) == {"T"}


@pytest.mark.parametrize("tells", [False, True])
def test_broadcasting_members_hear_of_each_other_only_in_4_9(told, tells):
    table = ConsumerTable(lambda *change: told.append(change), notify_broadcast=tells)
    shape = (CONSUME_PASSIVELY, BROADCASTING, None)
    table.register("g", client(connection()), shape, [sub("T")])
    assert bool(told) == tells


def test_a_group_that_wants_no_notice_gets_none(consumers, told):
    conn = connection()
    consumers.register("g", client(conn), SHAPE, [sub("T")], notify=False)
    consumers.unregister("g", conn, notify=False)
    assert not told


def test_a_connection_with_another_client_id_replaces_without_counting(consumers):
    conn = connection()
    consumers.register("g", client(conn, "a"), SHAPE, [])
    assert not consumers.register("g", client(conn, "b"), SHAPE, [])
    assert consumers.find("g").client_ids() == ["b"]
    assert consumers.find_client("g", "b").connection is conn
    assert consumers.find_client("g", "a") is None


def test_pulls_without_heartbeat_are_remembered(consumers):
    consumers.compensate("g", CONSUME_PASSIVELY, CLUSTERING, sub("T"))
    assert consumers.find("g") is None
    assert consumers.find_subscription("g", "T").topic == "T"
    assert consumers.find_subscription("g", "U") is None


def test_silent_clients_go_after_120_seconds():
    producers, consumers = ProducerTable(), ConsumerTable(lambda *_: None)
    quiet, alive = connection(1), connection(2)
    for table_now, conn in ((0, quiet), (60_000, alive)):
        producers.register("p", client(conn, now=table_now))
        consumers.register("g", client(conn, now=table_now), SHAPE, [])
    assert producers.scan(120_000) == []
    assert producers.scan(120_001) == [quiet]
    assert consumers.scan(120_001) == [quiet]
    assert [c.connection for c in producers.clients("p")] == [alive]
    assert list(consumers.find("g").channels) == [alive]


def test_producers_are_found_by_client_id_whatever_their_group():
    producers = ProducerTable()
    conn = connection()
    assert producers.register("p", client(conn, "me"))
    assert not producers.register("p", client(conn, "me", 5))
    assert producers.find_client("me").seen_ms == 5
    producers.connection_closed(conn)
    assert producers.find_client("me") is None
    assert not producers.unregister("p", conn)
    assert producers.groups == {}


class Members(RuleBasedStateMachine):
    """A group's members against a plain set."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list = []
        self.table = ConsumerTable(lambda group, members: self.told.append((group, members)))
        self.connections = [connection(port) for port in range(4)]
        self.model: dict[str, dict[int, int]] = {}
        self.now = 0

    @rule(group=st.sampled_from("ab"), who=st.integers(0, 3))
    def beat(self, group, who) -> None:
        is_new = who not in self.model.setdefault(group, {})
        first = not self.model[group]
        self.model[group][who] = self.now
        info = client(self.connections[who], f"c{who}", self.now)
        changed = self.table.register(group, info, SHAPE, [sub("T")])
        assert changed == (is_new or first)
        assert bool(self.told) == changed
        self.told.clear()

    @rule(who=st.integers(0, 3))
    def close(self, who) -> None:
        groups = {g for g, members in self.model.items() if who in members}
        self.table.connection_closed(self.connections[who])
        for group in groups:
            del self.model[group][who]
        assert {group for group, _ in self.told} == groups
        self.told.clear()

    @rule(ms=st.integers(0, 200_000))
    def wait(self, ms) -> None:
        self.now += ms
        expired = self.table.scan(self.now)
        silent = [
            (group, who)
            for group, members in self.model.items()
            for who, seen in members.items()
            if self.now - seen > 120_000
        ]
        assert len(expired) == len(silent)
        for group, who in silent:
            del self.model[group][who]
        self.told.clear()

    @invariant()
    def same_members(self) -> None:
        for group, members in self.model.items():
            info = self.table.find(group)
            found = [] if info is None else sorted(info.client_ids())
            assert found == sorted(f"c{who}" for who in members)


TestMembers = Members.TestCase
TestMembers.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
