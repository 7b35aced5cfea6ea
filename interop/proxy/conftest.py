"""Apache's proxy in front of rmqwire, and in front of Java's servers: the same tests with both."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from interop import kinds
from interop.cluster import Cluster
from interop.foreign.conftest import without_complaints
from interop.processes import Node, wait_until
from interop.proxy import page, programs
from interop.proxy.programs import GrpcClient
from interop.proxy.server import start_proxy
from interop.replication import Servers
from interop.wire import ask, route_known
from rmqwire.codec.bodies.group import (
    ExponentialRetryPolicy,
    GroupRetryPolicy,
    SubscriptionGroupConfig,
)
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand

SETTINGS = {
    "brokerName": "proxied",
    "enablePropertyFilter": "true",
    "recallMessageEnable": "true",
    "enableLmq": "true",
    "enableMultiDispatch": "true",
    "mappedFileSizeTimerLog": "65536",
    "transactionTimeOut": "2000",
    "transactionCheckInterval": "2000",
}


OUTCOMES = pytest.StashKey[dict[tuple[str, str, str], str]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what each scenario showed of a client."""
    report = yield
    callspec = getattr(item, "callspec", None)
    if callspec is not None and "client" in callspec.params and not report.skipped:
        words = item.name.partition("[")[0].removeprefix("test_").replace("_", " ")
        failures = callspec.params.get("failures")
        scenario = words if failures is None else f"{words}, {failures} failures each"
        key = (scenario, callspec.params["servers_of"], callspec.params["client"])
        kept = item.config.stash.setdefault(OUTCOMES, {})
        kept[key] = "-" if report.failed or kept.get(key) == "-" else "+"
        if os.environ.get(page.VARIABLE) and call.when == "teardown":
            page.record(kept)  # at once: a run that is cut short has shown something, too
    return report


@dataclass(frozen=True)
class Site:
    """A name server, a broker and a proxy before them."""

    kind: str
    namesrv: str
    broker: str
    proxy: str
    home: Path

    def topic(self, name: str, kind: str = "NORMAL", queues: int = 2) -> str:
        """Make a topic for messages of a kind and return its name once clients can find it."""
        topic = f"{name}_{uuid.uuid4().hex[:8]}"
        kinds.make_topic(self.broker, topic, f"+message.type={kind}", queues)
        wait_until(lambda: route_known(self.namesrv, topic), f"the route of {topic}")
        return topic


@pytest.fixture(scope="session", params=["rmqwire", "java"])
def servers_of(
    request: pytest.FixtureRequest, version: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, list[Node]]]:
    kind = request.param
    cluster: Cluster = request.getfixturevalue("cluster")
    home = tmp_path_factory.mktemp(f"proxied-{kind}")
    servers = Servers(cluster, version)
    try:
        namesrv = servers.namesrv(kind, home / "namesrv")
        broker = servers.broker(kind, home / "broker", namesrv.addr, SETTINGS)
        proxy = start_proxy(home / "proxy", namesrv.addr)
        servers.nodes.append(proxy)
        yield Site(kind, namesrv.addr, broker.addr, proxy.addr, home), [namesrv, broker]
    finally:
        servers.end()


@pytest.fixture
def site(servers_of: tuple[Site, list[Node]]) -> Iterator[Site]:
    """Servers and a proxy; rmqwire's have nothing to complain about when the test is over."""
    chosen, watched = servers_of
    with without_complaints(watched if chosen.kind == "rmqwire" else ()):
        yield chosen


Start = Callable[[str], GrpcClient]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a client program by its name, once for all tests."""
    started: dict[str, GrpcClient] = {}

    def start_once(name: str) -> GrpcClient:
        if reason := programs.absent(name):
            pytest.skip(reason)
        if name not in started:
            started[name] = programs.start(name, tmp_path_factory.mktemp(f"grpc-{name}"))
        return started[name]

    try:
        yield start_once
    finally:
        for client in started.values():
            client.stop()


@pytest.fixture(params=["java", "node", "python"])
def client(request: pytest.FixtureRequest, start: Start) -> GrpcClient:
    """A gRPC client program."""
    return start(request.param)


def make_orderly_group(site: Site, attributes: dict[str, str]) -> str:
    """Make a group that is given messages that belong together one after the other, and return its name.

    Its waits grow, for the Node client knows no other policy: with the one by default it puts what
    failed once to the dead letters.
    """
    waits = ExponentialRetryPolicy(initial=1000, max=10_000)
    config = SubscriptionGroupConfig(
        group_name=f"fifo_{uuid.uuid4().hex[:8]}",
        consume_message_orderly=True,
        group_retry_policy=GroupRetryPolicy("EXPONENTIAL", waits),
        attributes=attributes,
    )
    made = RemotingCommand(R.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, body=config.encode())
    answer = ask(site.broker, made)
    assert answer.code == ResponseCode.SUCCESS, answer.remark
    return config.group_name


@pytest.fixture
def orderly_group(site: Site) -> str:
    """A group that is given the messages of each message group one after the other."""
    return make_orderly_group(site, {})
