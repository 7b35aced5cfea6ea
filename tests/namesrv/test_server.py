"""The shell: a real port, the scan, the closing of connections, the notices."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import RegisterBrokerBody, TopicConfig
from rmqwire.codec.codes import RequestCode as Code
from rmqwire.codec.codes import ResponseCode as RC
from rmqwire.codec.command import RemotingCommand
from rmqwire.errors import StoreError
from rmqwire.namesrv.config import load_namesrv_config
from rmqwire.namesrv.server import NameServer
from rmqwire.remoting.client import RemotingClient
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.going_away import V5_3_1
from rmqwire.remoting.server import RemotingServer


def config(tmp_path, text=""):
    return load_namesrv_config(f"listenPort=0\nbindAddress=127.0.0.1\n{text}", str(tmp_path))


def register(broker_id=0, address="127.0.0.1:10911", **fields):
    header = h.RegisterBrokerRequestHeader(
        broker_name="b", broker_addr=address, cluster_name="C", ha_server_addr="127.0.0.1:10912",
        broker_id=broker_id, **fields,
    )  # fmt: skip
    body = RegisterBrokerBody()
    for topic in ("T", "U"):
        body.topic_config_serialize_wrapper.topic_config_table[topic] = TopicConfig(
            topic_name=topic
        )
    return RemotingCommand.request(Code.REGISTER_BROKER, header, body.encode())


def ask_route():
    return RemotingCommand.request(
        Code.GET_ROUTEINFO_BY_TOPIC, h.GetRouteInfoRequestHeader(topic="T")
    )


async def started(nursery, server):
    host, port = await nursery.start(server.serve)
    return f"{host}:{port}"


async def until(condition):
    with trio.fail_after(5):
        while not condition():
            await wait_all_tasks_blocked(0.005)


async def test_a_broker_is_known_until_its_connection_closes(tmp_path):
    server = NameServer(config(tmp_path))
    async with trio.open_nursery() as nursery:
        addr = await started(nursery, server)
        async with RemotingClient() as client:
            async with RemotingClient() as broker:
                assert (await broker.invoke(addr, register())).code == 0
                assert (await client.invoke(addr, ask_route())).code == 0
            await until(lambda: not server.state.routes.live)
            assert (await client.invoke(addr, ask_route())).code == 17
            unknown = await client.invoke(addr, RemotingCommand.request(9999))
            assert unknown.code == 3
        nursery.cancel_scope.cancel()


async def test_a_silent_broker_is_disconnected(tmp_path):
    server = NameServer(config(tmp_path, "scanNotActiveBrokerInterval=100"))
    closed = []
    async with trio.open_nursery() as nursery:
        addr = await started(nursery, server)
        async with RemotingClient(on_close=closed.append) as broker:
            await broker.invoke(addr, register(heartbeat_timeout_millis=50))
            await until(lambda: closed)
        assert not server.state.routes.brokers
        nursery.cancel_scope.cancel()


async def test_brokers_hear_of_a_new_lowest_id(tmp_path):
    server = NameServer(config(tmp_path, "notifyMinBrokerIdChanged=true"))
    told = []

    def hear(connection, request):
        told.append(request.decode_header(h.NotifyMinBrokerIdChangeRequestHeader))

    slave = RemotingServer(HandlerTable(handlers={Code.NOTIFY_MIN_BROKER_ID_CHANGE: hear}))
    async with trio.open_nursery() as nursery:
        addr = await started(nursery, server)
        host, port = await nursery.start(slave.serve, "127.0.0.1", 0)
        slave_addr = f"{host}:{port}"
        async with RemotingClient() as client:
            await client.invoke(addr, register(1, slave_addr, enable_acting_master=True))
            async with RemotingClient() as master:
                await master.invoke(addr, register(0, enable_acting_master=True))
                await until(lambda: len(told) == 1)
            await until(lambda: len(told) == 2)
        nursery.cancel_scope.cancel()
    assert [t.min_broker_id for t in told] == [0, 1]
    assert told[1].min_broker_addr == slave_addr
    assert told[1].offline_broker_addr == "127.0.0.1:10911"


async def test_a_changed_configuration_is_on_disk(tmp_path):
    server = NameServer(config(tmp_path))
    async with trio.open_nursery() as nursery:
        addr = await started(nursery, server)
        async with RemotingClient() as client:
            body = b"orderMessageEnable=true"
            request = RemotingCommand.request(Code.UPDATE_NAMESRV_CONFIG, None, body)
            assert (await client.invoke(addr, request)).code == 0
        nursery.cancel_scope.cancel()
    text = (tmp_path / "namesrv/namesrv.properties").read_text()
    assert load_namesrv_config(text, "").order_message_enable


async def test_an_unreadable_kv_table_stops_the_start(tmp_path):
    (tmp_path / "namesrv").mkdir()
    (tmp_path / "namesrv/kvConfig.json").write_text("{")
    with pytest.raises(StoreError):
        await NameServer(config(tmp_path)).serve()


async def test_clients_are_sent_away_before_the_end(tmp_path):
    text = "enableShutdownGracefully=true\nshutdownWaitTimeSeconds=1\n"
    server, scope = NameServer(config(tmp_path, text)), trio.CancelScope()

    async def serve(task_status):
        with scope:
            await server.serve(task_status=task_status)

    async with trio.open_nursery() as nursery, RemotingClient(version=V5_3_1 + 1) as client:
        host, port = await nursery.start(serve)
        addr = f"{host}:{port}"
        async with RemotingClient(version=V5_3_1) as old:
            for one in (client, old):
                assert (await one.invoke(addr, ask_route(), 3000)).code == RC.TOPIC_NOT_EXIST
            scope.cancel()
            await wait_all_tasks_blocked()
            answer = await client.invoke(addr, ask_route(), 3000)
            assert (answer.code, answer.remark) == (RC.GO_AWAY, "please go away")
            assert (await old.invoke(addr, ask_route(), 3000)).code == RC.TOPIC_NOT_EXIST
