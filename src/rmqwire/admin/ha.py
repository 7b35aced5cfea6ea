"""Replication: how far the slaves of a master are (mqadmin's ``ha``)."""

from __future__ import annotations

from dataclasses import dataclass

from rmqwire.admin.broker import BrokerVerbs
from rmqwire.broker_errors import RequestCodeNotSupported
from rmqwire.codec.bodies import HARuntimeInfo
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.ha import SLAVE_LAG_KEY


@dataclass(frozen=True, slots=True)
class HaStatus:
    """Replication as one broker sees it.

    Args:
        addr: the broker.
        info: what it tells; None: it knows no haStatus (4.9).
        lags: slave -> age in ms of the first message that it hasn't got; a Java master tells none.
        figures: those that ``brokerStatus`` shows.
    """

    addr: str
    info: HARuntimeInfo | None
    lags: dict[str, int]
    figures: dict[str, str]


class HaVerbs(BrokerVerbs):
    """What is asked of a broker about its replication."""

    async def ha_status(self, addr: str) -> HaStatus:
        """Return how far a master's slaves are, or whom a slave follows (``haStatus``)."""
        figures = await self.broker_status(addr)
        try:
            answer = await self._ask(addr, RequestCode.GET_BROKER_HA_STATUS)
        except RequestCodeNotSupported:
            return HaStatus(addr, None, {}, figures)
        info = HARuntimeInfo.decode(answer.body, self._release)
        return HaStatus(addr, info, _lags(figures), figures)


def _lags(figures: dict[str, str]) -> dict[str, int]:
    return {
        key.removeprefix(SLAVE_LAG_KEY): int(value)
        for key, value in figures.items()
        if key.startswith(SLAVE_LAG_KEY)
    }
