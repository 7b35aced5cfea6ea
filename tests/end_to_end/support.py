"""A real name server and broker on free ports in this process, and raw TCP to speak to them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from rmqwire.broker.broker import Broker
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V5_5_0, Release
from rmqwire.namesrv.config import NamesrvConfig
from rmqwire.namesrv.server import NameServer
from tests.support import requests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOST = "127.0.0.1"
PATIENCE_S = 10.0
SMALL = {
    "mappedFileSizeCommitLog": str(8 << 20),
    "mappedFileSizeConsumeQueue": "20000",
    "maxHashSlotNum": "1000",
    "maxIndexNum": "4000",
    "waitTimeMillsInSendQueue": "10000",  # the machine may be busy with other tests
}


class Wire:
    """One TCP connection, spoken to in bytes or in commands."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._data = b""

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def frame(self) -> bytes | None:
        """Return the next whole frame, None when the server has closed."""
        with trio.fail_after(PATIENCE_S):
            while len(self._data) < 4 or len(self._data) < self._size():
                try:
                    data = await self.stream.receive_some()
                except trio.BrokenResourceError:  # it closed with our bytes unread: a reset
                    return None
                if not data:
                    return None
                self._data += data
        frame, self._data = self._data[: self._size()], self._data[self._size() :]
        return frame

    def _size(self) -> int:
        return 4 + int.from_bytes(self._data[:4], "big")

    async def call(self, command: RemotingCommand) -> RemotingCommand:
        """Send a request and give the next answer."""
        await self.send(encode_command(command))
        frame = await self.frame()
        assert frame is not None, f"closed instead of answering {command}"
        answer = decode_command(frame)
        assert answer.opaque == command.opaque
        return answer


@dataclass
class Cluster:
    """A running name server and broker."""

    namesrv: tuple[str, int]
    broker: tuple[str, int]
    server: Broker

    @property
    def namesrv_addr(self) -> str:
        return f"{self.namesrv[0]}:{self.namesrv[1]}"

    @asynccontextmanager
    async def wire(self, address: tuple[str, int] | None = None) -> AsyncIterator[Wire]:
        """Connect to the broker, or to another address."""
        stream = await trio.open_tcp_stream(*(address or self.broker))
        try:
            yield Wire(stream)
        finally:
            await trio.aclose_forcefully(stream)


@asynccontextmanager
async def cluster(
    folder: Path, release: Release = V5_5_0, **settings: str
) -> AsyncIterator[Cluster]:
    """Run both; settings are the broker's, under Java's keys."""
    async with trio.open_nursery() as nursery:
        config = NamesrvConfig(
            listen_port=0,
            bind_address=HOST,
            kv_config_path=str(folder / "kvConfig.json"),
            config_store_path=str(folder / "namesrv.properties"),
            rocketmq_version=release.name,
        )
        namesrv = await nursery.start(NameServer(config).serve)
        fixed = {
            "brokerName": "broker-a",
            "listenPort": "0",
            "bindAddress": HOST,
            "brokerIP1": HOST,
            "namesrvAddr": f"{namesrv[0]}:{namesrv[1]}",
            "storePathRootDir": str(folder / "store"),
            "rocketmqVersion": release.name,
        }
        broker = Broker(load_broker_config(None, fixed | SMALL | settings))
        addresses = await nursery.start(broker.serve)
        here = Cluster(namesrv, addresses.listen, broker)
        await _registered(here)
        yield here
        nursery.cancel_scope.cancel()


async def _registered(here: Cluster) -> None:
    """Wait until the name server knows the broker."""
    question = RemotingCommand(105, {"topic": "SELF_TEST_TOPIC"})
    async with here.wire(here.namesrv) as wire:
        with trio.fail_after(PATIENCE_S):
            while (await wire.call(question)).code:  # noqa: ASYNC110  it registers by itself
                await trio.sleep(0.01)


async def healthy(wire: Wire, topic: str = "Healthy") -> None:
    """Send a message and read it back, on a connection that was there before."""
    body = b"still well"
    answer = await wire.call(requests.send(topic, body))
    assert answer.code == 0, answer.remark
    answer = await wire.call(requests.pull(topic, int(answer.ext_fields["queueOffset"])))
    assert answer.code == 0, answer.remark
    assert [message.body for message in iter_messages(answer.body)] == [body]


def tracebacks(caplog) -> list[str]:
    """Return the log lines that a bug would leave."""
    return [
        f"{record.name}: {record.getMessage()} {record.exc_info}"
        for record in caplog.records
        if record.exc_info or record.levelname in {"ERROR", "CRITICAL"}
    ]
