"""Two producers and three consumers in one program, as a Java broker sees them."""

from __future__ import annotations

import re
from collections.abc import Callable

import trio

from interop.listeners import Collector
from interop.peer import Peer
from interop.wire import broker_addr
from rmqwire import Client, Message, Producer, PushConsumer
from rmqwire.codec.bodies import HeartbeatData
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import decode_command
from rmqwire.codec.release import release_named
from rmqwire.remoting.client import RemotingClient, connect_tcp
from rmqwire.remoting.dispatch import HandlerTable

HEARTBEAT_S = 2
PERIODS = 4


class Tap(trio.abc.Stream):
    """A connection whose outgoing bytes are kept."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.sent = bytearray()

    async def send_all(self, data: bytes) -> None:
        self.sent += data
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def heartbeats(self, start: int = 0) -> list[HeartbeatData]:
        """Return the heartbeats among the frames that begin at ``start`` or later."""
        found, at = [], 0
        while at < len(self.sent):
            end = at + 4 + int.from_bytes(self.sent[at : at + 4], "big")
            if at >= start:
                command = decode_command(bytes(self.sent[at:end]))
                if command.code == RequestCode.HEART_BEAT:
                    found.append(HeartbeatData.decode(bytes(command.body)))
            at = end
        return found


class Line:
    """Opens connections and remembers them by address."""

    def __init__(self) -> None:
        self.taps: dict[str, list[Tap]] = {}

    async def connect(self, host: str, port: int) -> trio.abc.Stream:
        tap = Tap(await connect_tcp(host, port))
        self.taps.setdefault(f"{host}:{port}", []).append(tap)
        return tap

    def remoting(self, handlers: HandlerTable, connected: Callable[[str], None]) -> RemotingClient:
        return RemotingClient(handlers, connect=self.connect, on_connect=connected)


def connections(listing: str) -> set[tuple[str, str]]:
    """Return (client id, address) of each connection that mqadmin printed."""
    return set(re.findall(r"(\S+@\S+)\s+(\d+\.\d+\.\d+\.\d+:\d+)", listing))


async def test_a_java_broker_sees_one_connection_and_one_heartbeat(
    java_namesrv: str, version: str, serialize: str, json_peer: Peer, topic: str
) -> None:
    groups = [f"{topic}_c{number}" for number in range(3)]
    makers = [f"{topic}_p{number}" for number in range(2)]
    seen = {group: Collector() for group in groups}
    line = Line()

    def subscribed(group: str) -> PushConsumer:
        consumer = PushConsumer(
            group, client=shared, consume_from_where="CONSUME_FROM_FIRST_OFFSET"
        )
        consumer.subscribe(topic, "*", seen[group])
        return consumer

    shared = Client(
        java_namesrv,
        serialize_type=serialize,
        release=release_named(version),
        heartbeat_broker_interval=HEARTBEAT_S * 1000,
        remoting=line.remoting,
    )
    async with (
        shared,
        Producer(makers[0], client=shared) as one,
        Producer(makers[1], client=shared) as two,
        subscribed(groups[0]),
        subscribed(groups[1]),
        subscribed(groups[2]),
    ):
        await one.send(Message(topic, b"1"))
        await two.send(Message(topic, b"2"))
        for collector in seen.values():
            got = await collector.take(2)
            assert sorted(message["body"] for message in got) == [b"1".hex(), b"2".hex()]
        await trio.sleep(3)  # the rebalances that new members caused are over
        (tap,) = line.taps[broker_addr(java_namesrv, "java-a")]
        start = len(tap.sent)
        await trio.sleep(HEARTBEAT_S * PERIODS)
        beats = tap.heartbeats(start)
        known = set()
        for group in groups:
            known |= connections(
                json_peer.mqadmin("consumerConnection", "-n", java_namesrv, "-g", group)
            )
        for group in makers:
            words = ("-n", java_namesrv, "-g", group, "-t", topic)
            known |= connections(json_peer.mqadmin("producerConnection", *words))
    assert {client_id for client_id, _ in known} == {shared.client_id}
    assert len(known) == 1, known
    print(f"connections to the broker 1, heartbeats in {PERIODS} periods {len(beats)}: {known}")
    assert PERIODS - 1 <= len(beats) <= PERIODS + 1
    for beat in beats:
        assert sorted(data.group_name for data in beat.producer_data_set) == makers
        assert sorted(data.group_name for data in beat.consumer_data_set) == groups
