"""Held pulls: woken once, by what they wait for or by their deadline."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rmqwire.broker.clients.held_pulls import HeldPull, LongPolling
from rmqwire.codec.command import RemotingCommand
from rmqwire.filter.message_filter import Filter
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable

KEY = ("T", 0)
QUEUES = st.sampled_from([("T", 0), ("T", 1), ("U", 0)])


def connection() -> Connection:
    return Connection(HandlerTable(), "127.0.0.1:40000")


WOKEN: list[HeldPull] = []  # by the test that runs


def pull(
    offset: int = 5, deadline: int = 100, key=KEY, wanted=None, conn=None, wake=WOKEN.append
) -> HeldPull:
    request = RemotingCommand(11)
    return HeldPull(conn or connection(), request, key, offset, deadline, wake, wanted)


def no_expressions(*_: object) -> int:
    raise AssertionError("no pull has an expression")


def table(ends=None) -> tuple[LongPolling, list[HeldPull]]:
    WOKEN.clear()
    return LongPolling(lambda t, q: (ends or {}).get((t, q), 0), no_expressions), WOKEN


def test_an_arrival_at_the_wanted_offset_wakes_and_an_older_one_does_not():
    held, woken = table()
    waiting = pull(offset=5)
    held.hold(waiting)
    held.arrived("T", 0, 5, 1)
    held.arrived("T", 1, 9, 1)
    assert not woken
    held.arrived("T", 0, 6, 1)
    assert woken == [waiting]
    held.expire(10_000)
    assert woken == [waiting]
    assert len(held) == 0


def test_tags_decide_unless_unknown():
    held, woken = table()
    waiting = pull(wanted=Filter({7}.__contains__))
    held.hold(waiting)
    held.arrived("T", 0, 6, 8)
    assert not woken
    held.arrived("T", 0, 7, 7)
    assert woken == [waiting]
    other = pull(wanted=Filter({7}.__contains__))
    held.hold(other)
    held.arrived("T", 0, 6, None)
    assert woken == [waiting, other]


def test_for_an_expression_the_queue_is_looked_at_once_for_each_message():
    asked, answers, woken = [], [7, 9, 11], []

    def next_wanted(topic, queue_id, offset, wanted) -> int:
        asked.append((topic, queue_id, offset, wanted))
        return answers.pop(0)

    held = LongPolling(lambda *_: 12, next_wanted)
    expression = Filter(wants=lambda _: True)
    waiting = pull(wanted=expression, wake=woken.append)
    held.hold(waiting)
    held.arrived("T", 0, 7, 1)
    held.arrived("T", 0, 9, 1)
    assert not woken
    held.arrived("T", 0, 12, 1)
    assert woken == [waiting]
    assert asked == [("T", 0, 5, expression), ("T", 0, 7, expression), ("T", 0, 9, expression)]
    held.hold(another := pull(wanted=expression, wake=woken.append))
    held.check()
    assert woken == [waiting, another]
    assert len(asked) == 3


def test_check_finds_what_was_never_told():
    held, woken = table({KEY: 6})
    ready, not_yet = pull(offset=5), pull(offset=6)
    held.hold(ready)
    held.hold(not_yet)
    held.check()
    assert woken == [ready]


def test_a_woken_pull_may_hold_a_new_one():
    held = LongPolling(lambda *_: 0, no_expressions)
    again = []

    def wake(ended: HeldPull) -> None:
        again.append(pull(offset=ended.offset + 1, deadline=500))
        held.hold(again[-1])

    held.hold(pull(wake=wake))
    held.arrived("T", 0, 6, None)
    assert len(held) == 1
    assert held.next_deadline() == 500


def test_the_heap_does_not_grow_with_pulls_that_ended():
    held, _ = table()
    for offset in range(5000):
        held.hold(pull(offset=offset, deadline=10**9))
        held.arrived("T", 0, offset + 1, None)
    assert len(held._heap) < 600


class Waiting(RuleBasedStateMachine):
    """Against a plain list of what waits."""

    def __init__(self) -> None:
        super().__init__()
        self.woken: list[HeldPull] = []
        self.model: list[HeldPull] = []
        self.ends: dict[tuple[str, int], int] = {}
        self.connections = [connection(), connection()]
        self.held = LongPolling(lambda t, q: self.ends.get((t, q), 0), no_expressions)

    @rule(
        key=QUEUES,
        offset=st.integers(0, 9),
        deadline=st.integers(0, 50),
        tags=st.none() | st.sets(st.integers(0, 2)),
        which=st.integers(0, 1),
    )
    def hold(self, key, offset, deadline, tags, which) -> None:
        wanted = None if tags is None else Filter(tags.__contains__)
        conn = self.connections[which]
        waiting = pull(offset, deadline, key, wanted, conn, self.woken.append)
        self.held.hold(waiting)
        self.model.append(waiting)

    @rule(key=QUEUES, end=st.integers(0, 10), code=st.none() | st.integers(0, 2))
    def arrive(self, key, end, code) -> None:
        self.ends[key] = max(end, self.ends.get(key, 0))
        self.held.arrived(key[0], key[1], end, code)
        self.expect(
            lambda p: (
                p.key == key
                and end > p.offset
                and (code is None or p.wanted is None or p.wanted.wants_code(code))
            )
        )

    @rule(now=st.integers(0, 60))
    def expire(self, now) -> None:
        self.held.expire(now)
        self.expect(lambda p: p.deadline_ms <= now)

    @rule()
    def check(self) -> None:
        self.held.check()
        self.expect(lambda p: self.ends.get(p.key, 0) > p.offset)

    @rule(which=st.integers(0, 1))
    def close(self, which) -> None:
        gone = self.connections[which]
        self.held.connection_closed(gone)
        self.model = [p for p in self.model if p.connection is not gone]
        assert not self.woken

    def expect(self, ready) -> None:
        assert set(map(id, self.woken)) == {id(p) for p in self.model if ready(p)}
        self.model = [p for p in self.model if not ready(p)]
        self.woken.clear()

    @invariant()
    def counts(self) -> None:
        assert len(self.held) == len(self.model)
        deadlines = [p.deadline_ms for p in self.model]
        assert self.held.next_deadline() == min(deadlines, default=None)


TestWaiting = Waiting.TestCase
TestWaiting.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
