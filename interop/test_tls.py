"""TLS beside Java's: its clients and mqadmin on our servers in each mode, ours on its servers.

Go's client 2.1.2 has no TLS.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from interop import nodes, wire
from interop.checks import all_of_it
from interop.client_program import ClientError
from interop.cluster import MavenCluster, Unavailable
from interop.peer import JVM, Peer
from interop.processes import Node, wait_until
from rmqwire import Message, Producer, SendStatus
from rmqwire.remoting.tls import client_context
from tests.support.certificates import PASSWORD, Certificates, encrypted

COUNT = 40


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def server_keys(c: Certificates, mode: str, key: Path | None = None) -> dict[str, str]:
    """What a tls.properties for a server says; Java's documentation has one like it."""
    return {
        "tls.server.mode": mode,
        "tls.test.mode.enable": "false",
        "tls.server.certPath": str(c.server.cert),
        "tls.server.keyPath": str(key or c.server.key),
        "tls.server.need.client.auth": "require",
        "tls.server.authClient": "true",
        "tls.server.trustCertPath": str(c.ca),
        **client_keys(c),
    }


def client_keys(c: Certificates) -> dict[str, str]:
    return {
        "tls.test.mode.enable": "false",
        "tls.client.certPath": str(c.client.cert),
        "tls.client.keyPath": str(c.client.key),
        "tls.client.authServer": "true",
        "tls.client.trustCertPath": str(c.ca),
    }


def as_properties(keys: Mapping[str, str]) -> Sequence[str]:
    return [f"-D{name}={value}" for name, value in keys.items()]


@pytest.fixture(scope="module")
def tls_peer(
    peers: dict[str, Peer],
    version: str,
    certs: Certificates,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Peer]:
    """A Java client that speaks TLS, shows its certificate and verifies the server's."""
    keys = {"tls.enable": "true", **client_keys(certs)}
    home = tmp_path_factory.mktemp(f"tls-peer-{version}")
    peer = Peer(version, "JSON", home, as_properties(keys))
    yield peer
    peer.process.kill()  # its producers would say goodbye to servers that are gone, at length
    peer.stop()


@contextmanager
def rmqwire_servers(
    c: Certificates, mode: str, version: str, home: Path
) -> Iterator[tuple[Node, Node]]:
    """Our name server and broker; the broker's key is encrypted, and named in a tls.properties."""
    keys = server_keys(c, mode)
    secret = encrypted(c.server, home / "server.encrypted.key")
    own = home / "tls.properties"
    lines = {**keys, "tls.server.keyPath": str(secret), "tls.server.keyPassword": PASSWORD}
    own.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    release = {"rocketmqVersion": version}
    with ExitStack() as stack:
        if mode != "disabled":
            stack.enter_context(wire.with_tls(client_context(c.client_tls(c.client)).current()))
        namesrv = nodes.start_namesrv(home / "namesrv", release | keys)
        stack.callback(namesrv.stop)
        settings = release | {"tls.config.file": str(own), "tls.server.mode": mode}
        broker = nodes.start_broker(home / "broker", namesrv.addr, settings)
        stack.callback(broker.stop)
        yield namesrv, broker
    for node in (namesrv, broker):
        assert "Traceback" not in node.tail(1_000_000), node.tail()


def comes_through(peer: Peer, namesrv: str, topic: str) -> None:
    with peer.consume(namesrv, topic) as consumer:
        sent = peer.produce(namesrv, topic, COUNT, "sync", "large")
        all_of_it(sent, consumer.take(COUNT))


@pytest.mark.parametrize("mode", ["disabled", "permissive", "enforcing"])
def test_java_clients_and_mqadmin_on_our_servers(
    tls_peer: Peer, json_peer: Peer, certs: Certificates, version: str, tmp_path: Path, mode: str
) -> None:
    served = {"disabled": [json_peer], "permissive": [json_peer, tls_peer], "enforcing": [tls_peer]}
    with rmqwire_servers(certs, mode, version, tmp_path) as (namesrv, broker):
        for number, peer in enumerate((json_peer, tls_peer)):
            topic = f"tls_{mode}_{number}"
            if peer in served[mode]:
                comes_through(peer, namesrv.addr, topic)
                text = peer.mqadmin("clusterList", "-n", namesrv.addr)
                assert broker.addr in text, text
            else:
                with pytest.raises(ClientError):
                    peer.produce(namesrv.addr, topic, 1)
        logs = namesrv.tail(1_000_000) + broker.tail(1_000_000)
        assert ("it speaks plain, tls.server.mode is enforcing here" in logs) is (
            mode == "enforcing"
        )
        assert ("it speaks TLS, tls.server.mode is disabled here" in logs) is (mode == "disabled")


def test_a_certificate_is_replaced_under_a_java_producer_s_load(
    tls_peer: Peer, certs: Certificates, version: str, tmp_path: Path
) -> None:
    with rmqwire_servers(certs, "enforcing", version, tmp_path) as (namesrv, broker):
        tls_peer.produce(namesrv.addr, "tls_renewed", 1)
        load = tls_peer.load(namesrv.addr, "tls_renewed")
        shown = set()
        for _ in range(8):
            certs.renew(certs.server)
            encrypted(certs.server, tmp_path / "server.encrypted.key")
            time.sleep(0.2)
            shown.add(certificate_of(broker.addr, certs))
        sent = load.stop()
        assert len(sent) > 100
        assert {one.get("status") for one in sent} == {"SEND_OK"}
        assert len(shown) == 8
        assert " is closed" not in broker.tail(1_000_000)


def certificate_of(addr: str, c: Certificates) -> bytes:
    """Return what a server shows to a new connection."""
    host, _, port = addr.rpartition(":")
    context = client_context(c.client_tls(c.client)).current()
    with (
        socket.create_connection((host, int(port)), 5) as raw,
        context.wrap_socket(raw) as connection,
    ):
        return connection.getpeercert(binary_form=True) or b""


# --- our clients and our slave, on Java's


@pytest.fixture(scope="module")
def java_servers(
    version: str, certs: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Node]]:
    """A Java name server and master that take nothing but TLS, from clients with a certificate."""
    home = tmp_path_factory.mktemp(f"tls-java-{version}")
    keys = server_keys(certs, "enforcing") | {"tls.config.file": str(home / "none")}
    try:
        cluster = MavenCluster(version, home, [*JVM, *as_properties(keys)])
    except Unavailable as reason:
        pytest.skip(str(reason))
    try:
        with wire.with_tls(client_context(certs.client_tls(certs.client)).current()):
            namesrv = cluster.start_namesrv(home / "namesrv").addr
            master = cluster.start_broker(home / "master", namesrv, {"brokerRole": "ASYNC_MASTER"})
            yield namesrv, master
    finally:
        cluster.stop()


async def test_our_clients_on_java_s_servers(
    java_servers: tuple[str, Node], certs: Certificates, tls_peer: Peer
) -> None:
    namesrv, _ = java_servers
    topic = "tls_of_python"
    with tls_peer.consume(namesrv, topic) as consumer:
        async with Producer(
            "writers", namesrv_addr=namesrv, tls=certs.client_tls(certs.client)
        ) as producer:
            for number in range(COUNT):
                result = await producer.send(Message(topic, b"%d" % number))
                assert result.send_status is SendStatus.SEND_OK
        bodies = {bytes.fromhex(message["body"]) for message in consumer.take(COUNT)}
    assert bodies == {b"%d" % number for number in range(COUNT)}
    environment = {
        "RMQWIRE_TLS_ENABLE": "true",
        "RMQWIRE_TLS_CLIENT_CERT_PATH": str(certs.client.cert),
        "RMQWIRE_TLS_CLIENT_KEY_PATH": str(certs.client.key),
        "RMQWIRE_TLS_CLIENT_TRUST_CERT_PATH": str(certs.ca),
    }
    words = ["-n", namesrv, "-t", topic, "-g", "readers", "--first", "--count", str(COUNT)]
    consumed = rmqwire("consume", *words, environment=environment)
    assert consumed.returncode == 0, consumed.stderr
    assert len(consumed.stdout.splitlines()) == COUNT
    plain = rmqwire("produce", "-n", namesrv, "-t", topic, "-b", "x")
    assert plain.returncode == 1
    assert "does the server want TLS?" in plain.stderr


def rmqwire(
    *words: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rmqwire", *words],
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_our_slave_follows_a_java_master_that_takes_nothing_but_tls(
    java_servers: tuple[str, Node],
    certs: Certificates,
    tls_peer: Peer,
    version: str,
    tmp_path: Path,
) -> None:
    namesrv, _ = java_servers
    sent = tls_peer.produce(namesrv, "tls_to_slave", COUNT)
    settings = {
        "rocketmqVersion": version,
        "brokerName": "java-a",
        "brokerRole": "SLAVE",
        "brokerId": "1",
        "slaveReadEnable": "true",
        "slaveSyncInterval": "500",
        "tls.enable": "true",
        **client_keys(certs),
    }
    slave = nodes.start_broker(tmp_path / "slave", namesrv, settings)
    try:
        with wire.with_tls(None):
            for queue in {message["queueId"] for message in sent}:
                last = max(m["queueOffset"] for m in sent if m["queueId"] == queue)
                wait_until(
                    lambda q=queue, end=last + 1: (
                        wire.max_offset(slave.addr, "tls_to_slave", q) == end
                    ),
                    f"queue {queue} at the slave",
                )
            table = tmp_path / "slave" / "store" / "config" / "topics.json"
            wait_until(
                lambda: table.exists() and "tls_to_slave" in table.read_text(),
                "the topic over the metadata link",
            )
    finally:
        assert slave.stop() == 0, slave.tail()
    assert "Traceback" not in slave.tail(1_000_000), slave.tail()
