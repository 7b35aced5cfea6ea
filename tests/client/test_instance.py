"""What the shell of a client does beyond what producers and consumers show."""

import ipaddress
import socket
from random import Random

import pytest
import trio

from rmqwire.client import instance as instance_module
from rmqwire.client.config import ClientConfig
from rmqwire.client.instance import ClientInstance, local_ip
from rmqwire.client.tasks import Tasks
from rmqwire.codec import headers as h
from rmqwire.codec.codes import RequestCode
from rmqwire.errors import ConnectFailed, RemotingTimeout, UsageError
from tests.client.fake_cluster import NAMESRV, FakeCluster, broker_addr


@pytest.fixture
def cluster():
    cluster = FakeCluster()
    cluster.add_topic("T", brokers=("a", "b"))
    return cluster


def instance(cluster, **config):
    return ClientInstance(
        ClientConfig(namesrv_addr=config.pop("namesrv_addr", NAMESRV), **config),
        remoting=cluster.remoting,
        rng=Random(1),
    )


class Probe:
    """A datagram socket whose machine has a network, or none."""

    connected = None

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def connect(self, address):
        if self.connected is None:
            raise OSError("Network is unreachable")
        assert ipaddress.IPv4Address(address[0]) in ipaddress.IPv4Network("192.0.2.0/24")

    def getsockname(self):
        return (self.connected, 40_000)


@pytest.mark.parametrize(("address", "found"), [("10.1.2.3", "10.1.2.3"), (None, "127.0.0.1")])
def test_own_address_is_the_one_that_leads_to_the_network(monkeypatch, address, found):
    monkeypatch.setattr(Probe, "connected", address)
    monkeypatch.setattr(socket, "socket", Probe)
    assert local_ip() == found


def test_own_address_of_this_machine():
    with socket.socket() as probe:
        probe.bind((local_ip(), 0))  # only an address of this machine can be bound


def test_client_ids_are_unique_and_ids_too(cluster):
    one, two = instance(cluster), instance(cluster)
    assert one.client_id != two.client_id
    assert one.unique_ids.next() != one.unique_ids.next()
    assert instance(cluster, client_ip="1.2.3.4", instance_name="i").client_id == "1.2.3.4@i"


def test_no_name_server(cluster, monkeypatch):
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    with pytest.raises(UsageError, match="No name server address"):
        instance(cluster, namesrv_addr=None)


async def test_looking_up_takes_no_longer_than_asked(cluster, autojump_clock):
    cluster.latency_s = 2
    cluster.down.add(NAMESRV)
    async with instance(cluster) as client:
        begin = trio.current_time()
        with pytest.raises(RemotingTimeout):
            await client.publish_info("T", "TBW102", 4, 0)
        assert trio.current_time() == begin


async def test_many_who_wait_for_a_dead_name_server_wait_together(cluster, autojump_clock):
    async def never(handlers_command):
        await trio.sleep(3)
        raise RemotingTimeout("no answer in time from", NAMESRV)

    failed = []

    async def look_up(client):
        try:
            await client.publish_info("T", "TBW102", 4, 3000)
        except RemotingTimeout:
            failed.append(trio.current_time())

    async with instance(cluster) as client:
        client.api.topic_route = lambda *args: never(args)
        begin = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(look_up, client)
        assert len(failed) == 50
        assert trio.current_time() - begin < 4


async def test_unanswered_farewell_does_not_hold_up_the_end(cluster, autojump_clock):
    async with instance(cluster) as client:
        client.add_producer("g", {"T"})
        await client.update_route("T")
        cluster.latency_s = 100
        begin = trio.current_time()
        await client.remove_producer("g")
        assert trio.current_time() - begin <= 3.1


@pytest.mark.parametrize("takes_s", [0.5, 100])
async def test_a_farewell_waits_for_a_heartbeat_unless_that_hangs(cluster, autojump_clock, takes_s):
    """A broker that works at it longer would have the group back, and nobody in it."""
    codes = (RequestCode.HEART_BEAT, RequestCode.UNREGISTER_CLIENT)
    said, invoke = [], cluster.invoke

    async def working(addr, command, timeout_ms=3000):
        if command.code == RequestCode.HEART_BEAT:
            await trio.sleep(takes_s)
        said.append(command.code)
        return await invoke(addr, command, timeout_ms)

    cluster.invoke = working
    async with instance(cluster) as client:
        client.add_producer("g", {"T"})
        await client.update_route("T")
        cluster.connected(broker_addr("a"))
        await trio.sleep(0.1)
        begin = trio.current_time()
        await client.remove_producer("g")
        assert trio.current_time() - begin <= 1.1
    farewells = [RequestCode.UNREGISTER_CLIENT] * 2
    heard = [RequestCode.HEART_BEAT] if takes_s < 1 else []
    assert [code for code in said if code in codes] == heard + farewells


async def test_nothing_to_tell_no_heartbeat(cluster, autojump_clock):
    async with instance(cluster) as client:
        await client.update_route("T")
        await trio.sleep(100)
    assert not cluster.heartbeats


async def test_heartbeat_of_a_dead_broker_does_not_stop_the_others(cluster, autojump_clock):
    cluster.down.add(broker_addr("a"))
    async with instance(cluster) as client:
        client.add_producer("g", {"T"})
        await client.update_route("T")
        client.heartbeat_soon()
        await trio.sleep(0.1)
        assert [addr for addr, _ in cluster.heartbeats] == [broker_addr("b")]


async def test_members_of_a_group(cluster, autojump_clock):
    cluster.members["g"] = ["x", "y"]
    async with instance(cluster) as client:
        assert await client.consumer_ids("T", "g") is None
        await client.update_route("T")
        assert await client.consumer_ids("T", "g") == ["x", "y"]
        cluster.down |= {broker_addr("a"), broker_addr("b")}
        assert await client.consumer_ids("T", "g") is None
    (asked, *_) = cluster.headers(
        RequestCode.GET_CONSUMER_LIST_BY_GROUP, h.GetConsumerListByGroupRequestHeader
    )
    assert asked.consumer_group == "g"


async def test_a_member_that_a_broker_names_twice_is_one(cluster):
    cluster.members["g"] = ["y", "x", "y"]
    async with instance(cluster) as client:
        await client.update_route("T")
        assert await client.consumer_ids("T", "g") == ["y", "x"]


async def test_name_servers_come_from_an_address_server(cluster, monkeypatch, autojump_clock):
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    answers = iter([OSError("down"), NAMESRV, "elsewhere", "10.0.0.5:9876"])
    asked = []
    began = trio.current_time()

    def fetch(url):
        asked.append((url, round(trio.current_time() - began)))
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def in_thread(_tasks, function, *words):
        return function(*words)

    monkeypatch.setattr(instance_module, "fetch_addresses", fetch)
    monkeypatch.setattr(Tasks, "in_thread", in_thread)
    async with instance(
        cluster, namesrv_addr=None, address_server="web:80", unit_name="u"
    ) as client:
        with pytest.raises(ConnectFailed, match="no name server is known yet"):
            await client.publish_info("T", "TBW102", 4, 3_000)
        await trio.sleep(11)
        assert await client.publish_info("T", "TBW102", 4, 3_000) is not None
        await trio.sleep(120)
        assert client.name_servers.addresses == [NAMESRV]
        await trio.sleep(120)
        assert client.name_servers.addresses == ["10.0.0.5:9876"]
    url = "http://web:80/rocketmq/nsaddr-u?nofix=1"
    assert asked == [(url, 0), (url, 10), (url, 130), (url, 250)]


async def test_named_name_servers_are_not_looked_for(cluster, monkeypatch, autojump_clock):
    monkeypatch.setattr(instance_module, "fetch_addresses", lambda _: 1 // 0)
    async with instance(cluster, address_server="web:80"):
        await trio.sleep(300)
