"""Requests that wait for their answers, beside a model that looks at all of them."""

from hypothesis import given
from hypothesis import strategies as st

from rmqwire.remoting.open_requests import SPARE, OpenRequests


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
            requests.add(opaque, callback, deadline)
            model[opaque] = (deadline, number)
        elif name == "answer":
            waited = requests.waiting.pop(args[0], None)
            assert (waited is None) == (model.pop(args[0], None) is None)
        elif name == "due":
            due = min(model, key=model.__getitem__, default=None)
            if due is None or model[due][0] > args[0]:
                assert requests.take_due(args[0]) is None
            else:
                assert requests.take_due(args[0])[1] is callback
                del model[due]
        elif name == "all":
            assert [one[0] for one in requests.take_all()] == sorted(n for _, n in model.values())
            model.clear()
        assert requests.waiting.keys() == model.keys()
        assert requests.last == number
        assert requests.next_deadline() == min((when for when, _ in model.values()), default=None)


def test_one_long_wait_keeps_nothing_of_the_short_ones_behind_it():
    requests = OpenRequests()
    requests.add(0, callback, 30_000)
    for opaque in range(1, 100_000):
        requests.add(opaque, callback, 30_001)
        requests.waiting.pop(opaque)
        assert requests.next_deadline() == 30_000
    assert len(requests._deadlines) <= SPARE + 3  # the test is about what nobody sees


def test_pulls_that_wait_are_none_of_the_sends_that_do():
    requests = OpenRequests()
    for opaque in range(200):
        requests.add(opaque, callback, 10)
    assert requests.behind() == 0, "nobody knows what they are before one is answered"
    for opaque in range(200, 203):
        requests.add(opaque, callback, 10, on_stored=callback)
    assert requests.take_stored((0, 0, 200, 0, 0, "", None, None, True)) is callback
    assert requests.behind() == 2
    for opaque in (201, 202):
        requests.take_stored((0, 0, opaque, 0, 0, "", None, None, True))
    assert requests.behind() == 0
