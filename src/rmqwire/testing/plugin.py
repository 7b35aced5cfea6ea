"""The pytest plugin: fixtures ``rmq`` and ``rmq_trio``; imports nothing before one is used.

``--rmqwire-server`` chooses whom the tests run against: ``embedded`` (one server for the session,
cleaned between tests, begun again when a test turned its clock or left it stopped),
``java:RELEASE`` (Apache RocketMQ itself, downloaded by Maven and started for the session), or
``HOST:PORT`` of a name server, Java's or ours.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from rmqwire.testing.threaded import Cluster
    from rmqwire.testing.view import View

EMBEDDED = "embedded"
JAVA = "java:"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("rmqwire")
    group.addoption(
        "--rmqwire-server",
        default=EMBEDDED,
        metavar="WHICH",
        help="RocketMQ for the fixtures rmq and rmq_trio: embedded, java:RELEASE such as java:5.5.0,"
        " or HOST:PORT of a name server",
    )
    group.addoption(
        "--rmqwire-release",
        default="5.5.0",
        metavar="RELEASE",
        help="as which release of RocketMQ the embedded server behaves",
    )


class Server:
    """The cluster of a session; begun again when a test left it unusable."""

    def __init__(self, server: str, release: str) -> None:
        self._server = server
        self._release = release
        self._opened = ExitStack()
        self._running = ExitStack()
        self._namesrv_addr: str | None = None
        self._cluster: Cluster | None = None

    def cluster(self) -> Cluster:
        """Return the cluster, started if there is none."""
        if self._cluster is None:
            self._cluster = self._opened.enter_context(self._opening())
        return self._cluster

    def _opening(self) -> AbstractContextManager[Cluster]:
        from rmqwire.testing.threaded import cluster, remote_cluster  # noqa: PLC0415  not before

        if self._server == EMBEDDED:
            return cluster(self._release)
        return remote_cluster(self.namesrv_addr(), pytest.skip)

    def namesrv_addr(self) -> str:
        """Return the name server of a cluster that isn't embedded; Java's is started with the first call."""
        if self._namesrv_addr is None:
            self._namesrv_addr = self._server
            if self._server.startswith(JAVA):
                from rmqwire.testing.java import java_server  # noqa: PLC0415  not before

                server = java_server(self._server.removeprefix(JAVA))
                self._namesrv_addr = self._running.enter_context(server)
        return self._namesrv_addr

    def clean(self) -> None:
        """Remove what a test left; one that can't be cleaned is ended."""
        if self._cluster is not None and self._cluster.reusable:
            self._cluster.reset()
        else:
            self.close()

    def close(self) -> None:
        """End the embedded server; leave another one."""
        self._cluster = None
        self._opened.close()

    def end(self) -> None:
        """End everything that the session has started."""
        self.close()
        self._running.close()


@pytest.fixture(scope="session")
def rmq_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """The server of the session, behind ``rmq``."""
    server = Server(
        pytestconfig.getoption("--rmqwire-server"), pytestconfig.getoption("--rmqwire-release")
    )
    yield server
    server.end()


@pytest.fixture
def rmq(rmq_server: Server) -> Iterator[Cluster]:
    """RocketMQ on real ports for clients of any kind: ``rmq.namesrv_addr``, see ``Cluster``."""
    yield rmq_server.cluster()
    rmq_server.clean()


@pytest.fixture
def rmq_trio(
    pytestconfig: pytest.Config, rmq_server: Server
) -> Callable[..., AbstractAsyncContextManager[View]]:
    """RocketMQ in the test's own event loop: ``async with rmq_trio() as rmq:``, see ``TrioCluster``.

    Under pytest-trio's ``autojump_clock`` nothing takes time.
    """
    from rmqwire.testing.in_loop import remote_view, trio_cluster  # noqa: PLC0415  not before

    if pytestconfig.getoption("--rmqwire-server") != EMBEDDED:
        return partial(remote_view, rmq_server.namesrv_addr())
    return partial(trio_cluster, pytestconfig.getoption("--rmqwire-release"))
