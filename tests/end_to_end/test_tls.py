"""A cluster that speaks nothing but TLS: name server, master, slave, clients and tools."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from rmqwire import ConnectFailed, ConsumeStatus, Message, Producer, PushConsumer
from rmqwire.cli.admin.broker import health
from rmqwire.cli.admin.verb import carry_out
from rmqwire.cli.runner import Outcome
from rmqwire.errors import ConfigError, RmqError
from rmqwire.namesrv.config import NamesrvConfig
from rmqwire.namesrv.server import NameServer
from rmqwire.producer.results import SendStatus
from rmqwire.settings.tls import TlsSettings
from tests.broker.test_broker import HOST
from tests.broker.test_replication import log_hash, role, serving, until
from tests.support.certificates import Certificates

MANY = 300


@asynccontextmanager
async def name_server(tmp_path, tls):
    settings = NamesrvConfig(
        bind_address=HOST,
        listen_port=0,
        kv_config_path=str(tmp_path / "kv.json"),
        config_store_path=str(tmp_path / "n.properties"),
        tls=tls,
    )
    async with trio.open_nursery() as nursery:
        host, port = await nursery.start(NameServer(settings).serve)
        yield f"{host}:{port}"
        nursery.cancel_scope.cancel()


def enforcing(c):
    server = c.server_tls(
        "enforcing", need_client_auth="require", trust_cert_path=str(c.ca), auth_client=True
    )
    return TlsSettings(server, c.client_tls(c.client))


async def test_all_of_a_cluster_speaks_tls(tmp_path, monkeypatch, capsys):
    c = Certificates(tmp_path)
    tls, mine = enforcing(c), c.client_tls(c.client)
    async with name_server(tmp_path, tls) as namesrv:
        master = role(tmp_path, "m", namesrv, broker_role="SYNC_MASTER", in_sync_replicas=2)
        slave = role(
            tmp_path, "s", namesrv, broker_role="SLAVE", broker_id=1, slave_sync_interval=200
        )
        master.tls = slave.tls = tls
        async with serving(master) as (leads, addresses), serving(slave) as (follows, _):
            await until(lambda: leads.core.state.replication.slaves.connections)
            bodies, seen = [b"%d" % n for n in range(MANY)], []

            def listener(messages):
                seen.extend(message.body for message in messages)
                return ConsumeStatus.CONSUME_SUCCESS

            async with (
                Producer("p", namesrv_addr=namesrv, tls=mine) as producer,
                PushConsumer("g", namesrv_addr=namesrv, tls=mine) as consumer,
            ):
                await producer.send(Message("T", b"the topic is made"))
                consumer.subscribe("T", "*", listener)
                for number, body in enumerate(bodies):
                    if number % 50 == 25:
                        c.renew(c.server)  # nobody notices
                    assert (
                        await producer.send(Message("T", body))
                    ).send_status is SendStatus.SEND_OK
                await until(lambda: set(bodies) <= set(seen))
            await until(lambda: log_hash(follows) == log_hash(leads))
            await until(lambda: "T" in follows.core.state.topics.table)  # by the metadata link
            broker = f"{HOST}:{addresses.listen[1]}"
            with pytest.raises(RmqError, match="does the server want TLS"):
                async with Producer("q", namesrv_addr=namesrv, tls=False) as producer:
                    await producer.send(Message("T", b"x"))
            await a_tool_asks([broker], [namesrv], c, monkeypatch, capsys)


async def test_the_program_of_the_page_sends(tmp_path):
    """With the addresses and the file of the test in place of its own."""
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "use-tls.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    c, space = Certificates(tmp_path), {}
    tls = TlsSettings(c.server_tls("enforcing"), c.client_tls())
    async with name_server(tmp_path, tls) as namesrv:
        broker = role(tmp_path, "b", namesrv)
        broker.tls = tls
        async with serving(broker) as (leads, _):
            for there, here in (("/etc/rocketmq/ca.pem", str(c.ca)), ("10.0.0.1:9876", namesrv)):
                assert there in program
                program = program.replace(there, here)
            exec(program, space)
            with trio.fail_after(20):
                await space["encrypted"]()
            assert "Orders" in leads.core.state.topics.table


async def a_tool_asks(brokers, namesrvs, c, monkeypatch, capsys):
    options = {"brokers": brokers, "namesrvs": namesrvs, "address_file": None}
    for name, value in (
        ("ENABLE", "true"),
        ("CLIENT_CERT_PATH", c.client.cert),
        ("CLIENT_KEY_PATH", c.client.key),
        ("CLIENT_TRUST_CERT_PATH", c.ca),
    ):
        monkeypatch.setenv(f"RMQWIRE_TLS_{name}", str(value))
    await carry_out(health.job, "", {}, options, Outcome())
    assert capsys.readouterr().out.count(" answers") == 2
    monkeypatch.setenv("RMQWIRE_TLS_CLIENT_TRUST_CERT_PATH", str(c.strange_ca))
    with pytest.raises(ConnectFailed, match="certificate verify failed"):
        await carry_out(health.job, "", {}, options, Outcome())
    monkeypatch.setenv("RMQWIRE_TLS_CLIENT_TRUST_CERT_PATH", "/no/such")
    with pytest.raises(ConfigError, match="/no/such: can't be read"):
        await carry_out(health.job, "", {}, options, Outcome())
