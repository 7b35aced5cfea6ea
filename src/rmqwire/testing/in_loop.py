"""A cluster for tests in the caller's own event loop."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import trio
import trio.testing

from rmqwire import clock
from rmqwire.errors import UsageError, only_error
from rmqwire.remoting.channel import trio_ms
from rmqwire.remoting.client import RemotingClient
from rmqwire.testing.failures import REMARK
from rmqwire.testing.server import EmbeddedServer
from rmqwire.testing.view import View

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from rmqwire.client.api import Remoting
    from rmqwire.errors import BrokerError

STEP_S = 1.0  # messages that are due more than this apart keep their order
LONGEST_STEP_S = 20.0  # below the broker's period of telling the name server that it is alive
STEPS = 200
SOCKETS_S = 0.001  # how long an autojump clock waits for bytes and threads under way


class TrioCluster(View):
    """One name server and one broker that a test asks, turns the clock of, and hurts.

    Made by ``trio_cluster()``.
    """

    def __init__(self, remoting: Remoting, server: EmbeddedServer) -> None:
        super().__init__(remoting, server.namesrv_addr)
        self._server = server
        self._turned = False

    @property
    def reusable(self) -> bool:
        """Whether ``reset`` leaves it as it was at first: it runs, and nobody turned its clock."""
        return self._server.running and not self._turned

    async def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Turn the broker's clock forward, and let it do what is due on the way.

        Delay levels, retries, timers and transaction checks are. What clients do with it takes them
        real time: ``wait_consumed`` waits for it.

        Raises:
            UsageError: the event loop's clock can't be turned.
        """
        left = hours * 3600 + minutes * 60 + seconds
        turn = trio.lowlevel.current_clock()
        if not isinstance(turn, trio.testing.MockClock):
            raise UsageError("advance() needs a MockClock, such as pytest-trio's autojump_clock")
        self._turned = True
        step = min(max(STEP_S, left / STEPS), LONGEST_STEP_S)
        while left > 0:
            turn.jump(min(step, left))
            left -= step
            await trio.testing.wait_all_tasks_blocked()

    def fail_next(
        self,
        request: str | int,
        error: type[BrokerError] | int | str,
        times: int = 1,
        remark: str = REMARK,
    ) -> None:
        """Let the broker refuse the next requests of a code.

        Args:
            request: a request code or its name; SEND_MESSAGE means its second version too.
            error: a class of ``rmqwire.broker_errors``, a response code or its name.
            times: how many.
            remark: what the answer says.

        Raises:
            UsageError: there is no such code.
        """
        self._server.failures.fail_next(request, error, times, remark)

    def drop_connections(self) -> None:
        """Close all connections of the broker, whatever they wait for."""
        self._server.drop_connections()

    async def stop(self) -> None:
        """Stop the broker in order; nothing happens when it doesn't run."""
        await self._server.stop()

    async def kill(self) -> None:
        """End the broker as ``kill -9`` does: what it would still say and write is lost."""
        await self._server.kill()

    async def start(self) -> None:
        """Start the broker again at its ports, on the files that it left.

        Raises:
            UsageError: it runs.
        """
        await self._server.start()
        await self.registered()

    async def reset(self) -> None:
        """Remove all topics and groups that were made since the start, and all failures."""
        self._server.failures.clear()
        await super().reset()


@asynccontextmanager
async def trio_cluster(release: str = "5.5.0", **settings: str) -> AsyncIterator[TrioCluster]:
    """Run a name server and a broker in this event loop.

    Under an autojump clock nothing takes time: clients in the same loop belong to the test, others
    would not keep up.

    Args:
        release: as which release of RocketMQ.
        settings: keys of ``broker.conf`` with their values.

    Raises:
        ConfigError: a setting can't be used.
    """
    turn = trio.lowlevel.current_clock()
    began, at_first = clock.wall_ms(), turn.current_time()
    jumps = isinstance(turn, trio.testing.MockClock) and not math.isinf(turn.autojump_threshold)
    if jumps and isinstance(turn, trio.testing.MockClock):
        turn.autojump_threshold = max(turn.autojump_threshold, SOCKETS_S)

    def wall_ms() -> int:
        return began + int((turn.current_time() - at_first) * 1000)

    mono_ms = trio_ms if jumps else clock.mono_ms
    with _bare_errors():
        async with RemotingClient() as client, trio.open_nursery() as nursery:
            server = EmbeddedServer(nursery, release, settings, wall_ms, mono_ms)
            await server.start_all()
            cluster = TrioCluster(client, server)
            await cluster.open()
            try:
                yield cluster
            finally:
                with trio.CancelScope(shield=True):
                    await server.stop()
                nursery.cancel_scope.cancel()


@asynccontextmanager
async def remote_view(namesrv_addr: str) -> AsyncIterator[View]:
    """Use a cluster that runs already, Java's or ours.

    Args:
        namesrv_addr: ``host:port`` of its name server.

    Raises:
        RemotingError: the name server doesn't answer.
        TimeoutError: it knows no master.
    """
    with _bare_errors():
        async with RemotingClient() as client:
            view = View(client, namesrv_addr)
            await view.open()
            yield view


@contextmanager
def _bare_errors() -> Iterator[None]:
    """Raise an error of the caller's block, or of the start, without the nurseries' groups."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise only_error(group) from None
