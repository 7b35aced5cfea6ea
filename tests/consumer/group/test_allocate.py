from functools import cmp_to_key

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.allocation import (
    allocate_averagely,
    allocate_averagely_by_circle,
    sort_client_ids,
)
from rmqwire.codec.bodies import MessageQueue
from rmqwire.consumer.group.allocate import (
    allocate,
    allocate_by_consistent_hash,
    allocate_machine_room_nearby,
)
from tests.consumer.group.allocations import CASES, STRATEGIES, part_of

ids = st.lists(st.text(max_size=6), min_size=1, max_size=9, unique=True)
queue_sets = st.sets(
    st.builds(MessageQueue, st.just("T"), st.sampled_from("abc"), st.integers(0, 20)), max_size=25
)


def java_part(index, queue_count, member_count):
    """The arithmetic of AllocateMessageQueueAveragely, as it stands there: (start, size)."""
    mod = queue_count % member_count
    if queue_count <= member_count:
        average = 1
    elif mod > 0 and index < mod:
        average = queue_count // member_count + 1
    else:
        average = queue_count // member_count
    start = index * average if mod > 0 and index < mod else index * average + mod
    return start, max(0, min(average, queue_count - start))


def java_compare(left, right):
    """String.compareTo: by UTF-16 units, then by length."""
    a, b = (
        list(memoryview(t.encode("utf-16-le", "surrogatepass")).cast("H")) for t in (left, right)
    )
    return (a > b) - (a < b)


def test_every_strategy_divides_as_java_did():
    assert {case["strategy"] for case in CASES} == set(STRATEGIES)
    for case in CASES:
        assert part_of(case) == case["part"], case


DIVIDING = [
    allocate_averagely,
    allocate_averagely_by_circle,
    allocate_by_consistent_hash(),
    allocate_machine_room_nearby(
        allocate_averagely, lambda q: q.broker_name, lambda c: c[:1] or "-"
    ),
]


@given(st.sampled_from(DIVIDING), queue_sets, ids)
def test_all_queues_are_covered_once(strategy, queues, members):
    parts = [allocate(strategy, member, queues, members) for member in members]
    assert sorted(queue for part in parts for queue in part) == sorted(queues)


@given(st.sampled_from([allocate_averagely, allocate_averagely_by_circle]), queue_sets, ids)
def test_shares_differ_by_one_at_most(strategy, queues, members):
    sizes = [len(allocate(strategy, member, queues, members)) for member in members]
    assert max(sizes) - min(sizes) <= 1


@given(st.sampled_from(DIVIDING), queue_sets, ids, st.randoms())
def test_every_member_computes_the_same_from_any_order(strategy, queues, members, rng):
    shuffled_queues, shuffled_members = list(queues), list(members)
    rng.shuffle(shuffled_queues)
    rng.shuffle(shuffled_members)
    for member in members:
        assert allocate(strategy, member, queues, members) == allocate(
            strategy, member, shuffled_queues, shuffled_members
        )


@given(queue_sets, ids)
def test_average_parts_are_java_s_at_any_names(queues, members):
    ordered = sorted(queues, key=lambda q: (q.topic, q.broker_name, q.queue_id))
    for index, member in enumerate(sort_client_ids(members)):
        start, size = java_part(index, len(ordered), len(members))
        part = allocate(allocate_averagely, member, queues, members)
        assert part == ordered[start : start + size]


@given(queue_sets, ids, st.integers(0, 8))
def test_by_consistent_hash_a_member_that_leaves_moves_its_own_queues_only(queues, members, gone):
    strategy = allocate_by_consistent_hash()
    left = [member for member in members if member != members[gone % len(members)]]
    for member in left:
        before = allocate(strategy, member, queues, members)
        assert set(before) <= set(allocate(strategy, member, queues, left))


@given(ids)
def test_client_ids_are_in_javas_order(members):
    assert sort_client_ids(members) == sorted(members, key=cmp_to_key(java_compare))


def test_order_of_utf_16_is_another_than_pythons():
    beyond, below = "\U0001f680", "\uff5e"
    assert sorted([beyond, below]) == [below, beyond]
    assert sort_client_ids([below, beyond]) == [beyond, below]


@pytest.mark.parametrize("strategy", DIVIDING)
def test_stranger_gets_nothing(strategy):
    assert allocate(strategy, "x", {MessageQueue("T", "a", 0)}, ["a"]) == []
    assert allocate(strategy, "x", set(), []) == []


def test_a_room_without_a_name_is_an_error():
    for broker_room, client_room in [(lambda _: "", lambda _: "a"), (lambda _: "a", lambda _: "")]:
        strategy = allocate_machine_room_nearby(allocate_averagely, broker_room, client_room)
        with pytest.raises(ValueError, match=r"Machine room is null for (mq|consumer id)"):
            allocate(strategy, "x", {MessageQueue("T", "a", 0)}, ["x"])
    with pytest.raises(ValueError, match="illegal virtualNodeCnt"):
        allocate_by_consistent_hash(-1)
