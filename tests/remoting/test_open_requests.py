"""Requests that wait for their answers, beside a model that looks at all of them."""

from hypothesis import given
from hypothesis import strategies as st

from rmqwire.remoting.open_requests import Asked, OpenRequests

MOST = 1 << 20


def callback(outcome):
    """Take no answer."""


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 9), st.integers(0, 20)),
        st.tuples(st.just("answer"), st.integers(0, 9)),
        st.tuples(st.just("due"), st.integers(0, 20)),
        st.tuples(st.just("all")),
    )
)


@given(STEPS)
def test_what_waits_and_when_it_is_due_is_what_a_search_finds(steps):
    requests, model, number = OpenRequests(), {}, 0
    for name, *args in steps:
        if name == "add" and args[0] not in model:
            number += 1
            opaque, deadline = args
            assert requests.add(opaque, Asked(callback, deadline), 0, MOST)
            model[opaque] = (deadline, number)
        elif name == "answer":
            waited = requests.waiting.pop(args[0], None)
            assert (waited is None) == (model.pop(args[0], None) is None)
        elif name == "due":
            due = sorted(when for when in model.values() if when[0] <= args[0])
            assert [(one.deadline_ms, one.number) for one in requests.take_due(args[0])] == due
            model = {opaque: when for opaque, when in model.items() if when not in due}
        elif name == "all":
            assert [one.number for one in requests.take_all()] == sorted(
                n for _, n in model.values()
            )
            model.clear()
        assert requests.waiting.keys() == model.keys()
        assert requests.last == number
        assert requests.next_look(0) == min((when for when, _ in model.values()), default=None)


def test_many_that_wait_are_looked_at_more_seldom():
    requests = OpenRequests()
    for opaque in range(50_000):
        assert requests.add(opaque, Asked(callback, 7 + opaque // 1000), 0, MOST)
    assert requests.next_look(5) == 105
    assert len(list(requests.take_due(105))) == 50_000
    assert requests.next_look(105) is None


def test_one_that_ends_while_another_is_told_of_its_time_is_not_given():
    requests = OpenRequests()
    for opaque in range(3):
        assert requests.add(opaque, Asked(callback, 10 - opaque), 0, MOST)
    given = requests.take_due(10)
    assert next(given).deadline_ms == 8
    del requests.waiting[1]
    assert [one.deadline_ms for one in given] == [10]
    assert not requests.waiting
