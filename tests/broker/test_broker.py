"""The shell: a real broker and name server on port 0, spoken to over TCP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from rmqwire.broker.broker import Broker, BrokerAddresses
from rmqwire.broker.settings.values import BrokerConfig, LoadedConfig
from rmqwire.codec.bodies import TopicRouteData
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import (
    GetRouteInfoRequestHeader,
    PullMessageRequestHeader,
    SendMessageRequestHeaderV2,
)
from rmqwire.codec.message_id import decode_offset_id
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V5_5_0
from rmqwire.errors import ConfigError, StoreError
from rmqwire.namesrv.config import NamesrvConfig
from rmqwire.namesrv.server import NameServer
from rmqwire.remoting.client import RemotingClient
from rmqwire.store.config import StoreConfig

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"


def config(folder: Path, namesrv: str | None, **settings: object) -> LoadedConfig:
    broker = BrokerConfig(
        broker_name="broker-a",
        broker_ip1=HOST,
        broker_ip2=HOST,
        bind_address=HOST,
        listen_port=0,
        namesrv_addr=namesrv,
    )
    store = StoreConfig(
        store_path_root_dir=str(folder),
        mapped_file_size_commit_log=1024 * 1024,
        mapped_file_size_consume_queue=6000,
    )
    for name, value in settings.items():
        setattr(broker if hasattr(broker, name) else store, name, value)
    return LoadedConfig(broker, store, V5_5_0, [])


def send_command(topic: str, body: bytes) -> RemotingCommand:
    header = SendMessageRequestHeaderV2(
        producer_group="pg",
        topic=topic,
        default_topic="TBW102",
        default_topic_queue_nums=4,
        queue_id=0,
        sys_flag=0,
        born_timestamp=1_795_228_300_000,
        flag=0,
        properties="TAGS\x01A\x02",
        reconsume_times=0,
        unit_mode=False,
        batch=False,
    )
    return RemotingCommand.request(310, header, body)


def pull_command(topic: str, offset: int, suspend_ms: int = 15_000) -> RemotingCommand:
    header = PullMessageRequestHeader(
        consumer_group="cg",
        topic=topic,
        queue_id=0,
        queue_offset=offset,
        max_msg_nums=32,
        sys_flag=6,
        commit_offset=0,
        suspend_timeout_millis=suspend_ms,
        subscription="*",
        sub_version=0,
        expression_type="TAG",
    )
    return RemotingCommand.request(11, header)


async def route(client: RemotingClient, namesrv: str, topic: str) -> TopicRouteData | None:
    request = RemotingCommand.request(105, GetRouteInfoRequestHeader(topic=topic))
    response = await client.invoke(namesrv, request)
    return TopicRouteData.decode(bytes(response.body)) if response.code == 0 else None


async def wait_for_route(client: RemotingClient, namesrv: str, topic: str) -> TopicRouteData:
    for _ in range(500):
        found = await route(client, namesrv, topic)
        if found is not None:
            return found
        await trio.sleep(0.01)
    raise AssertionError(f"{topic} was never registered")


@pytest.mark.parametrize("flush_disk_type", ["ASYNC_FLUSH", "SYNC_FLUSH"])
async def test_a_message_goes_from_send_to_pull_and_survives_a_restart(
    tmp_path: Path, flush_disk_type: str
) -> None:
    namesrv_config = NamesrvConfig(bind_address=HOST, listen_port=0)
    async with RemotingClient() as client, trio.open_nursery() as outside:
        host, port = await outside.start(NameServer(namesrv_config).serve)
        namesrv = f"{host}:{port}"
        async with trio.open_nursery() as nursery:
            broker = Broker(config(tmp_path, namesrv, flush_disk_type=flush_disk_type))
            addresses: BrokerAddresses = await nursery.start(broker.serve)
            addr = "{}:{}".format(*addresses.listen)
            await wait_for_route(client, namesrv, "TBW102")
            answer = await client.invoke(addr, send_command("T", b"one"))
            assert answer.code == 0
            found = await wait_for_route(client, namesrv, "T")
            assert found.broker_datas[0].broker_addrs == {0: addr}
            answer = await client.invoke(addr, pull_command("T", 0))
            assert [m.body for m in iter_messages(answer.body)] == [b"one"]

            held, arrived = [], trio.Event()

            def take(outcome: RemotingCommand) -> None:
                held.append(outcome)
                arrived.set()

            await client.invoke_async(addr, pull_command("T", 1), take, 20_000)
            vip = "{}:{}".format(*addresses.vip)
            assert (await client.invoke(vip, send_command("T", b"two"))).code == 0
            with trio.fail_after(5):
                await arrived.wait()
            assert [m.body for m in iter_messages(held[0].body)] == [b"two"]

            last: list[RemotingCommand] = []
            await client.invoke_async(addr, pull_command("T", 2), last.append, 20_000)
            nursery.cancel_scope.cancel()
        assert last  # a pull that waits is answered before the broker goes
        assert last[0].remark == "OFFSET_OVERFLOW_ONE"
        assert await route(client, namesrv, "T") is None  # unregistered
        assert not (tmp_path / "abort").exists()
        assert (tmp_path / "config" / "consumerOffset.json").exists()

        async with trio.open_nursery() as nursery:
            addresses = await nursery.start(Broker(config(tmp_path, namesrv)).serve)
            addr = "{}:{}".format(*addresses.listen)
            answer = await client.invoke(addr, pull_command("T", 0))
            assert [m.body for m in iter_messages(answer.body)] == [b"one", b"two"]
            nursery.cancel_scope.cancel()
        outside.cancel_scope.cancel()


async def test_the_broker_keeps_trying_a_name_server_that_is_down(tmp_path: Path) -> None:
    async with RemotingClient() as client, trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host=HOST)
        port = listeners[0].socket.getsockname()[1]
        await listeners[0].aclose()  # nobody listens there now
        namesrv = f"{HOST}:{port}"
        await nursery.start(Broker(config(tmp_path, namesrv)).serve)
        await nursery.start(NameServer(NamesrvConfig(bind_address=HOST, listen_port=port)).serve)
        await wait_for_route(client, namesrv, "TBW102")
        nursery.cancel_scope.cancel()


async def test_a_table_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "topics.json").write_text("{nonsense")
    with pytest.raises(StoreError, match="topics"):
        await Broker(config(tmp_path, None)).serve()
    assert not (tmp_path / "abort").exists()


async def test_a_port_in_use_stops_the_start_and_closes_the_store(tmp_path: Path) -> None:
    listeners = await trio.open_tcp_listeners(0, host=HOST)
    port = listeners[0].socket.getsockname()[1]
    loaded = config(tmp_path, None)
    loaded.broker.listen_port = port
    with pytest.raises(OSError, match="Address already in use"):
        await Broker(loaded).serve()
    await listeners[0].aclose()
    assert not (tmp_path / "abort").exists()


async def test_two_brokers_on_one_machine_are_told_whose_port_is_taken(tmp_path: Path) -> None:
    own = "127.0.0.77"  # nobody else's, so that its other ports are free
    (taken,) = await trio.open_tcp_listeners(0, host=own)
    port = taken.socket.getsockname()[1]
    for keys, blamed in (
        ({"listen_port": port}, "listenPort"),
        ({"listen_port": port + 2}, "listenPort - 2"),
        ({"listen_port": port + 3, "ha_listen_port": port}, "haListenPort"),
        ({"listen_port": port - 1}, "haListenPort"),
    ):
        loaded = config(tmp_path, None, bind_address=own, **keys)
        with pytest.raises(OSError, match="Address already in use") as caught:
            await Broker(loaded).serve()
        assert caught.value.filename == f"{own}:{port} ({blamed})"
    await taken.aclose()


@pytest.mark.parametrize("host", ["localhost", "[127.0.0.1]"])
async def test_broker_ip1_may_be_a_host_name(tmp_path, host):
    async with trio.open_nursery() as nursery:
        broker = Broker(config(tmp_path, None, broker_ip1=host))
        addresses = await nursery.start(broker.serve)
        async with RemotingClient() as client:
            answer = await client.invoke(f"{HOST}:{addresses.listen[1]}", send_command("T", b"x"))
        nursery.cancel_scope.cancel()
    assert decode_offset_id(answer.ext_fields["msgId"])[:2] == (HOST, addresses.listen[1])
    assert broker.loaded.broker.broker_addr == f"{host}:{addresses.listen[1]}"


@pytest.mark.parametrize("host", ["999.1.1.1", "no.such.host.invalid", "a..b"])
async def test_a_broker_ip1_that_is_no_address_stops_the_start(tmp_path, host):
    with pytest.raises(ConfigError, match=rf"^brokerIP1={host}: no IP address and no known host"):
        await Broker(config(tmp_path, None, broker_ip1=host)).serve()
    assert not (tmp_path / "abort").exists()
