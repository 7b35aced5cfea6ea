"""A cluster in a thread of its own, for tests and programs that are not on trio."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

import trio
import trio.testing

from rmqwire.errors import UsageError
from rmqwire.testing.failures import REMARK
from rmqwire.testing.in_loop import TrioCluster, remote_view, trio_cluster

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.errors import BrokerError
    from rmqwire.testing.view import View

P = ParamSpec("P")
R = TypeVar("R")


def _refuse(reason: str) -> NoReturn:
    raise UsageError(reason)


class Cluster:
    """A cluster that any thread may use: each call returns when it is done.

    Made by ``cluster()``. Methods raise ``RemotingError`` when a server doesn't answer,
    ``BrokerError`` when it refuses, and ``UsageError`` for what only an embedded server can do.

    Args:
        token: of the event loop that it runs in.
        view: what it asks.
        refuse: called when only an embedded server can do what is wanted.

    Attributes:
        namesrv_addr: ``host:port`` for clients of any language.
    """

    def __init__(
        self, token: trio.lowlevel.TrioToken, view: View, refuse: Callable[[str], NoReturn]
    ) -> None:
        self.namesrv_addr = view.namesrv_addr
        self._refuse = refuse
        self._token = token
        self._view = view

    def _wait(self, call: Callable[P, Awaitable[R]], *args: P.args, **named: P.kwargs) -> R:
        return trio.from_thread.run(partial(call, *args, **named), trio_token=self._token)

    def _embedded(self, what: str) -> TrioCluster:
        if not isinstance(self._view, TrioCluster):
            self._refuse(f"{what} needs an embedded server, not {self.namesrv_addr}")
        return self._view

    @property
    def reusable(self) -> bool:
        """Whether ``reset`` leaves it as it was at first: it runs, and nobody turned its clock."""
        return not isinstance(self._view, TrioCluster) or self._view.reusable

    # --- what is there

    def create_topic(self, name: str, queues: int = 4, *, attributes: str = "") -> None:
        """Make a topic and wait until clients find it (``View.create_topic``)."""
        self._wait(self._view.create_topic, name, queues, attributes=attributes)

    def create_group(self, name: str, *, retry_max_times: int = 16, attributes: str = "") -> None:
        """Make a consumer group (``View.create_group``)."""
        self._wait(
            self._view.create_group, name, retry_max_times=retry_max_times, attributes=attributes
        )

    def messages(self, topic: str) -> list[MessageExt]:
        """Return all messages that a topic holds, queue by queue."""
        return self._wait(self._view.messages, topic)

    def dlq(self, group: str) -> list[MessageExt]:
        """Return the dead letters of a group; their topic becomes readable with that."""
        return self._wait(self._view.dlq, group)

    def lag(self, group: str, topic: str) -> int:
        """Return how many messages of a topic a group has not consumed, its retries included."""
        return self._wait(self._view.lag, group, topic)

    def wait_consumed(self, group: str, topic: str, timeout: float = 10.0) -> None:
        """Wait at most ``timeout`` seconds until a group has consumed a topic and committed that.

        Raises:
            TimeoutError: it hasn't; the text has each queue that lags.
        """
        self._wait(self._view.wait_consumed, group, topic, timeout)

    def reset(self) -> None:
        """Remove all topics and groups that were made since the start, and all failures."""
        self._wait(self._view.reset)

    # --- what only an embedded server can do

    def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Turn the broker's clock forward and let it do what is due (``TrioCluster.advance``)."""
        view = self._embedded("advance()")
        self._wait(view.advance, hours=hours, minutes=minutes, seconds=seconds)

    def fail_next(
        self,
        request: str | int,
        error: type[BrokerError] | int | str,
        times: int = 1,
        remark: str = REMARK,
    ) -> None:
        """Let the broker refuse the next requests of a code (``TrioCluster.fail_next``)."""
        view = self._embedded("fail_next()")
        self._now(partial(view.fail_next, request, error, times, remark))

    def drop_connections(self) -> None:
        """Close all connections of the broker, whatever they wait for."""
        self._now(self._embedded("drop_connections()").drop_connections)

    def stop(self) -> None:
        """Stop the broker in order."""
        self._wait(self._embedded("stop()").stop)

    def start(self) -> None:
        """Start the broker again at its ports, on the files that it left."""
        self._wait(self._embedded("start()").start)

    def kill(self) -> None:
        """End the broker as ``kill -9`` does: what it would still say and write is lost."""
        self._wait(self._embedded("kill()").kill)

    def _now(self, call: Callable[[], None]) -> None:
        trio.from_thread.run_sync(call, trio_token=self._token)


@contextmanager
def cluster(release: str = "5.5.0", **settings: str) -> Iterator[Cluster]:
    """Run a name server and a broker in a thread of their own.

    Args:
        release: as which release of RocketMQ.
        settings: keys of ``broker.conf`` with their values.

    Raises:
        ConfigError: a setting can't be used.
    """
    with _in_thread(partial(trio_cluster, release, **settings)) as made:
        yield made


@contextmanager
def remote_cluster(
    namesrv_addr: str, refuse: Callable[[str], NoReturn] = _refuse
) -> Iterator[Cluster]:
    """Use a cluster that runs already, Java's or ours; its clock and its processes are its own.

    Args:
        namesrv_addr: ``host:port`` of its name server.
        refuse: called with the reason when only an embedded server can do what is wanted; the
            default raises ``UsageError``.

    Raises:
        RemotingError: the name server doesn't answer.
        TimeoutError: it knows no master.
    """
    with _in_thread(partial(remote_view, namesrv_addr), refuse) as made:
        yield made


@contextmanager
def _in_thread(
    opening: Callable[[], AbstractAsyncContextManager[View]],
    refuse: Callable[[str], NoReturn] = _refuse,
) -> Iterator[Cluster]:
    """Open a view in a trio thread with a clock that can be turned; close it at the end."""
    opened: SimpleQueue[Cluster | Exception] = SimpleQueue()
    stop = trio.Event()

    async def serve() -> None:
        async with opening() as view:
            opened.put(Cluster(trio.lowlevel.current_trio_token(), view, refuse))
            await stop.wait()

    def run() -> None:
        try:
            trio.run(serve, clock=trio.testing.MockClock(rate=1.0))
        except Exception as error:  # noqa: BLE001  raised where the thread was started
            opened.put(error)

    thread = threading.Thread(target=run, name="rmqwire-testing", daemon=True)
    thread.start()
    first = opened.get()
    if isinstance(first, Exception):
        thread.join()
        raise first
    try:
        yield first
    finally:
        trio.from_thread.run_sync(stop.set, trio_token=first._token)
        thread.join()
