"""Sends and pulls of one pass: each lane is asked once, first the one whose frame comes first."""

from __future__ import annotations

from rmqwire.broker.processors.broker_lane import BrokerLane

SIZE = 5  # of a frame: its length and a letter


class Letters:
    """A lane that takes frames of one letter; ``stop`` is where those of the other lane end."""

    def __init__(self, letter, asked):
        self.letter = letter
        self.asked = asked

    def may_take(self, data, position):
        return data[position + 4 : position + SIZE] == self.letter

    def take(self, inputs):
        self.asked.append(self.letter)
        return [self._take(*one) for one in inputs]

    def _take(self, _, data, begin, stop=None):
        end = begin
        while end < (len(data) if stop is None else stop) and self.may_take(data, end):
            end += SIZE
        if stop is not None:
            return (end - begin) // SIZE, end
        others = end
        while others < len(data) and not self.may_take(data, others):
            others += SIZE
        return (end - begin) // SIZE, end, others, b""


def take(*brought, others=b""):
    """Return what lanes of sends (s), pulls (p) and others take of each, in frames, and who was asked."""
    asked = []
    between = [Letters(bytes([one]), asked) for one in others]
    lane = BrokerLane(Letters(b"s", asked), Letters(b"p", asked), between)
    inputs = [(None, b"".join(b"\0\0\0\1%c" % letter for letter in data), 0) for data in brought]
    taken = lane.take(inputs)
    return [(count, end // SIZE, stop // SIZE) for count, end, stop, _ in taken], asked


def test_others_are_asked_for_what_stands_between_sends():
    assert take(b"sa", b"bb", others=b"ab") == ([(2, 2, 2), (2, 2, 2)], [b"s", b"a", b"b"])
    assert take(b"pa", b"a", others=b"a") == ([(2, 2, 2), (1, 1, 1)], [b"p", b"s", b"a"])


def test_what_is_behind_the_handlers_is_asked_for_again():
    assert take(b"xxab", others=b"ab") == ([(0, 0, 2)], [b"s"])
    assert take(b"abx", others=b"ab") == ([(1, 1, 1)], [b"s", b"a"])


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
    assert take(b"xs") == ([(0, 0, 1)], [b"s"])
    assert take(b"pxs") == ([(1, 1, 2)], [b"p", b"s"])
