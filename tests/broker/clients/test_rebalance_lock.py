from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rmqwire.broker.clients.rebalance_lock import LOCK_MAX_LIVE_TIME_MS, RebalanceLockManager
from rmqwire.codec.bodies import MessageQueue

Q0, Q1 = MessageQueue("t", "a", 0), MessageQueue("t", "a", 1)


class Clock:
    ms = 1_000

    def __call__(self) -> int:
        return self.ms


def test_the_first_one_has_it_and_renews():
    clock = Clock()
    locks = RebalanceLockManager(clock)
    assert locks.try_lock_batch("g", [Q0, Q1], "c1") == [Q0, Q1]
    assert locks.try_lock_batch("g", [Q0], "c2") == []
    assert locks.try_lock_batch("other", [Q0], "c2") == [Q0]
    clock.ms += LOCK_MAX_LIVE_TIME_MS
    assert locks.try_lock_batch("g", [Q0], "c1") == [Q0]
    assert locks.is_locked("g", Q0, "c1")
    assert not locks.is_locked("g", Q0, "c2")


def test_a_lease_that_ran_out_goes_to_the_next_one():
    clock = Clock()
    locks = RebalanceLockManager(clock)
    locks.try_lock_batch("g", [Q0], "c1")
    clock.ms += LOCK_MAX_LIVE_TIME_MS
    assert locks.try_lock_batch("g", [Q0], "c2") == []
    clock.ms += 1
    assert not locks.is_locked("g", Q0, "c1")
    assert locks.try_lock_batch("g", [Q0], "c2") == [Q0]
    assert locks.try_lock_batch("g", [Q0], "c1") == []


def test_only_the_owner_gives_it_back():
    locks = RebalanceLockManager(Clock())
    locks.try_lock_batch("g", [Q0], "c1")
    locks.unlock_batch("g", [Q0, Q1], "c2")
    assert locks.is_locked("g", Q0, "c1")
    locks.unlock_batch("g", [Q0], "c1")
    locks.unlock_batch("nobody", [Q0], "c1")
    assert locks.try_lock_batch("g", [Q0], "c2") == [Q0]


STEPS = st.lists(
    st.tuples(st.sampled_from(["lock", "unlock"]), st.sampled_from("xyz"), st.integers(0, 40_000)),
    max_size=40,
)


@given(STEPS)
def test_a_queue_has_one_owner_at_most(steps):
    clock = Clock()
    locks = RebalanceLockManager(clock)
    for verb, client, wait in steps:
        clock.ms += wait
        if verb == "lock":
            locks.try_lock_batch("g", [Q0], client)
        else:
            locks.unlock_batch("g", [Q0], client)
        assert sum(locks.is_locked("g", Q0, owner) for owner in "xyz") <= 1
