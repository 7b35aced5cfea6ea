"""The lane of one broker: plain sends, and what is plain among that which is between them."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.broker.processors.send_lane import SendLane
    from rmqwire.remoting.handler import Input, Peer, Taken

    Asked = Sequence[tuple[Peer, bytes, int, int]]

_unpack_length = Struct(">i").unpack_from


class LaneBetween(Protocol):
    """A lane of requests that stand between sends."""

    def may_take(self, data: bytes, position: int) -> bool:
        """Return whether the frame at ``position`` may be one of its requests, at a glance."""

    def take(self, inputs: Asked) -> Sequence[tuple[int, int]]:
        """Take what is plain at the front of each connection.

        Args:
            inputs: connections, what they have brought, where in it to begin, and where to end.

        Returns:
            for each how many were taken, and where the first frame begins that was not.
        """


class LaterLane:
    """A lane that is made, and its module imported, for the first request that may be its own.

    Args:
        may_take: tells its requests.
        make: makes it; gives what takes them.
    """

    def __init__(
        self,
        may_take: Callable[[bytes, int], bool],
        make: Callable[[], Callable[[Asked], Sequence[tuple[int, int]]]],
    ) -> None:
        self.may_take = may_take
        self._make = make
        self._take: Callable[[Asked], Sequence[tuple[int, int]]] | None = None

    def take(self, inputs: Asked) -> Sequence[tuple[int, int]]:
        """Take what is plain at the front of each connection."""
        if self._take is None:
            self._take = self._make()
        return self._take(inputs)


class BrokerLane:
    """All lanes as one (``remoting.handler.Lane``).

    Args:
        sends: of the sends.
        pulls: of the pulls.
        others: of what else stands between sends.
    """

    def __init__(
        self, sends: SendLane, pulls: LaneBetween, others: Sequence[LaneBetween] = ()
    ) -> None:
        self._sends = sends
        self._pulls = pulls
        self._between = (*others, pulls)

    def take(self, inputs: Sequence[Input]) -> Sequence[Taken]:
        """Take what is plain at the front of each connection; see ``Lane``."""
        _, data, begin = inputs[0]
        if self._pulls.may_take(data, begin):
            return self._pulls_first(inputs)
        return self._take_between(inputs, self._sends.take(inputs))

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
        return self._take_between(inputs, taken)

    def _take_between(self, inputs: Sequence[Input], before: Sequence[Taken]) -> Sequence[Taken]:
        """Let each lane take what it can of what stands between sends, or first of all."""
        left = [number for number, one in enumerate(before) if one[1] < one[2]]
        if not left:
            return before
        taken = list(before)  # the lane of the sends keeps its own until they are answered
        declined: dict[int, LaneBetween] = {}
        for lane in self._between:
            mine = [n for n in left if lane.may_take(inputs[n][1], taken[n][1])]
            if not mine:
                continue
            asked = [(*inputs[number][:2], *taken[number][1:3]) for number in mine]
            for number, (count, position) in zip(mine, lane.take(asked), strict=True):
                earlier, _, stop, answers = taken[number]
                if not count:
                    declined[number] = lane
                # what comes behind may be another lane's
                taken[number] = (earlier + count, position, position if count else stop, answers)
            left = [number for number in left if taken[number][1] < taken[number][2]]
        for number in left:
            count, position, stop, answers = taken[number]
            stop = self._others_end(inputs[number][1], position, stop, declined.get(number))
            taken[number] = (count, position, stop, answers)
        return taken

    def _others_end(
        self, data: bytes, position: int, stop: int, declined: LaneBetween | None
    ) -> int:
        """Return where the frames end that are the handlers', the first of them at ``position``.

        Those of a lane that has declined one go with it: so does whatever comes for a reason that holds
        for all of them.
        """
        lanes = [lane for lane in self._between if lane is not declined]
        while True:
            position += 4 + _unpack_length(data, position)[0]
            if position >= stop:
                return stop
            for lane in lanes:
                if lane.may_take(data, position):
                    return position
