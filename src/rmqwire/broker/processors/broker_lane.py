"""The lane of one broker: plain sends, and the plain pulls among what is between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.broker.processors.pull_lane import PullLane
    from rmqwire.broker.processors.send_lane import SendLane
    from rmqwire.remoting.handler import Input, Taken


class BrokerLane:
    """Both lanes as one (``remoting.handler.Lane``).

    Args:
        sends: of the sends.
        pulls: of the pulls.
    """

    def __init__(self, sends: SendLane, pulls: PullLane) -> None:
        self._sends = sends
        self._pulls = pulls

    def take(self, inputs: Sequence[Input]) -> Sequence[Taken]:
        """Take what is plain at the front of each connection; see ``Lane``."""
        taken = list(self._sends.take(inputs))
        left = [number for number, one in enumerate(taken) if one[1] < one[2]]
        if not left:
            return taken
        asked = [(*inputs[number][:2], *taken[number][1:3]) for number in left]
        for number, (count, position) in zip(left, self._pulls.take(asked), strict=True):
            before, _, stop, answers = taken[number]
            taken[number] = (before + count, position, stop, answers)
        return taken
