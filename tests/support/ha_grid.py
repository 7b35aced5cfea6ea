"""One cell of the grid of HA faults: a point, a fault, and what must hold during it and after.

The same for simulated pairs and for real ones, whoever wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import trio

from tests.support.ha_proxy import FAULTS, FIN, RST, FaultProxy
from tests.support.ha_tap import CONNECTING, PAST_SILENCE, POINTS, QUIET

CELLS = [(point, fault) for fault in FAULTS for point in POINTS]
EACH_POINT = [(point, FAULTS[at % len(FAULTS)]) for at, point in enumerate(POINTS)]


@dataclass(slots=True)
class Times:
    """Seconds of a pair's clock.

    Args:
        hold: how long a fault lasts; longer than ``slaveTimeout``.
        past: the same where both ends shall give the link up; longer than ``haHousekeepingInterval``.
        strike: until when the point must be reached.
        heal: until when all must be well again.
        pause: between two sends.
    """

    hold: float
    past: float
    strike: float
    heal: float = 30.0
    pause: float = 0.05


class Pair:
    """A SYNC_MASTER with ``inSyncReplicas=2``, a slave, and the proxy between them."""

    proxy: FaultProxy
    times: Times

    async def send(self) -> bool:
        """Send one message; tell whether it was answered with SEND_OK."""
        raise NotImplementedError

    async def in_sync(self) -> bool:
        """Return whether the slave has all that the master has."""
        raise NotImplementedError

    async def verdict(self) -> list[str]:
        """Name what is broken now that all is quiet: I1, I9, I10."""
        raise NotImplementedError


@dataclass(slots=True)
class Result:
    """What one cell has shown; it passed when ``wrong`` is empty."""

    point: str
    fault: str
    wrong: list[str] = field(default_factory=list)
    heal_s: float = -1.0

    def __str__(self):
        what = f"healed in {self.heal_s:.1f} s" if not self.wrong else "; ".join(self.wrong[:3])
        return f"{self.fault} at {self.point}: {what}"


async def run_cell(pair: Pair, point: str, fault: str) -> Result:
    """Bring a healthy pair to the point, break it, heal it, look at everything."""
    result = Result(point, fault)
    try:
        await reach(pair, point, fault)
        await _last(pair, point, fault)
    except trio.TooSlowError:
        result.wrong.append("the point was not reached")
        await pair.proxy.heal()
        return result
    await pair.proxy.heal()
    began = trio.current_time()
    try:
        with trio.fail_after(pair.times.heal):
            await settle(pair)
    except trio.TooSlowError:
        result.wrong.append(f"I13: no SEND_OK with lag 0 within {pair.times.heal:g} s")
    result.heal_s = trio.current_time() - began
    result.wrong += await pair.verdict() + pair.proxy.watch.wrong
    pair.proxy.watch.wrong.clear()
    return result


async def reach(pair, point, fault):
    """Reach the point under load and let the fault hit."""
    proxy = pair.proxy
    proxy.upheld = point == PAST_SILENCE
    with trio.fail_after(pair.times.strike):
        if point in QUIET:
            await settle(pair)
            proxy.arm(point, fault)
            await proxy.strike()
            return
        proxy.arm(point, fault)
        if point in CONNECTING:
            await proxy.drop()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_load, pair)
            await proxy.struck.wait()
            nursery.cancel_scope.cancel()


async def _last(pair, point, fault):
    """Go on sending while the fault lasts."""
    lasting = point == PAST_SILENCE or fault not in {RST, FIN}
    if not lasting:
        return
    with trio.move_on_after(pair.times.past if point == PAST_SILENCE else pair.times.hold):
        await _load(pair)


async def _load(pair):
    while True:
        await pair.send()
        await trio.sleep(pair.times.pause)


async def settle(pair):
    """Wait until a send is confirmed and the slave has it all."""
    await until(pair.send, pair.times.pause)
    await until(pair.in_sync, pair.times.pause)


async def until(so, pause_s):
    """Ask again and again until it is so: no event tells it."""
    while not await so():  # noqa: ASYNC110 - other processes decide
        await trio.sleep(pause_s)
