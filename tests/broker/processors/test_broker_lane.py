"""Sends and pulls of one pass: each lane is asked once, first the one whose frame comes first."""

from __future__ import annotations

from rmqwire.broker.processors.broker_lane import BrokerLane


class Letters:
    """A lane that takes one letter; ``stop`` is where the other lane's letter ends."""

    def __init__(self, letter, asked):
        self.letter = letter
        self.asked = asked

    def may_take(self, data, position):
        return data[position : position + 1] == self.letter

    def take(self, inputs):
        self.asked.append(self.letter)
        return [self._take(*one) for one in inputs]

    def _take(self, _, data, begin, stop=None):
        end = begin
        while end < (len(data) if stop is None else stop) and self.may_take(data, end):
            end += 1
        if stop is not None:
            return end - begin, end
        others = end
        while others < len(data) and not self.may_take(data, others):
            others += 1
        return end - begin, end, others, b""


def never():
    raise AssertionError("nothing here is of a transaction")


def take(*brought):
    """Return what a lane of sends (s) and pulls (p) takes of each, and who was asked."""
    asked = []
    lane = BrokerLane(Letters(b"s", asked), Letters(b"p", asked), make_transactions=never)
    return [one[:3] for one in lane.take([(None, data, 0) for data in brought])], asked


def test_pulls_alone_are_no_matter_of_the_sends():
    assert take(b"pp", b"p") == ([(2, 2, 2), (1, 1, 1)], [b"p"])


def test_sends_alone_are_no_matter_of_the_pulls():
    assert take(b"ss", b"s") == ([(2, 2, 2), (1, 1, 1)], [b"s"])


def test_each_connection_has_all_taken_that_is_plain():
    assert take(b"sp", b"pp", b"ss") == ([(2, 2, 2), (2, 2, 2), (2, 2, 2)], [b"s", b"p"])
    assert take(b"ps", b"ss", b"pp") == ([(2, 2, 2), (2, 2, 2), (2, 2, 2)], [b"p", b"s"])


def test_pulls_behind_sends_are_asked_for_again():
    assert take(b"psp") == ([(2, 2, 2)], [b"p", b"s"])


def test_what_nobody_takes_is_the_handlers():
    assert take(b"xs") == ([(0, 0, 1)], [b"s", b"p"])
    assert take(b"pxs") == ([(1, 1, 2)], [b"p", b"s"])
