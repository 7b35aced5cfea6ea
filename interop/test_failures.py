"""Our producer and Java's, side by side, when servers of Java's fail under load. ``-m optin -s``.

Each prints ``| trouble | client | sends | failed | longest send, ms | recovery, ms |``; docs/explanation/failures.md
says what the columns mean.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from interop.client_program import RunningConsumer
from interop.cluster import Cluster
from interop.failures.flapping import FlappingNameServer, route
from interop.failures.proxy import Proxy
from interop.failures.side_by_side import POLL_MS, Trouble, now_ms, side_by_side
from interop.listeners import Collector
from interop.peer import Peer
from interop.processes import BROKER_PORTS, Node, free_port, wait_until
from interop.wire import ask, route_known
from rmqwire import PushConsumer
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand

pytestmark = [pytest.mark.optin, pytest.mark.timeout(230)]

BOTH, ONLY_B, DIVIDED = "Both", "OnlyB", "Divided"
SLOW_S = 1.5
SETTINGS = {
    "autoCreateTopicEnable": "false",  # else a topic of b's is made at a while b hasn't registered
    "registerNameServerPeriod": "10000",
    "waitTimeMillsInSendQueue": "10000",  # the machine is busy with JVMs: that is not the trouble meant
}
GOING_S = 6  # how long a broker sends its clients elsewhere before it ends
GOING = {"enableShutdownGracefully": "true", "shutdownWaitTimeSeconds": str(GOING_S)}


class Field:
    """A name server and two masters of Java's."""

    def __init__(self, cluster: Cluster, home: Path) -> None:
        self._cluster, self._home = cluster, home
        ports = {name: free_port(BROKER_PORTS) for name in "ab"}
        self.addrs = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        self._settings = {
            name: SETTINGS | {"brokerName": name, "listenPort": str(port)}
            for name, port in ports.items()
        }
        self._namesrv = cluster.start_namesrv(home / "namesrv", free_port())
        self.namesrv = self._namesrv.addr
        self._nodes: dict[str, Node] = {}
        for name in "ab":
            self.start_broker(name)

    def start_broker(self, name: str, more: dict[str, str] | None = None) -> None:
        home, settings = self._home / name, self._settings[name] | (more or {})
        self._nodes[name] = self._cluster.start_broker(home, self.namesrv, settings)

    def stop_broker(self, name: str) -> None:
        self._nodes[name].stop()

    def make_topics(self, peer: Peer) -> None:
        for topic, names in ((BOTH, "ab"), (ONLY_B, "b"), (DIVIDED, "ab")):
            for name in names:
                words = (
                    "-n",
                    self.namesrv,
                    "-b",
                    self.addrs[name],
                    "-t",
                    topic,
                    "-r",
                    "4",
                    "-w",
                    "4",
                )
                peer.mqadmin("updateTopic", *words)
            wait_until(partial(route_known, self.namesrv, topic), f"route of {topic}")

    def until_committed(self, topic: str, group: str) -> None:
        """Wait until a group has committed the end of each queue at both brokers.

        Clients commit 10 s after their start, then each 5 s; what they commit while a broker ends is lost
        to it.
        """
        for name, addr in self.addrs.items():
            for queue in range(4):
                said = f"{group} in queue {queue} of {name}"
                wait_until(partial(is_committed, addr, group, topic, queue), said, 20)

    @asynccontextmanager
    async def proxy(self) -> AsyncIterator[tuple[Proxy, str]]:
        """Put a proxy in front of the broker a, and a name server that leads to it."""
        proxy, port = Proxy(self.addrs["a"]), free_port()
        names = FlappingNameServer(route(self.addrs | {"a": f"127.0.0.1:{port}"}), [])
        async with trio.open_nursery() as nursery:
            await nursery.start(proxy.serve, "127.0.0.1", port)
            yield proxy, await nursery.start(names.serve)
            nursery.cancel_scope.cancel()

    # --- troubles: each makes one and returns when it was over

    async def kill(self) -> int:
        self._nodes["b"].kill()
        await trio.sleep(3)
        await trio.to_thread.run_sync(self.start_broker, "b")
        return now_ms()

    async def restart(self) -> int:
        await trio.to_thread.run_sync(self.stop_broker, "b")
        await trio.to_thread.run_sync(self.start_broker, "b")
        return now_ms()

    async def go_away(self) -> int:
        """End the broker b, which says GO_AWAY for some seconds, and start it again."""
        await self.restart()
        logs = sorted((self._home / "b" / "logs").rglob("remoting*.log"))
        assert any("GO_AWAY" in log.read_text(errors="replace") for log in logs), logs
        return now_ms()

    async def lose_name_server(self) -> int:
        self.kill_name_server()
        await trio.sleep(6)
        return await self.bring_name_server()

    def kill_name_server(self) -> None:
        self._namesrv.kill()

    async def bring_name_server(self) -> int:
        """Start it again, and wait until the brokers have found it."""
        await trio.to_thread.run_sync(self._start_namesrv)
        return now_ms()

    def _start_namesrv(self) -> None:
        port = int(self.namesrv.partition(":")[2])
        self._namesrv = self._cluster.start_namesrv(self._home / "namesrv", port)
        wait_until(partial(route_known, self.namesrv, ONLY_B), "the broker registered again")

    async def slow(self, proxy: Proxy) -> int:
        proxy.delay_s = SLOW_S
        await trio.sleep(8)
        proxy.delay_s = 0
        return now_ms()

    async def half_open(self, proxy: Proxy) -> int:
        assert proxy.forget() >= 2
        return now_ms()


@pytest.fixture(scope="module")
def field(
    cluster: Cluster, peers: dict[str, Peer], tmp_path_factory: pytest.TempPathFactory
) -> Field:
    made = Field(cluster, tmp_path_factory.mktemp("field"))
    made.make_topics(peers["JSON"])
    return made


async def test_a_broker_is_killed(field: Field, json_peer: Peer) -> None:
    trouble = Trouble("broker killed, back after some seconds", BOTH, "b", field.kill)
    await side_by_side(field.namesrv, trouble, json_peer)


@pytest.mark.only("5.5.0")  # the detector is of 5.1
async def test_a_detector_finds_a_broker_that_is_back(field: Field, json_peer: Peer) -> None:
    """With it a broker that can't be connected to is left alone until it has answered a question."""
    name = "broker killed, startDetectorEnable"
    trouble = Trouble(name, BOTH, "b", field.kill, 8, faults=True, detector=True)
    await side_by_side(field.namesrv, trouble, json_peer)


async def test_the_only_broker_restarts(field: Field, json_peer: Peer) -> None:
    trouble = Trouble("the only broker restarts", ONLY_B, "b", field.restart)
    await side_by_side(field.namesrv, trouble, json_peer)


@pytest.mark.only("5.5.0")  # the code is of 5.3.2
@pytest.mark.parametrize("topic", [BOTH, ONLY_B])
async def test_a_broker_sends_its_clients_away(field: Field, json_peer: Peer, topic: str) -> None:
    await trio.to_thread.run_sync(field.stop_broker, "b")
    await trio.to_thread.run_sync(field.start_broker, "b", GOING)
    name = "a broker goes away" if topic == BOTH else "the only broker goes away"
    await side_by_side(field.namesrv, Trouble(name, topic, "b", field.go_away), json_peer)


async def test_all_name_servers_are_down(field: Field, json_peer: Peer) -> None:
    trouble = Trouble("name server down, a known topic", ONLY_B, "b", field.lose_name_server)
    await side_by_side(field.namesrv, trouble, json_peer)


async def test_a_client_starts_while_all_name_servers_are_down(
    field: Field, json_peer: Peer
) -> None:
    field.kill_name_server()
    trouble = Trouble("name server down, a new client", ONLY_B, "b", field.bring_name_server)
    await side_by_side(field.namesrv, trouble, json_peer, before_s=5)


@pytest.mark.parametrize("faults", [False, True])
async def test_a_broker_is_slow(field: Field, json_peer: Peer, version: str, faults: bool) -> None:
    """Clients of 4.9 that are set to leave a slow broker alone do so for a minute."""
    async with field.proxy() as (proxy, namesrv):
        name, left_alone = (
            "slow broker" + ", sendLatencyFaultEnable" * faults,
            faults and version == "4.9.7",
        )
        slow = partial(field.slow, proxy)
        trouble = Trouble(name, BOTH, "a", slow, 8, faults=faults, left_alone=left_alone)
        await side_by_side(namesrv, trouble, json_peer)


async def test_connections_are_half_open(field: Field, json_peer: Peer) -> None:
    async with field.proxy() as (proxy, namesrv):
        trouble = Trouble("half-open connection", BOTH, "a", partial(field.half_open, proxy), 8)
        await side_by_side(namesrv, trouble, json_peer)


async def test_a_route_flaps(field: Field, json_peer: Peer) -> None:
    steady = route(field.addrs)
    only_a, only_b = (route({name: field.addrs[name]}) for name in "ab")
    others = [only_a, None, only_b, route(field.addrs, ["a", "b"]), route({}), steady]
    names = FlappingNameServer(steady, others)

    async def flap() -> int:
        await names.flap()
        return now_ms()

    async with trio.open_nursery() as nursery:
        namesrv = await nursery.start(names.serve)
        await side_by_side(namesrv, Trouble("flapping route", BOTH, "a", flap), json_peer)
        nursery.cancel_scope.cancel()


def is_committed(addr: str, group: str, topic: str, queue: int) -> bool:
    """Return whether a broker knows that a group has had all messages of a queue."""
    fields = {"topic": topic, "queueId": str(queue)}
    of_group = RemotingCommand(RequestCode.QUERY_CONSUMER_OFFSET, fields | {"consumerGroup": group})
    asked = of_group, RemotingCommand(RequestCode.GET_MAX_OFFSET, fields)
    committed, end = ((ask(addr, one).ext_fields or {}).get("offset") for one in asked)
    return committed is not None and committed == end


class Members:
    """Consumers of one group, ours or Java's, and what they got."""

    def __init__(self, namesrv: str, topic: str) -> None:
        self.group = f"members_{uuid.uuid4().hex[:8]}"
        self._namesrv, self._topic = namesrv, topic
        self._ours: list[Collector] = []
        self._javas: list[RunningConsumer] = []
        self._taken: list[dict[str, Any]] = []

    async def join(self, stack: AsyncExitStack) -> None:
        """Let one of ours join."""
        consumer = PushConsumer(
            self.group,
            namesrv_addr=self._namesrv,
            poll_name_server_interval=POLL_MS,
            consume_from_where="CONSUME_FROM_FIRST_OFFSET",
        )
        self._ours.append(collector := Collector())
        consumer.subscribe(self._topic, "*", collector)
        await stack.enter_async_context(consumer)

    async def join_java(self, stack: AsyncExitStack, peer: Peer) -> None:
        """Let one of Java's join."""
        consume = partial(peer.consume, self._namesrv, self._topic, group=self.group)
        self._javas.append(consumer := await trio.to_thread.run_sync(consume))
        stack.push_async_callback(trio.to_thread.run_sync, consumer.__exit__)

    async def received(self) -> list[dict[str, Any]]:
        for one in self._javas:
            self._taken += await trio.to_thread.run_sync(one.take, 100_000, 0.05)
        return [*self._taken, *(m for one in self._ours for m in one.received)]

    async def have(self, sent: list[dict[str, Any]], seconds: float) -> int:
        """Wait until each of these was consumed; return when the last of them was, in ms."""
        wanted = {one["keys"] for one in sent}
        with trio.fail_after(seconds):
            while True:
                came = [one for one in await self.received() if one["keys"] in wanted]
                if {one["keys"] for one in came} == wanted:
                    firsts: dict[str, int] = {}
                    for one in came:
                        at = one["consumed"]
                        firsts[one["keys"]] = min(at, firsts.get(one["keys"], at))
                    return max(firsts.values())
                await trio.sleep(0.2)


async def test_a_master_restarts_during_a_rebalance(field: Field, json_peer: Peer) -> None:
    """Every queue is read again, from where it was (apache/rocketmq #9830)."""
    ours, theirs = (Members(field.namesrv, DIVIDED) for _ in range(2))
    restarted = trio.Event()

    async def restart() -> None:
        await field.restart()
        restarted.set()

    async with trio.open_nursery() as nursery, AsyncExitStack() as stack:

        async def join() -> None:
            await ours.join(stack)
            await theirs.join_java(stack, json_peer)

        async def send(seed: int) -> list[dict[str, Any]]:
            words = field.namesrv, DIVIDED, 80, seed
            return await trio.to_thread.run_sync(lambda: json_peer.load(*words, threads=2).wait())

        await join()
        await join()
        first = await send(71)
        for members in (ours, theirs):
            await members.have(first, 60)
            await trio.to_thread.run_sync(field.until_committed, DIVIDED, members.group)
        from_ms = now_ms()
        nursery.start_soon(restart)
        await trio.sleep(1)
        await join()
        await restarted.wait()
        over_ms = now_ms()
        second = await send(72)
        assert {one["brokerName"] for one in second} == {"a", "b"}
        again: dict[str, int] = {}
        for name, group in (("rmqwire", ours), ("Java", theirs)):
            took = await group.have(second, 90) - over_ms
            came = await group.received()
            keys = {one["keys"] for one in first}
            old = sum(one["keys"] in keys and one["consumed"] >= from_ms for one in came)
            counts = Counter(one["keys"] for one in came)
            new = sum(counts[one["keys"]] - 1 for one in second)
            print(
                f"| master restarts in a rebalance | {name} | all of {len(second)} consumed "
                f"{took} ms after it was back | came again: {old} of before, {new} of afterwards",
                flush=True,
            )
            again[name] = old
        assert again == {"rmqwire": 0, "Java": 0}, "all of them were committed"
