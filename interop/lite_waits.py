"""What wakes pops of lite topics that wait, and whose: to be the same at a Java broker and at ours.

What is answered before ``SOON_S`` was woken, for each waits for ``WAIT_MS``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interop.lite import Line, LiteSide, shown

if TYPE_CHECKING:
    from interop.lite_steps import Say
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.message import StoredMessage
    from tests.broker.lite.support import LiteConsumer

WAIT_MS = 6_000
SOON_S = 3.0  # LiteSide.send takes a while


@dataclass
class Waiting:
    """A request that the broker keeps, on a connection of its own."""

    line: Line
    request: RemotingCommand
    began: float

    @classmethod
    def begin(cls, side: LiteSide, request: RemotingCommand) -> Waiting:
        """Ask, and let the broker begin to wait."""
        waiting = cls(side.connect(), request, time.monotonic())
        waiting.line.ask(request)
        time.sleep(0.3)
        return waiting

    def answer(self) -> tuple[RemotingCommand, dict[str, object]]:
        """Return the answer, and what must be the same of it: when it came, too."""
        answer = self.line.answer_to(self.request)
        took = time.monotonic() - self.began
        print(f"{took:.2f} s: {answer.code} {answer.remark}")
        return answer, shown(answer) | {"woken": took < SOON_S}


def pop(side: LiteSide, client: LiteConsumer, **fields: object) -> Waiting:
    """Let a client wait for what it may pop."""
    values = {"poll_time": WAIT_MS, "born_time": int(time.time() * 1000)} | fields
    return Waiting.begin(side, client.request(**values))


def arrivals(side: LiteSide, say: Say) -> None:
    """A message wakes a client that subscribes its lite topic, and no other."""
    one, two = side.client("wa1"), side.client("wa2")
    one.add("m", "n")
    two.add("o")
    first, second = pop(side, one), pop(side, two)
    side.send("m", "m1")
    answer, seen = first.answer()
    say("arrivals: of who subscribes it", seen)
    say("arrivals: of another", second.answer()[1])
    after_acks(side, say, one, one.messages(answer))
    for client in (one, two):
        client.control("COMPLETE_REMOVE")


def after_acks(side: LiteSide, say: Say, client: LiteConsumer, popped: list[StoredMessage]) -> None:
    """What is behind an open message comes when that is acknowledged, or put off and over."""
    waiting = pop(side, client)
    side.send("m", "m2")
    say("arrivals: acknowledged", [shown(client.ack(one)) for one in popped])
    answer, seen = waiting.answer()
    say("arrivals: after the ack", seen)
    (second,) = client.messages(answer)
    waiting = pop(side, client)
    say("arrivals: put off", shown(client.change(second, 1_000)))
    answer, seen = waiting.answer()
    say("arrivals: after its time", seen)
    for one in client.messages(answer):
        client.ack(one)


def subscriptions(side: LiteSide, say: Say) -> None:
    """A subscription wakes its client where there is something."""
    one = side.client("ws1")
    one.add("q")
    side.send("p", "p1")
    waiting = pop(side, one)
    one.add("p")
    answer, seen = waiting.answer()
    say("subscriptions: what was there", seen)
    for message in one.messages(answer):
        one.ack(message)
    one.control("COMPLETE_REMOVE")


def several(side: LiteSide, say: Say) -> None:
    """Of several waits of one client one is woken; of several clients one has the message."""
    one, two = side.client("we1"), side.client("we2")
    one.add("r", "s")
    two.add("s")
    for label, name, clients in (("waits", "r", (one, one)), ("clients", "s", (one, two))):
        waits = [pop(side, client) for client in clients]
        side.send(name, f"{name}1")
        answers = [waiting.answer()[0] for waiting in waits]
        say(f"several {label}", sorted(map(str, map(shown, answers))))
        for client, answer in zip(clients, answers, strict=True):
            for message in client.messages(answer):
                client.ack(message)
    for client in (one, two):
        client.control("COMPLETE_REMOVE")


SCRIPTS = (arrivals, subscriptions, several)
