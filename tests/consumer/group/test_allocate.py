from functools import cmp_to_key

from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.bodies import MessageQueue
from rmqwire.consumer.group.allocate import allocate_averagely, sort_client_ids

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


@given(queue_sets, ids)
def test_all_queues_are_covered_once(queues, members):
    parts = [allocate_averagely(member, queues, members) for member in members]
    assert sorted(queue for part in parts for queue in part) == sorted(queues)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(queue_sets, ids, st.randoms())
def test_every_member_computes_the_same_from_any_order(queues, members, rng):
    shuffled_queues, shuffled_members = list(queues), list(members)
    rng.shuffle(shuffled_queues)
    rng.shuffle(shuffled_members)
    for member in members:
        assert allocate_averagely(member, queues, members) == allocate_averagely(
            member, shuffled_queues, shuffled_members
        )


@given(queue_sets, ids)
def test_parts_are_javas(queues, members):
    ordered = sorted(queues, key=lambda q: (q.topic, q.broker_name, q.queue_id))
    for index, member in enumerate(sort_client_ids(members)):
        start, size = java_part(index, len(ordered), len(members))
        assert allocate_averagely(member, queues, members) == ordered[start : start + size]


@given(ids)
def test_client_ids_are_in_javas_order(members):
    assert sort_client_ids(members) == sorted(members, key=cmp_to_key(java_compare))


def test_order_of_utf_16_is_another_than_pythons():
    beyond, below = "\U0001f680", "\uff5e"
    assert sorted([beyond, below]) == [below, beyond]
    assert sort_client_ids([below, beyond]) == [beyond, below]


def test_stranger_gets_nothing():
    assert allocate_averagely("x", {MessageQueue("T", "a", 0)}, ["a"]) == []
    assert allocate_averagely("x", set(), []) == []
