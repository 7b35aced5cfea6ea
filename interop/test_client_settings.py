"""Settings of our clients that no other scenario has, at Java's servers. ``-m optin``."""

from __future__ import annotations

import re
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trio

from interop.listeners import Collector
from interop.peer import Peer
from interop.processes import wait_until
from interop.replication import Servers, await_sync, broker
from interop.stores import tables
from interop.test_shared_client import Line
from interop.wire import broker_addr, route_known
from rmqwire import (
    Client,
    LitePullConsumer,
    Message,
    MessageQueue,
    OffsetStore,
    Producer,
    PushConsumer,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.release import release_named
from rmqwire.remoting.client import RemotingClient

pytestmark = [pytest.mark.optin, pytest.mark.timeout(200)]
PULLS = {RequestCode.PULL_MESSAGE, RequestCode.LITE_PULL_MESSAGE}


def settings(namesrv: str, version: str) -> dict[str, Any]:
    return {"namesrv_addr": namesrv, "release": release_named(version)}


async def test_a_producer_that_is_warmed_up_is_known_before_its_first_send(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    group = f"warm_{uuid.uuid4().hex[:8]}"
    words = ("producerConnection", "-n", java_namesrv, "-g", group, "-t", topic)
    for topics in (None, [topic]):
        async with Producer(group, topics=topics, **settings(java_namesrv, version)) as producer:
            shown = await trio.to_thread.run_sync(json_peer.mqadmin, *words)
            assert (producer.client_id in shown) == (topics is not None), shown


@contextmanager
def address_server(answers: dict[str, str]) -> Iterator[str]:
    """A web server that answers paths, and the address that it listens at."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write((found or "").encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


async def test_a_client_of_a_unit_finds_its_servers_and_sends_to_the_vip_port(
    java_namesrv: str, version: str, json_peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Java's broker makes the topics of a unit's clients with flags of their own."""
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    name = uuid.uuid4().hex[:8]
    topic, group, maker = f"unit_{name}", f"unit_group_{name}", f"unit_maker_{name}"
    host, _, port = broker_addr(java_namesrv, "java-a").rpartition(":")
    line, collector = Line(), Collector(failures=1)
    admin = partial(trio.to_thread.run_sync, json_peer.mqadmin)

    async def flags(of: str) -> set[str]:
        told = await admin("topicRoute", "-n", java_namesrv, "-t", of)
        return set(re.findall(r'"topicSys[fF]lag":\s*(\d+)', told))

    with address_server({"/rocketmq/nsaddr-u?nofix=1": java_namesrv}) as web:
        async with (
            Client(
                address_server=web,
                unit_name="u",
                unit_mode=True,
                vip_channel_enabled=True,
                namespace_v2=None if version == "4.9.7" else "second",
                poll_name_server_interval=1_000,
                heartbeat_broker_interval=1_000,
                release=release_named(version),
                remoting=line.remoting,
            ) as client,
            Producer(maker, client=client) as producer,
            PushConsumer(
                group, client=client, consume_from_where="CONSUME_FROM_FIRST_OFFSET"
            ) as consumer,
        ):
            for number in range(4):
                await producer.send(Message(topic, b"%d" % number))
            assert len(line.taps[f"{host}:{int(port) - 2}"]) == 1
            consumer.subscribe(topic, "*", collector)
            received = await collector.take(8)
            assert sorted(m["reconsumeTimes"] for m in received) == [0] * 4 + [1] * 4
            assert client.client_id.endswith("@u")
            told = await admin("producerConnection", "-n", java_namesrv, "-g", maker, "-t", topic)
            assert client.client_id in told, told
            assert await flags(topic) == {"1"}
            assert await flags(f"%RETRY%{group}") == {"2"}


class OwnStore(OffsetStore):
    """Offsets in a dictionary, beside what the program makes of the messages."""

    def __init__(self, kept: dict[MessageQueue, int]) -> None:
        super().__init__()
        self.kept = kept

    async def load(self) -> None:
        """Nothing to load."""

    async def read_from_store(self, queue: MessageQueue) -> int:
        if (offset := self.kept.get(queue, -1)) >= 0:
            self.update(queue, offset)
        return offset

    async def persist(self, queue: MessageQueue) -> None:
        self.kept[queue] = self.get(queue)

    async def store(self, queue: MessageQueue, offset: int) -> None:
        self.kept[queue] = offset

    async def persist_all(self, queues: Any) -> None:
        self.kept |= {queue: at for queue, at in self.of_topic().items() if queue in queues}


async def test_a_group_goes_on_from_offsets_of_its_own(
    java_namesrv: str, version: str, json_peer: Peer, topic: str
) -> None:
    """Whatever Java's broker knows: its own of the group come with the pulls, as those of Java's consumers do."""
    sent = json_peer.produce(java_namesrv, topic, 10, queue=0, seed=1)
    group = f"own_{uuid.uuid4().hex[:8]}"
    queue = MessageQueue(topic, sent[0]["brokerName"], 0)
    kept: dict[MessageQueue, int] = {}

    def consumer(collector: Collector) -> PushConsumer:
        made = PushConsumer(
            group,
            offset_store=OwnStore(kept),
            consume_from_where="CONSUME_FROM_FIRST_OFFSET",
            **settings(java_namesrv, version),
        )
        made.subscribe(topic, "*", collector)
        return made

    for begin, end in ((4, 10), (10, 12), (0, 14)):
        kept[queue] = begin
        collector = Collector()
        async with consumer(collector):
            await collector.take(end - begin)
        assert len(collector.received) == end - begin
        assert kept[queue] == end
        json_peer.produce(java_namesrv, topic, 2, queue=0, seed=end)


async def test_the_member_that_is_chosen_is_read_from(
    servers: Servers,
    version: str,
    json_peer: Peer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each pull goes to the slave of id 1, though the master is there and says nothing of it."""
    namesrv = servers.namesrv("java", tmp_path / "namesrv").addr
    master = servers.broker("java", tmp_path / "master", namesrv, broker("m", "ASYNC_MASTER"))
    words = ("-n", namesrv, "-b", master.addr, "-t", "chosen", "-r", "2", "-w", "2")
    json_peer.mqadmin("updateTopic", *words)
    wait_until(lambda: route_known(namesrv, "chosen"), "route of chosen")
    slave = servers.broker("java", tmp_path / "slave", namesrv, broker("m", "SLAVE"))
    store = tmp_path / "slave" / "store"
    wait_until(lambda: "chosen" in str(tables(store).get("topics")), "the slave knows it", 90)
    json_peer.produce(namesrv, "chosen", 20, seed=1)
    await trio.to_thread.run_sync(await_sync, master, slave, "the slave in sync")
    asked = pulls_of(monkeypatch)
    for chosen, addr in ((None, master.addr), (1, slave.addr)):
        config: dict[str, Any] = settings(namesrv, version)
        if chosen is not None:
            config |= {"connect_broker_by_user": True, "default_broker_id": chosen}
        asked.clear()
        got = 0
        async with LitePullConsumer(
            f"chosen_{uuid.uuid4().hex[:8]}",
            consume_from_where="CONSUME_FROM_FIRST_OFFSET",
            **config,
        ) as consumer:
            consumer.subscribe("chosen", "*")
            with trio.fail_after(30):
                while got < 20:
                    got += len(await consumer.poll(1_000))
        assert set(asked) == {addr}, (asked, master.addr, slave.addr)


def pulls_of(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count by address the pulls that our clients send from now on."""
    asked: Counter[str] = Counter()
    invoke = RemotingClient.invoke

    async def counted(
        self: RemotingClient, addr: str, command: Any, *more: Any, **named: Any
    ) -> Any:
        if command.code in PULLS:
            asked[addr] += 1
        return await invoke(self, addr, command, *more, **named)

    monkeypatch.setattr(RemotingClient, "invoke", counted)
    return asked
