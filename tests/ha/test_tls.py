"""TLS on the link: who may talk to whom, and what the others are told."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import trio

from rmqwire.codec.ha import pack_report
from rmqwire.errors import ConfigError
from rmqwire.ha import tls
from rmqwire.ha.master_server import HaMaster
from rmqwire.ha.slave_client import HaSlave
from rmqwire.ha.slaves import Slaves
from rmqwire.ha.tls import LinkTls
from rmqwire.store.config import StoreConfig
from rmqwire.store.replica.replica_log import ReplicaLog
from tests.ha.support import fill, log_bytes, master_store, slave_store
from tests.ha.test_links import trio_ms, until

CERTS = Path(__file__).parents[1] / "data" / "tls"


def settings(mode, node="node", *, need_client_auth=False):
    return {
        "ha_tls_mode": mode,
        "ha_tls_cert_path": str(CERTS / f"{node}.pem"),
        "ha_tls_key_path": str(CERTS / f"{node}.key"),
        "ha_tls_trust_cert_path": str(CERTS / "ca.pem"),
        "ha_tls_need_client_auth": need_client_auth,
    }


class Nodes:
    """A master that listens on a real port, and a slave that follows it."""

    def __init__(self, master_tls, slave_tls):
        self.master = master_store(**master_tls)
        self.slave = slave_store(**slave_tls)
        self.slaves = Slaves(self.master.log, self.master.config, trio_ms)
        self.serving = HaMaster(self.slaves, None, LinkTls(self.master.config))
        self.master.events.written = self.serving.wake
        config = self.slave.config
        self.following = HaSlave(ReplicaLog(self.slave), config, trio_ms, LinkTls(config))

    async def start(self, nursery):
        host, port = await nursery.start(self.serving.serve, "127.0.0.1", 0)
        self.following.follow(f"{host}:{port}")
        nursery.start_soon(self.following.run)
        return host, port


@pytest.mark.parametrize(
    ("master", "slave"),
    [
        (settings("enforcing"), settings("enforcing")),
        (settings("enforcing", need_client_auth=True), settings("enforcing")),
        (settings("permissive"), settings("enforcing")),
        (settings("permissive"), settings("permissive")),
        (settings("permissive"), settings("disabled")),
        (settings("disabled"), settings("permissive")),
    ],
    ids=lambda s: s["ha_tls_mode"],
)
async def test_nodes_that_understand_each_other(master, slave):
    nodes = Nodes(master, slave)
    fill(nodes.master, 50, size=300)
    async with trio.open_nursery() as nursery:
        await nodes.start(nursery)
        with trio.fail_after(20):
            await until(lambda: log_bytes(nodes.slave)[-100:] == log_bytes(nodes.master)[-100:])
            fill(nodes.master, 20, first=100)
            await until(lambda: log_bytes(nodes.slave)[-100:] == log_bytes(nodes.master)[-100:])
            await until(lambda: nodes.slaves.pushed == nodes.master.log.end)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("master", "slave", "slave_hears", "master_says"),
    [
        (
            settings("disabled"),
            settings("enforcing"),
            "TLS with master 127.0.0.1:",
            "speaks TLS, haTlsMode is disabled here",
        ),
        (
            settings("enforcing"),
            settings("disabled"),
            "",
            "speaks plain and haTlsMode is enforcing; a slave of Apache RocketMQ can't",
        ),
        (
            settings("enforcing", need_client_auth=True),
            settings("enforcing", "stranger"),
            "",
            "TLS with slave 127.0.0.1:",
        ),
        (
            settings("enforcing", "stranger"),
            settings("enforcing"),
            "certificate verify failed",
            "TLS with slave 127.0.0.1:",
        ),
    ],
    ids=["plain master", "plain slave", "strange slave", "strange master"],
)
async def test_nodes_that_do_not(master, slave, slave_hears, master_says, caplog):
    caplog.set_level(logging.INFO)
    nodes = Nodes(master, slave)
    fill(nodes.master, 5)
    async with trio.open_nursery() as nursery:
        await nodes.start(nursery)
        with trio.fail_after(20):
            await until(lambda: nodes.following.fault and master_says in caplog.text)
        nursery.cancel_scope.cancel()
    assert slave_hears in nodes.following.fault
    assert nodes.slave.log.end == 0
    assert nodes.slaves.pushed == 0


async def test_a_java_master_never_answers_a_handshake(monkeypatch):
    monkeypatch.setattr(tls, "HANDSHAKE_S", 0.2)
    nodes = Nodes(settings("disabled"), settings("enforcing"))
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, _listen_only, [listener])
        nodes.following.follow(f"127.0.0.1:{listener.socket.getsockname()[1]}")
        nursery.start_soon(nodes.following.run)
        with trio.fail_after(20):
            await until(lambda: nodes.following.fault)
        nursery.cancel_scope.cancel()
    assert "no answer: is it an rmqwire broker" in nodes.following.fault


async def _listen_only(stream):
    while await stream.receive_some():
        pass


@pytest.mark.parametrize("first", [b"", b"\x16\x03\x01garbage"])
async def test_a_peer_that_says_nothing_or_rubbish_is_let_go(first, monkeypatch, caplog):
    monkeypatch.setattr(tls, "HANDSHAKE_S", 0.2)
    nodes = Nodes(settings("permissive"), settings("disabled"))
    async with trio.open_nursery() as nursery:
        address = await nursery.start(nodes.serving.serve, "127.0.0.1", 0)
        async with (
            await trio.open_tcp_stream(*address) as stream,
            await trio.open_tcp_stream(*address) as healthy,
        ):
            if first:
                await stream.send_all(first)
            with trio.fail_after(20):
                await healthy.send_all(pack_report(0))
                await until(lambda: nodes.slaves.connections)
                await until(lambda: "no replication: " in caplog.text)
                assert nodes.slaves.connections
        nursery.cancel_scope.cancel()


def test_certificates_that_can_not_be_used_are_named(tmp_path):
    config = StoreConfig(**settings("permissive"))
    config.ha_tls_key_path = str(CERTS / "stranger.key")
    with pytest.raises(ConfigError, match=r"stranger\.key"):
        LinkTls(config)
    config.ha_tls_trust_cert_path = str(tmp_path / "none.pem")
    with pytest.raises(ConfigError, match=r"none\.pem.*No such file"):
        LinkTls(config)
