from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.bodies import MessageQueue
from rmqwire.consumer.group.rebalance import changes, not_subscribed

queues = st.sets(
    st.builds(MessageQueue, st.sampled_from("TU"), st.sampled_from("ab"), st.integers(0, 4))
)


@given(queues, queues)
def test_after_the_changes_one_holds_what_is_assigned(held, assigned):
    assigned = {queue for queue in assigned if queue.topic == "T"}
    found = changes("T", held, assigned)
    after = (held - set(found.removed)) | set(found.added)
    assert {queue for queue in after if queue.topic == "T"} == assigned
    assert {queue for queue in after if queue.topic == "U"} == {q for q in held if q.topic == "U"}
    assert bool(found) == (after != held)
    assert not changes("T", after, assigned)


@given(queues)
def test_topics_nobody_wants(held):
    assert set(not_subscribed(held, {"T": 1})) == {queue for queue in held if queue.topic == "U"}
