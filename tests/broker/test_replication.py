"""Master, slave and name server over TCP, and what a slave answers."""

from __future__ import annotations

import hashlib
import json
from contextlib import asynccontextmanager

import pytest
import trio

from rmqwire.broker.broker import Broker
from rmqwire.broker.role import RoleService
from rmqwire.broker.slave_role import BUSY, FROM_MASTER_ONLY
from rmqwire.codec.bodies import (
    HARuntimeInfo,
    SubscriptionGroupConfig,
    TimerMetricsSerializeWrapper,
)
from rmqwire.codec.checkpoint import TimerCheckpoint
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand, decode_command
from rmqwire.codec.ha import pack_report
from rmqwire.codec.headers import (
    ExchangeHAInfoRequestHeader,
    ExchangeHAInfoResponseHeader,
    PullMessageRequestHeader,
    PullMessageResponseHeader,
    ResetMasterFlushOffsetHeader,
)
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.namesrv.config import NamesrvConfig
from rmqwire.namesrv.server import NameServer
from rmqwire.remoting.client import RemotingClient
from rmqwire.wakeup import Wakeup
from tests.broker.test_broker import HOST, config, send_command
from tests.support.broker import MemoryBroker
from tests.support.golden import frame_files, frames


@pytest.fixture
def slave(tmp_path):
    made = MemoryBroker(tmp_path, broker_role="SLAVE", broker_id=1)
    yield made
    made.close()


def pull_command(offset=0, group="g", topic="T", suspend=0) -> RemotingCommand:
    header = PullMessageRequestHeader(
        consumer_group=group,
        topic=topic,
        queue_id=0,
        queue_offset=offset,
        max_msg_nums=32,
        sys_flag=4 | (2 if suspend else 0),
        commit_offset=0,
        suspend_timeout_millis=suspend,
        subscription="*",
        sub_version=0,
    )
    return RemotingCommand.request(RequestCode.PULL_MESSAGE, header)


def test_a_slave_of_5_is_busy_for_producers(slave):
    answer = slave.connect().call(send_command("T", b"x"))
    assert (answer.code, answer.remark) == (ResponseCode.SYSTEM_BUSY, BUSY)


def test_a_slave_of_4_9_takes_no_messages_and_no_orders(tmp_path):
    slave = MemoryBroker(tmp_path, V4_9_7, broker_role="SLAVE", broker_id=1)
    answer = slave.connect().call(send_command("T", b"x"))
    assert answer.code == ResponseCode.SERVICE_NOT_AVAILABLE
    assert "messages are put to the slave" in answer.remark
    request = RemotingCommand.request(
        RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
        body=SubscriptionGroupConfig(group_name="g").encode(),
    )
    answer = slave.connect().call(request)
    assert (answer.code, answer.remark) == (ResponseCode.SYSTEM_ERROR, FROM_MASTER_ONLY)
    slave.close()


def test_a_slave_of_5_serves_pulls_only_when_told(slave):
    client = slave.connect()
    slave.state.topics.create_topic_in_send_message_back("T", 1, 6, 0)
    answer = client.call(pull_command())
    assert (answer.code, answer.remark) == (ResponseCode.SYSTEM_BUSY, BUSY)
    slave.state.config.slave_read_enable = True
    answer = client.call(pull_command())
    assert answer.code == ResponseCode.PULL_RETRY_IMMEDIATELY
    assert answer.decode_header(PullMessageResponseHeader).suggest_which_broker_id == 0
    slave.state.replication.master_is_there = False
    assert client.call(pull_command()).code == ResponseCode.PULL_NOT_FOUND
    assert client.ask(pull_command(suspend=1000)) is None
    slave.pass_time(1000)
    assert client.received[-1].code == ResponseCode.PULL_NOT_FOUND


def test_a_slave_of_4_9_serves_pulls(tmp_path):
    slave = MemoryBroker(tmp_path, V4_9_7, broker_role="SLAVE", broker_id=1)
    slave.state.topics.create_topic_in_send_message_back("T", 1, 6, 0)
    answer = slave.connect().call(pull_command())
    assert answer.code == ResponseCode.PULL_NOT_FOUND
    slave.close()


@pytest.mark.parametrize("read_enable", [True, False])
def test_a_lagging_consumer_is_sent_to_a_slave(tmp_path, read_enable):
    master = MemoryBroker(tmp_path, slave_read_enable=read_enable)
    master.state.store.memory_bytes = 0  # the machine has no memory left: everything is old
    client = master.connect()
    client.call(send_command("T", b"x"))
    answer = client.call(pull_command())
    assert answer.code == ResponseCode.SUCCESS
    suggested = answer.decode_header(PullMessageResponseHeader).suggest_which_broker_id
    assert suggested == (1 if read_enable else 0)
    master.close()


def test_ha_status_of_a_master_without_slaves(tmp_path):
    master = MemoryBroker(tmp_path)
    client = master.connect()
    client.call(send_command("T", b"x"))
    answer = client.call(RemotingCommand.request(RequestCode.GET_BROKER_HA_STATUS))
    info = HARuntimeInfo.decode(bytes(answer.body))
    assert info.master
    assert info.in_sync_slave_nums == 0
    assert info.master_commit_log_max_offset == master.state.store.max_phy_offset
    request = RemotingCommand.request(
        RequestCode.EXCHANGE_BROKER_HA_INFO, ExchangeHAInfoRequestHeader()
    )
    told = client.call(request).decode_header(ExchangeHAInfoResponseHeader)
    assert told.master_ha_address == "127.0.0.1:10912"
    assert told.master_address == "127.0.0.1:10911"
    master.close()


def recorded(name: str, kind: str = "response"):
    for path in frame_files("e_ha_*"):
        if path.parts[-3:-1] == ("5.5.0", "JSON-ha"):
            for entry, frame in frames(path):
                if (entry["name"], entry["kind"]) == (name, kind):
                    return decode_command(frame)
    raise AssertionError(name)


def test_ha_status_has_java_s_fields(tmp_path):
    java = json.loads(bytes(recorded("GET_BROKER_HA_STATUS").body))
    master = MemoryBroker(tmp_path)
    client = master.connect()
    client.call(send_command("T", b"x"))
    slaves = master.state.replication.slaves
    connected = slaves.open("127.0.0.1:33868")
    end = master.state.store.max_phy_offset
    slaves.received(connected, pack_report(end))
    answer = client.call(RemotingCommand.request(RequestCode.GET_BROKER_HA_STATUS))
    ours = json.loads(bytes(answer.body))
    assert ours.keys() == java.keys()
    assert ours["haClientRuntimeInfo"] == java["haClientRuntimeInfo"]
    (theirs,), (one,) = java["haConnectionInfo"], ours["haConnectionInfo"]
    assert one == theirs | {"slaveAckOffset": end, "transferFromWhere": end}
    assert (ours["master"], ours["inSyncSlaveNums"]) == (True, 1)
    master.close()


def test_what_a_slave_of_5_asks_every_minute_is_answered(tmp_path):
    master = MemoryBroker(tmp_path)
    client = master.connect()
    modes = client.call(RemotingCommand.request(RequestCode.GET_ALL_MESSAGE_REQUEST_MODE))
    assert bytes(modes.body) == bytes(recorded("GET_ALL_MESSAGE_REQUEST_MODE").body)
    check_point = client.call(RemotingCommand.request(RequestCode.GET_TIMER_CHECK_POINT))
    assert TimerCheckpoint.decode(check_point.body).master_timer_queue_offset == 0
    metrics = client.call(RemotingCommand.request(RequestCode.GET_TIMER_METRICS))
    assert TimerMetricsSerializeWrapper.decode(metrics.body).timing_count == {}
    master.close()


def test_without_a_wheel_a_slave_hears_what_java_says(tmp_path):
    master = MemoryBroker(tmp_path, timer_wheel_enable=False)
    client = master.connect()
    for code in (RequestCode.GET_TIMER_CHECK_POINT, RequestCode.GET_TIMER_METRICS):
        answer = client.call(RemotingCommand.request(code))
        assert (answer.code, answer.remark[-7:]) == (ResponseCode.SYSTEM_ERROR, "is null")
    master.close()


def test_a_master_s_flush_offset_is_kept_by_a_slave(slave):
    client = slave.connect()
    header = ResetMasterFlushOffsetHeader(master_flush_offset=4711)
    request = RemotingCommand.request(RequestCode.RESET_MASTER_FLUSH_OFFSET, header)
    assert client.call(request).code == ResponseCode.SUCCESS
    answer = client.call(RemotingCommand.request(RequestCode.GET_BROKER_HA_STATUS))
    info = HARuntimeInfo.decode(bytes(answer.body))
    assert not info.master
    assert info.ha_client_runtime_info.master_flush_offset == 4711


@asynccontextmanager
async def serving(loaded):
    """Run a broker until the block ends."""
    broker = Broker(loaded)
    async with trio.open_nursery() as nursery:
        with trio.fail_after(10):
            addresses = await nursery.start(broker.serve)
        yield broker, addresses
        nursery.cancel_scope.cancel()


async def until(what, seconds=20):
    with trio.fail_after(seconds):
        while not what():  # noqa: ASYNC110  what is waited for are figures without an event
            await trio.sleep(0.02)


def log_hash(broker):
    store = broker.core.state.store
    log = store.log
    data = b"".join(
        log.queue.read(s.start, min(s.size, log.end - s.start)) for s in log.queue.segments
    )
    return log.end, hashlib.sha256(data).hexdigest()


@asynccontextmanager
async def name_server(tmp_path):
    async with trio.open_nursery() as nursery:
        settings = NamesrvConfig(
            bind_address=HOST,
            listen_port=0,
            kv_config_path=str(tmp_path / "kv.json"),
            config_store_path=str(tmp_path / "n.properties"),
        )
        host, port = await nursery.start(NameServer(settings).serve)
        yield f"{host}:{port}"
        nursery.cancel_scope.cancel()


def role(tmp_path, name, namesrv, release=V5_5_0, **settings):
    loaded = config(tmp_path / name, namesrv, **settings)
    loaded.release = release
    loaded.store.broker_role = loaded.broker.broker_role
    return loaded


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=lambda r: r.name)
async def test_a_slave_follows_serves_and_outlives_its_master(tmp_path, release):
    async with name_server(tmp_path) as namesrv, RemotingClient() as client:
        slave_settings = {
            "broker_role": "SLAVE",
            "broker_id": 1,
            "slave_read_enable": True,
            "slave_sync_interval": 200,
        }
        async with serving(role(tmp_path, "s", namesrv, release, **slave_settings)) as (slave, at):
            async with serving(
                role(tmp_path, "m", namesrv, release, broker_role="SYNC_MASTER", in_sync_replicas=2)
            ) as (master, addresses):
                addr = f"{HOST}:{addresses.listen[1]}"
                await until(lambda: master.core.state.replication.slaves.connections)
                for number in range(30):
                    answer = await client.invoke(addr, send_command("T", b"%d" % number * 300))
                    assert answer.code == ResponseCode.SUCCESS, answer.remark
                await until(lambda: log_hash(slave) == log_hash(master))
                master.core.state.offsets.commit("c", "g", "T", 0, 7)
                master.core.state.groups.find("g")
                sync = slave.core.state
                await until(lambda: "T" in sync.topics.table)
                await until(lambda: sync.offsets.query("g", "T", 0) == 7)
                await until(lambda: sync.groups.contains("g"))
                assert sync.topics.data_version == master.core.state.topics.data_version
            peer = f"{HOST}:{at.listen[1]}"
            answer = await client.invoke(peer, pull_command())
            assert answer.code == ResponseCode.SUCCESS, answer.remark
            bodies = [message.body for message in iter_messages(bytes(answer.body))]
            assert bodies == [b"%d" % number * 300 for number in range(30)]


def test_a_role_is_taken_at_run_time(tmp_path):
    broker = MemoryBroker(tmp_path, broker_role="SLAVE", broker_id=1)
    client = broker.connect()
    store = broker.state.store
    assert client.call(send_command("T", b"x")).code == ResponseCode.SYSTEM_BUSY
    for role, code in (
        ("ASYNC_MASTER", ResponseCode.SUCCESS),
        ("SLAVE", ResponseCode.SYSTEM_BUSY),
        ("SYNC_MASTER", ResponseCode.SUCCESS),  # inSyncReplicas=1
    ):
        store.config.broker_role = role
        broker.core.take_role()
        assert client.call(send_command("T", role.encode())).code == code
        assert (broker.state.replication.transfer is not None) == (role == "SYNC_MASTER")
        assert store.puts.replication is broker.state.replication.transfer
    assert store.max_offset("T", 0) + store.max_offset("T", 1) >= 1
    store.health.fail("the disk is gone")
    store.config.broker_role = "ASYNC_MASTER"
    broker.core.take_role()
    assert not store.is_writable
    broker.close()


async def test_the_tasks_of_a_role_end_and_those_of_another_begin(tmp_path):
    broker = MemoryBroker(tmp_path, broker_role="SLAVE", broker_id=1, bind_address=HOST)
    state, producer = broker.state, broker.connect()
    async with RemotingClient() as client:
        tasks = RoleService(
            broker.core, client, broker.clock, Wakeup(), Wakeup(), Wakeup(), any_port=True
        )
        for broker_role in ("SLAVE", "ASYNC_MASTER", "SLAVE", "SYNC_MASTER"):
            state.store.config.broker_role = broker_role
            is_slave = broker_role == "SLAVE"
            async with trio.open_nursery() as nursery:
                bound = await nursery.start(tasks.run)
                assert (bound is None) == is_slave
                assert (state.replication.client is not None) == is_slave
                assert (state.replication.server is None) == is_slave
                answer = producer.call(send_command("T", b"x"))
                assert (answer.code == ResponseCode.SUCCESS) == (not is_slave)
                if bound is not None:
                    stream = await trio.open_tcp_stream(*bound)
                    await until(lambda: state.replication.slaves.connections)
                    await stream.aclose()
                nursery.cancel_scope.cancel()
            assert state.replication.client is None
            assert state.replication.server is None
            assert state.replication.slaves.connections == []
    broker.close()
