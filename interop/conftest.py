"""`pytest interop/`: options, and one set of Java programs per release for many tests."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from interop import codes_seen, nodes
from interop.both_ends import FromBothEnds
from interop.cluster import Cluster, Unavailable, choose, docker_missing
from interop.jars import missing_tools
from interop.peer import Peer
from interop.processes import Node, complaints, wait_until
from interop.replication import Servers
from interop.wire import route_known

HERE = Path(__file__).parent
VERSIONS = ("4.9.7", "5.5.0")
SERIALIZATIONS = ("JSON", "ROCKETMQ")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cluster",
        default="auto",
        help="where the Java servers come from: auto, docker, maven or HOST:PORT of a name server",
    )
    parser.addoption(
        "--rocketmq", default=",".join(VERSIONS), help="releases to test against, comma-separated"
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let a run that is told to end, by ``timeout`` for one, end its servers too, as after Ctrl-C."""

    def end(*_: object) -> None:
        session.shouldstop = "told to end"  # pytest-trio takes the interrupt for a failed test
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, end)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "version" in metafunc.fixturenames:
        versions = metafunc.config.getoption("--rocketmq").split(",")
        metafunc.parametrize("version", versions, scope="session")
    if "serialize" in metafunc.fixturenames:
        metafunc.parametrize("serialize", SERIALIZATIONS, scope="session")


def release_of(item: pytest.Item) -> str | None:
    """Return the release that a test runs with."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("version") if callspec else None


def is_optin(item: pytest.Item) -> bool:
    """Return whether a test is opt-in: always, or for the releases or headers that its marker names."""
    callspec = getattr(item, "callspec", None)
    named = (
        {callspec.params.get("version"), callspec.params.get("serialize")} if callspec else set()
    )
    return any(not one.args or named & set(one.args) for one in item.iter_markers("optin"))


def has_release(item: pytest.Item) -> bool:
    """Return whether a test's release has what it is about."""
    version = release_of(item)
    return all(version in one.args for one in item.iter_markers("only"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """With ``RMQWIRE_INTEROP_CODES``: keep which codes Java asked for in each test."""
    file = item.nodeid.partition("[")[0]
    with codes_seen.during(file, release_of(item)):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport]:
    """Show with a failure what the servers complained about: the cause is often on their side."""
    report = yield
    if report.failed:
        report.sections += complaints()
    return report


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Test in two processes (``-n auto``), each with servers of its own: much of the time is waiting.

    In one where the ports of the servers are fixed: with Docker, or with a cluster that is there already.
    """
    kind = config.getoption("--cluster")
    has_own_ports = kind == "maven" or (kind == "auto" and docker_missing() is not None)
    return 2 if has_own_ports else 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FromBothEnds:
    """Say which process gets which tests."""
    return FromBothEnds(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the tests here, and order them by release: its servers and clients start once."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    others = [item for item in items if not item.path.is_relative_to(HERE)]
    chosen = []
    for item in ours:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(300))
        if has_release(item) and (config.getoption("-m") or not is_optin(item)):
            chosen.append(item)
    config.hook.pytest_deselected(items=[item for item in ours if item not in chosen])
    items[:] = [*others, *sorted(chosen, key=lambda item: release_of(item) or "")]


@pytest.fixture(scope="session")
def cluster(
    request: pytest.FixtureRequest, version: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """The real RocketMQ servers of ``version``."""
    kind = request.config.getoption("--cluster")
    try:
        chosen = choose(kind, version, tmp_path_factory.mktemp(f"java-{version}"))
    except Unavailable as reason:
        if kind == "auto":
            pytest.skip(str(reason))
        pytest.exit(str(reason), returncode=2)
    try:
        yield chosen
    finally:
        chosen.stop()


@pytest.fixture(scope="session")
def java_namesrv(cluster: Cluster) -> str:
    """Address of a Java name server that has a Java master."""
    return cluster.namesrv()


@pytest.fixture(scope="session")
def peers(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Peer]]:
    reason = missing_tools()
    if reason:
        pytest.skip(f"Java clients: {reason}")
    started: dict[str, Peer] = {}
    try:
        for serialize in SERIALIZATIONS:
            home = tmp_path_factory.mktemp(f"peer-{version}-{serialize}")
            started[serialize] = Peer(version, serialize, home)
        yield started
    finally:
        for one in started.values():
            one.stop()


@pytest.fixture
def peer(peers: dict[str, Peer], serialize: str) -> Peer:
    """A Java client of ``version`` that speaks ``serialize``."""
    return peers[serialize]


@pytest.fixture
def json_peer(peers: dict[str, Peer]) -> Peer:
    return peers["JSON"]


@pytest.fixture
def topic(java_namesrv: str, json_peer: Peer) -> str:
    """A new topic at the Java cluster, its route known."""
    name = f"T_{uuid.uuid4().hex[:8]}"
    json_peer.mqadmin("updateTopic", "-n", java_namesrv, "-c", "DefaultCluster", "-t", name)
    wait_until(lambda: route_known(java_namesrv, name), f"route of {name}", 15)
    return name


@pytest.fixture
def servers(cluster: Cluster, version: str) -> Iterator[Servers]:
    """Servers of a test's own, ended with it."""
    made = Servers(cluster, version)
    yield made
    made.end()


@dataclass(frozen=True)
class Rmqwire:
    """A running rmqwire name server and broker."""

    namesrv: Node
    broker: Node
    home: Path


@contextmanager
def running_rmqwire(version: str, home: Path) -> Iterator[Rmqwire]:
    """rmqwire as RocketMQ ``version``: a name server and a broker in processes of their own."""
    release = {"rocketmqVersion": version}
    namesrv = nodes.start_namesrv(home / "namesrv", release)
    try:
        broker = nodes.start_broker(home / "broker", namesrv.addr, release)
        try:
            yield Rmqwire(namesrv, broker, home)
        finally:
            assert broker.stop() == 0, broker.tail()
        assert "Traceback" not in broker.tail(1_000_000), broker.tail()
    finally:
        assert namesrv.stop() == 0, namesrv.tail()


@pytest.fixture(scope="session")
def rmqwire(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rmqwire]:
    """The rmqwire servers that most tests share."""
    with running_rmqwire(version, tmp_path_factory.mktemp(f"rmqwire-{version}")) as servers:
        yield servers


@pytest.fixture(params=["java", "rmqwire"])
def namesrv(request: pytest.FixtureRequest) -> str:
    """A cluster of either kind."""
    if request.param == "java":
        return str(request.getfixturevalue("java_namesrv"))
    servers: Rmqwire = request.getfixturevalue("rmqwire")
    return servers.namesrv.addr


@pytest.fixture
def new_topic(namesrv: str, json_peer: Peer) -> str:
    """A topic with queues, its route known: the first send makes it."""
    name = f"N_{uuid.uuid4().hex[:8]}"
    json_peer.produce(namesrv, name, 1, seed=99)
    return name
