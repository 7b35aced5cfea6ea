"""The files under conf/ as they are, but for two addresses and a folder: all brokers of a set run and serve."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from rmqwire import Message, Producer, SendStatus
from rmqwire.broker.broker import Broker
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.codec.codes import ResponseCode
from rmqwire.namesrv.config import NamesrvConfig
from rmqwire.namesrv.server import NameServer
from tests.end_to_end.support import PATIENCE_S, SMALL, Wire
from tests.support import requests

CONF = Path(__file__).parents[2] / "conf"
MACHINES = ("192.168.1.11", "192.168.1.12")  # in the files
SETS = {  # set -> which brokers are master and slave, and the two machines of the test
    "2m-2s-sync": (("broker-a", "broker-b"), ("broker-a-s", "broker-b-s"), 21),
    "2m-2s-async": (("broker-a", "broker-b"), ("broker-a-s", "broker-b-s"), 22),
    "2m-noslave": (("broker-a", "broker-b"), (), 23),
}
MESSAGES = 16


@dataclass
class ConfSet:
    """A set that runs: its brokers by file."""

    namesrv_addr: str
    brokers: dict[str, Broker]

    def end(self, name):
        """Return how far the log of a broker goes."""
        return self.brokers[name].core.state.store.max_phy_offset


@asynccontextmanager
async def running(name, folder, subnet):
    """Start the name servers of both machines, then all masters, then all slaves."""
    masters, slaves, _ = SETS[name]
    machines = [f"127.0.{subnet}.{number}" for number in (1, 2)]
    brokers = {}
    async with trio.open_nursery() as nursery:
        for machine in machines:
            config = NamesrvConfig(
                listen_port=9876,
                bind_address=machine,
                kv_config_path=str(folder / f"{machine}.json"),
                config_store_path=str(folder / f"{machine}.properties"),
            )
            await nursery.start(NameServer(config).serve)
        for broker in (*masters, *slaves):
            text = (CONF / name / f"{broker}.properties").read_text("utf-8")
            for there, here in zip(MACHINES, machines, strict=True):
                text = text.replace(there, here)
            text = text.replace("/data/rocketmq", str(folder))
            address = next(line for line in text.splitlines() if line.startswith("brokerIP1="))
            file = folder / f"{broker}.properties"
            file.write_text(text)
            bind = {"bindAddress": address.partition("=")[2]}  # two machines here are one
            brokers[broker] = Broker(load_broker_config(str(file), SMALL | bind))
            await nursery.start(brokers[broker].serve)
        yield ConfSet(";".join(f"{machine}:9876" for machine in machines), brokers)
        nursery.cancel_scope.cancel()


def test_each_file_of_each_set_is_tried():
    found = {path.relative_to(CONF).with_suffix("").as_posix() for path in CONF.rglob("*.*")}
    tried = {f"{name}/{one}" for name, (a, b, _) in SETS.items() for one in (*a, *b)}
    assert found == tried


@pytest.mark.parametrize("name", SETS)
async def test_all_brokers_of_a_set_take_messages_and_slaves_have_them(tmp_path, name):
    masters, slaves, subnet = SETS[name]
    async with running(name, tmp_path, subnet) as here:
        if slaves:
            await until(lambda: all(_has_slave(here.brokers[one]) for one in masters))
        async with Producer("writers", namesrv_addr=here.namesrv_addr) as producer:
            results = [await producer.send(Message("Greetings", b"hello")) for _ in range(MESSAGES)]
        assert {result.send_status for result in results} == {SendStatus.SEND_OK}
        assert {result.message_queue.broker_name for result in results} == set(masters)
        if "-sync" in name:
            assert all(here.end(one) == here.end(f"{one}-s") for one in masters)  # without a wait
        await until(
            lambda: all(here.end(one) == here.end(one.removesuffix("-s")) for one in slaves)
        )
        assert all(here.end(one) > 0 for one in here.brokers)


async def test_the_master_of_a_sync_set_answers_for_two(tmp_path):
    settings = {"bindAddress": "127.0.24.1", "slaveTimeout": "100"}
    file = CONF / "2m-2s-sync" / "broker-a.properties"
    folder = {"storePathRootDir": str(tmp_path), "brokerIP1": "127.0.24.1", "namesrvAddr": ""}
    config = load_broker_config(str(file), SMALL | settings | folder)
    async with trio.open_nursery() as nursery:
        addresses = await nursery.start(Broker(config).serve)
        stream = await trio.open_tcp_stream(*addresses.listen)
        async with stream:
            answer = await Wire(stream).call(requests.send())
        assert answer.code == ResponseCode.FLUSH_SLAVE_TIMEOUT  # it has no slave
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the brokers do by themselves."""
    with trio.fail_after(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(0.02)


def _has_slave(master: Broker) -> bool:
    """Return whether the slave of a master is connected."""
    return bool(master.core.state.replication.lag_table())
