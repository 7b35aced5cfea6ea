"""Quiet connections cost next to nothing, and nothing that is due is seen too late."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.errors import RemotingTimeout
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.housekeeping import LOOKS, Housekeeping
from rmqwire.remoting.limits import Limits

IDLE_S, PARTIAL_S = 40, 7
FAR_S = IDLE_S // LOOKS
LIMITS = Limits(idle_ms=IDLE_S * 1000, partial_frame_ms=PARTIAL_S * 1000)
FRAME = encode_command(RemotingCommand(1))


class Channel:
    """What serves a connection, as far as the wheel sees."""

    def __init__(self, connection):
        self.connection = connection


class Side:
    """A wheel with channels, and its clock in seconds."""

    def __init__(self, count=1):
        self.now = 0
        self.came = []  # how many there were each time that one came to none
        self.wheel = Housekeeping(LIMITS.idle_ms, lambda: self.came.append(len(self.wheel)))
        table = HandlerTable()
        self.channels = [
            Channel(Connection(table, limits=LIMITS, mono_ms=lambda: self.now * 1000))
            for _ in range(count)
        ]
        for channel in self.channels:
            self.wheel.add(channel)

    def tick(self):
        self.now += 1
        return self.wheel.tick(self.now * 1000)


def test_quiet_connections_are_looked_at_a_few_times_only():
    made = Side(1_000)
    looks = sum(made.tick() for _ in range(IDLE_S))
    assert looks <= 1_000 * (LOOKS + 1)


def test_the_first_that_comes_is_told_of_and_each_that_comes_to_none_again():
    made = Side(3)
    assert made.came == [0]
    for channel in made.channels:
        made.wheel.discard(channel)
    assert not made.wheel
    made.wheel.add(made.channels[0])
    assert made.came == [0, 0]
    assert made.tick() == 1


def test_one_that_left_is_not_looked_at():
    made = Side(2)
    made.wheel.discard(made.channels[0])
    made.wheel.discard(made.channels[0])
    assert list(made.wheel) == made.channels[1:]
    assert made.tick() == 1


def test_one_that_leaves_while_it_is_looked_at_is_gone():
    made = Side()
    (channel,) = made.channels
    channel.connection.on_wake = lambda: made.wheel.discard(channel)
    for _ in range(IDLE_S + FAR_S + 2):
        made.tick()
    assert channel.connection.closed
    assert list(made.wheel) == []


def test_a_request_of_ours_runs_out_in_its_second_even_when_all_was_quiet():
    made = Side()
    connection = made.channels[0].connection
    for _ in range(3):
        made.tick()
    answers = []
    connection.request(RemotingCommand(220), answers.append, 2_000)
    made.tick()
    assert answers == []
    made.tick()
    assert [type(answer) for answer in answers] == [RemotingTimeout]


STEPS = st.lists(st.sampled_from(["frame", "head", "tick", "tick", "tick"]), max_size=120)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_each_is_closed_within_its_limit_and_one_look_and_never_before(steps):
    made = Side()
    connection = made.channels[0].connection
    spoke = partial_since = 0
    pending = False
    for what in [*steps, *["tick"] * (IDLE_S + PARTIAL_S + 2 * FAR_S)]:
        if connection.closed:
            break
        if what == "tick":
            made.tick()
        elif what == "frame" and not pending:
            connection.receive_data(FRAME)
            connection.data_to_send()
            spoke = made.now
        elif what == "head" and not pending:
            connection.receive_data(FRAME[:6])
            spoke = partial_since = made.now
            pending = True
    assert connection.closed
    if connection.close_reason == "idle":
        assert IDLE_S <= made.now - spoke <= IDLE_S + 2 * FAR_S
    else:
        assert connection.close_reason == "a frame did not arrive in time"
        assert PARTIAL_S <= made.now - partial_since <= PARTIAL_S + FAR_S + 1
