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
        if self._pulls.may_take(*inputs[0][1:]):
            return self._pulls_first(inputs)
        return self._sends_first(inputs)

    def _pulls_first(self, inputs: Sequence[Input]) -> Sequence[Taken]:
        """Take pulls, and of who brought none, or others behind them, the sends."""
        asked = [(peer, data, begin, len(data)) for peer, data, begin in inputs]
        taken = [(count, position, position, b"") for count, position in self._pulls.take(asked)]
        left = [n for n, one in enumerate(taken) if one[1] < asked[n][3]]
        if not left:
            return taken
        rest = [(*inputs[number][:2], taken[number][1]) for number in left]
        for number, (count, position, stop, answers) in zip(
            left, self._sends.take(rest), strict=True
        ):
            # behind sends there may be pulls again
            taken[number] = (
                taken[number][0] + count,
                position,
                position if count else stop,
                answers,
            )
        return taken

    def _sends_first(self, inputs: Sequence[Input]) -> Sequence[Taken]:
        taken = list(self._sends.take(inputs))
        left = [number for number, one in enumerate(taken) if one[1] < one[2]]
        if not left:
            return taken
        asked = [(*inputs[number][:2], *taken[number][1:3]) for number in left]
        for number, (count, position) in zip(left, self._pulls.take(asked), strict=True):
            before, _, stop, answers = taken[number]
            taken[number] = (before + count, position, stop, answers)
        return taken
