"""Access control 2.0 behind the proxy: it asks the broker for users and policies, and signs as an inner client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from interop.client_program import ClientError
from interop.cluster import Cluster
from interop.processes import Node, wait_until
from interop.proxy import programs
from interop.proxy.programs import GrpcClient, Message
from interop.proxy.server import start_proxy
from interop.replication import Servers
from interop.test_auth import CANARY, SETTINGS, give, signed
from interop.wire import route_known
from rmqwire import Credentials
from rmqwire.codec.codes import RequestCode as R
from tests.support.requests import create_topic

pytestmark = [pytest.mark.only("5.5.0"), pytest.mark.optin]

INNER = Credentials("inner", f"{CANARY}-inner")
SIGNS = {
    "innerClientAuthenticationCredentials": (
        f'{{"accessKey":"{INNER.access_key}","secretKey":"{INNER.secret_key}"}}'
    )
}
PROXY = "org.apache.rocketmq.proxy.auth.Proxy"
PROXY_SETTINGS = {
    "authenticationEnabled": True,
    "authorizationEnabled": True,
    "authenticationProvider": SETTINGS["authenticationProvider"],
    "authorizationProvider": SETTINGS["authorizationProvider"],
    "authenticationMetadataProvider": f"{PROXY}AuthenticationMetadataProvider",
    "authorizationMetadataProvider": f"{PROXY}AuthorizationMetadataProvider",
    "enableAclRpcHookForClusterMode": True,  # without it the proxy signs nothing
    **SIGNS,
}
USER = Credentials("grpc-user", CANARY)
COUNT = 4


CLIENTS = ("java", "node", "python")
AUDIT = Path("logs", "rocketmqlogs", "auth_audit.log")


@dataclass(frozen=True)
class Site:
    """A broker and a proxy before it that both control access.

    For each client there are the topics ``open_CLIENT``, which the user may use, ``read_CLIENT``, which it
    may only read, and ``shut_CLIENT``.
    """

    proxy: Node

    def verdicts(self) -> str:
        """Return what the proxy has decided so far, a line each."""
        return (self.proxy.log.parent / AUDIT).read_text("utf-8")


@pytest.fixture(scope="module", params=["rmqwire", "java"])
def servers_of(
    request: pytest.FixtureRequest,
    cluster: Cluster,
    version: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    kind = request.param
    home = tmp_path_factory.mktemp(f"proxy-auth-{kind}")
    servers = Servers(cluster, version)
    try:
        namesrv = servers.namesrv(kind, home / "namesrv")
        broker = servers.broker(kind, home / "broker", namesrv.addr, SETTINGS | SIGNS)
        for topic in (
            f"{name}_{client}" for name in ("open", "read", "shut") for client in CLIENTS
        ):
            made = create_topic(topic, "+message.type=NORMAL", 2)
            said = signed(broker.addr, R.UPDATE_AND_CREATE_TOPIC, made.ext_fields or {}, b"")
            assert said.code == 0, said.remark
            wait_until(partial(route_known, namesrv.addr, topic), f"the route of {topic}")
        give(broker.addr, USER.access_key, [
            ("Custom", "Topic:open*", ["Pub", "Sub"], None, "Allow"),
            ("Custom", "Topic:read*", ["Sub"], None, "Allow"),
            ("Custom", "Group:grpc*", ["Sub"], None, "Allow"),
        ])  # fmt: skip
        proxy = start_proxy(home / "proxy", namesrv.addr, PROXY_SETTINGS)
        servers.nodes.append(proxy)
        yield Site(proxy)
    finally:
        servers.end()


@pytest.fixture(params=CLIENTS)
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GrpcClient]:
    """A client program of the test's own, for it keeps the user that it signs as."""
    if reason := programs.absent(request.param):
        pytest.skip(reason)
    made = programs.start(request.param, tmp_path_factory.mktemp(f"own-{request.param}"))
    yield made
    made.stop()


def messages(topic: str) -> list[Message]:
    return [{"topic": topic, "body": f"signed {number}"} for number in range(COUNT)]


def refused(site: Site, call: Callable[[], object], *verdict: str) -> None:
    """The client fails, for the proxy has decided so; what clients say of it differs."""
    before = len(site.verdicts())
    with pytest.raises(ClientError) as caught:
        call()
    print(f"{verdict}: {caught.value}")
    wait_until(
        lambda: any(
            all(part in line for part in verdict) for line in site.verdicts()[before:].splitlines()
        ),
        f"{verdict} in {site.verdicts()[before:]}",
        5,
    )


def test_a_signed_user_sends_and_receives(servers_of: Site, client: GrpcClient) -> None:
    proxy, topic = servers_of.proxy.addr, f"open_{client.name}"
    client.sign(USER)
    with client.push(proxy, topic) as pushed, client.simple(proxy, topic) as simple:
        sent = {one["messageId"] for one in client.send(proxy, messages(topic))}
        by_push = pushed.poll(COUNT)
        by_simple = simple.receive_all(COUNT)
    assert {one["messageId"] for one in by_push} == sent
    assert {one["messageId"] for one in by_simple} == sent


def test_what_no_policy_allows_is_refused(servers_of: Site, client: GrpcClient) -> None:
    site, proxy, name = servers_of, servers_of.proxy.addr, client.name
    client.sign(USER)

    def denied(action: str, resource: str) -> tuple[str, str]:
        return f"User:{USER.access_key} is Deny Action = {action} ", f"resource = {resource} "

    refused(
        site,
        lambda: client.send(proxy, messages(f"read_{name}")[:1]),
        *denied("Pub", f"Topic:read_{name}"),
    )
    refused(
        site,
        lambda: client.send(proxy, messages(f"shut_{name}")[:1]),
        *denied("Pub,Sub", f"Topic:shut_{name}"),
    )
    refused(
        site,
        lambda: client.simple(proxy, f"shut_{name}").receive(1),
        *denied("Pub,Sub", f"Topic:shut_{name}"),
    )
    refused(
        site,
        lambda: client.simple(proxy, f"open_{name}", group=f"other_{name}").receive(1),
        *denied("Sub", f"Group:other_{name}"),
    )


@pytest.mark.parametrize(
    "who",
    [Credentials("stranger", CANARY), Credentials(USER.access_key, "wrong")],
    ids=["stranger", "wrong"],
)
def test_a_stranger_and_a_wrong_password_are_refused(
    servers_of: Site, client: GrpcClient, who: Credentials
) -> None:
    proxy, topic = servers_of.proxy.addr, f"open_{client.name}"
    client.sign(who)
    refused(
        servers_of,
        lambda: client.send(proxy, messages(topic)[:1]),
        f"User:{who.access_key} is authenticated failed",
    )


def test_who_does_not_sign_is_refused(servers_of: Site, client: GrpcClient) -> None:
    with pytest.raises(ClientError):
        client.send(servers_of.proxy.addr, messages(f"open_{client.name}")[:1])
