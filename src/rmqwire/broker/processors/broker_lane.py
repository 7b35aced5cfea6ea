"""The lane of one broker: plain sends, and what is plain among that which is between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.processors.plain_headers import is_of_transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.broker.processors.pull_lane import PullLane
    from rmqwire.broker.processors.send_lane import SendLane
    from rmqwire.broker.processors.transaction_lane import TransactionLane
    from rmqwire.remoting.handler import Input, Peer, Taken

    Asked = Sequence[tuple[Peer, bytes, int, int]]
    TakeAsked = Callable[[Asked], Sequence[tuple[int, int]]]


class BrokerLane:
    """All lanes as one (``remoting.handler.Lane``).

    Args:
        sends: of the sends.
        pulls: of the pulls.
        make_transactions: makes that of the transactions, which few brokers need.
    """

    def __init__(
        self,
        sends: SendLane,
        pulls: PullLane,
        make_transactions: Callable[[], TransactionLane],
    ) -> None:
        self._sends = sends
        self._pulls = pulls
        self._make_transactions = make_transactions
        self._transactions: TransactionLane | None = None

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
        self._take_transactions(inputs, taken)
        return taken

    def _sends_first(self, inputs: Sequence[Input]) -> Sequence[Taken]:
        taken = list(self._sends.take(inputs))
        left = [number for number, one in enumerate(taken) if one[1] < one[2]]
        if not left:
            return taken
        if self._take_transactions(inputs, taken):
            left = [number for number in left if taken[number][1] < taken[number][2]]
            if not left:
                return taken
        _take_between(self._pulls.take, inputs, taken, left)
        return taken

    def _take_transactions(self, inputs: Sequence[Input], taken: list[Taken]) -> bool:
        """Take half messages and ends among what is left; return whether there were any."""
        left = [
            number
            for number, (_, position, stop, _) in enumerate(taken)
            if position < stop and is_of_transaction(inputs[number][1], position)
        ]
        if not left:
            return False
        if self._transactions is None:
            self._transactions = self._make_transactions()
        _take_between(self._transactions.take, inputs, taken, left)
        return True


def _take_between(
    take: TakeAsked, inputs: Sequence[Input], taken: list[Taken], left: Sequence[int]
) -> None:
    """Let a lane take what it can of what was left on some connections."""
    asked = [(*inputs[number][:2], *taken[number][1:3]) for number in left]
    for number, (count, position) in zip(left, take(asked), strict=True):
        before, _, stop, answers = taken[number]
        taken[number] = (before + count, position, stop, answers)
