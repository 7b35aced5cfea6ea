"""One rmqwire name server and broker for all foreign clients, whose log must stay without warnings.

``-m optin`` runs the same scenarios against Java's servers: what fails there too is the client's.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from interop import kinds
from interop.checks import Message, counted, same_messages
from interop.client_program import ClientProgram
from interop.cluster import Cluster
from interop.conftest import running_rmqwire
from interop.foreign import programs
from interop.processes import Node, wait_until
from interop.wire import broker_addr, route_known

# No complaints about a client: a busy machine's slow disk, and the older offset that a member of
# a group commits when it gives a queue away to one that has read on.
EXCUSED = (
    r"rmqwire\.store\.log\.put_path - \d+ puts took",
    r"rmqwire\.broker\.tables\.offsets - update consumer offset less than store",
)
COMPLAINT = re.compile(
    rf"^\S+ \S+ (WARNING|ERROR|CRITICAL) (?!{'|'.join(EXCUSED)})|^Traceback", re.MULTILINE
)


@contextmanager
def without_complaints(nodes: Iterable[Node]) -> Iterator[None]:
    """These servers log no warning meanwhile."""
    before = {node: len(node.tail(1 << 30)) for node in nodes}
    yield
    for node, end in before.items():
        new = node.tail(1 << 30)[end:]
        assert not COMPLAINT.search(new), f"{node.name}:\n{new[-3000:]}"


@dataclass(frozen=True)
class Site:
    """A name server and a broker.

    Args:
        nodes: those processes whose log is watched; none of Java's.
    """

    kind: str
    namesrv: str
    broker: str
    nodes: tuple[Node, ...] = ()

    def topic(self, name: str, queues: int = 4) -> str:
        """Make a topic and return its name once clients can find it."""
        topic = f"{name.replace('.', '_')}_{uuid.uuid4().hex[:8]}"
        kinds.make_topic(self.broker, topic, queues=queues)
        wait_until(lambda: route_known(self.namesrv, topic), f"the route of {topic}")
        return topic

    def check(self, what: str, mode: str, sent: list[Message], received: list[Message]) -> None:
        """Look at counts and order; Java stores oneway messages in the order of its threads."""
        if self.kind == "java" and "oneway" in mode:
            same_messages(sent, received)
        else:
            counted(f"{what} {mode}", sent, received)


@pytest.fixture(scope="session")
def rmqwire_site(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_rmqwire(version, tmp_path_factory.mktemp(f"foreign-{version}")) as servers:
        both = (servers.namesrv, servers.broker)
        yield Site("rmqwire", servers.namesrv.addr, servers.broker.addr, both)


@pytest.fixture(scope="session")
def java_site(cluster: Cluster) -> Site:
    namesrv = cluster.namesrv()
    return Site("java", namesrv, broker_addr(namesrv, "java-a"))


@pytest.fixture(params=["rmqwire", pytest.param("java", marks=pytest.mark.optin)])
def site(request: pytest.FixtureRequest, version: str) -> Iterator[Site]:
    """Servers of a release; rmqwire's have nothing to complain about when the test is over."""
    chosen: Site = request.getfixturevalue(f"{request.param}_site")
    with without_complaints(chosen.nodes):
        yield chosen


Start = Callable[[str], ClientProgram]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a client program by its name, once for all tests."""
    started: dict[str, ClientProgram] = {}

    def start_once(name: str) -> ClientProgram:
        if name not in started:
            try:
                started[name] = programs.start(name, tmp_path_factory.mktemp(name))
            except programs.Missing as reason:
                pytest.skip(str(reason))
        return started[name]

    try:
        yield start_once
    finally:
        for client in started.values():
            client.stop()


@pytest.fixture
def client(request: pytest.FixtureRequest, start: Start) -> ClientProgram:
    """The client that a test's parameter names."""
    return start(request.param)
