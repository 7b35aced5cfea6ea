"""A lane is asked once for all connections of a pass; when it fails, each asks alone."""

from __future__ import annotations

import logging

import pytest

from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.lane_turn import take_together

MINE, OTHER = (encode_command(RemotingCommand(code, opaque=code)) for code in (1, 2))


class TakesCodeOne:
    """A lane that takes the requests at the front that are ``MINE``, and fails at those marked."""

    def __init__(self, culprit: str = "") -> None:
        self.culprit = culprit
        self.asked: list[int] = []

    def take(self, inputs):
        self.asked.append(len(inputs))
        if any(connection.peer == self.culprit for connection, _, _ in inputs):
            raise RuntimeError("a panic")
        return [self._take(data, position) for _, data, position in inputs]

    def _take(self, data, position):
        count = 0
        while data.startswith(MINE, position):
            position += len(MINE)
            count += 1
        stop = position + len(OTHER) if data.startswith(OTHER, position) else position
        return count, position, stop, b""


def connections(lane, count=3):
    seen = []
    handlers = HandlerTable(handlers={2: lambda connection, request: seen.append(connection.peer)})
    handlers.lane = lane
    return [Connection(handlers, f"127.0.0.1:{n}") for n in range(count)], seen


def test_one_call_for_all_and_the_rest_goes_on():
    lane = TakesCodeOne()
    found, seen = connections(lane)
    brought = [MINE * 3, OTHER + MINE, MINE + OTHER + OTHER + MINE[:5]]
    offered = [(c, c.offer(data), 0) for c, data in zip(found, brought, strict=True)]
    taken = take_together(offered)
    assert lane.asked == [3]
    for (connection, data, _), one in zip(offered, taken, strict=True):
        connection.go_on(data, one)
    assert [connection.frames_received for connection in found] == [3, 2, 3]
    assert seen == [found[1].peer, found[2].peer, found[2].peer]
    found[2].receive_data(MINE[5:])
    assert found[2].frames_received == 4


def test_a_lane_that_fails_costs_the_culprit_its_connection_and_nobody_else(caplog):
    lane = TakesCodeOne()
    found, _ = connections(lane)
    lane.culprit = found[1].peer
    offered = [(c, c.offer(MINE), 0) for c in found]
    with caplog.at_level(logging.ERROR):
        taken = take_together(offered)
    assert "each asks alone" in caplog.text
    for connection, data, _ in offered:
        if connection is found[1]:
            with pytest.raises(RuntimeError):
                connection.go_on(data, None)
        else:
            connection.go_on(data, None)
    assert list(taken) == [None] * 3
    assert [connection.frames_received for connection in found] == [1, 0, 1]


def test_nothing_is_offered_without_a_lane_or_when_answers_wait():
    found, seen = connections(None, 1)
    assert found[0].offer(OTHER) == b""
    assert seen == [found[0].peer]
    found, _ = connections(TakesCodeOne(), 1)
    found[0].close()
    assert found[0].offer(MINE) == b""
