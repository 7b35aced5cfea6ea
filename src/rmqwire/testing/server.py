"""A name server and a broker in this event loop, on ports of their own, with files in memory."""

from __future__ import annotations

import random
import socket
from typing import TYPE_CHECKING, TypeVar

import trio

from rmqwire.broker.broker import Broker
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.errors import UsageError
from rmqwire.namesrv.config import NamesrvConfig
from rmqwire.namesrv.server import NameServer
from rmqwire.testing.failures import Failures
from rmqwire.testing.memory_files import MemoryFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rmqwire.clock import MonoMs, WallMs

T = TypeVar("T")

HOST = "127.0.0.1"
SETTINGS = {
    "brokerName": "broker-a",
    "bindAddress": HOST,
    "brokerIP1": HOST,
    "brokerIP2": HOST,
    "storePathRootDir": "/store",
    "mappedFileSizeCommitLog": str(16 << 20),
    "mappedFileSizeConsumeQueue": "20000",
    "maxHashSlotNum": "1000",
    "maxIndexNum": "4000",
    "serverChannelMaxIdleTimeSeconds": "86400",  # connections outlive a clock that is turned
    "brokerFastFailureEnable": "false",  # a debugger may stop the process
}
PORTS = (20_000, 32_000)  # below those that the kernel gives away


class EmbeddedServer:
    """Start, stop and hurt one name server with one broker.

    Args:
        nursery: where they run.
        release: as which release of RocketMQ.
        settings: further keys of ``broker.conf``.
        wall_ms: the broker's time of day.
        mono_ms: the broker's clock of leases and waits.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        release: str,
        settings: Mapping[str, str],
        wall_ms: WallMs,
        mono_ms: MonoMs,
    ) -> None:
        self.failures = Failures()
        self.namesrv_addr = ""
        self._nursery = nursery
        self._release = release
        self._settings = settings
        self._wall_ms = wall_ms
        self._mono_ms = mono_ms
        self._files = MemoryFiles()
        self._port = free_ports()
        self._broker: Broker | None = None
        self._scope = trio.CancelScope()
        self._stopped = trio.Event()

    @property
    def running(self) -> bool:
        """Whether the broker runs."""
        return self._broker is not None

    async def start_all(self) -> None:
        """Start the name server, then the broker."""
        config = NamesrvConfig(
            listen_port=0,
            bind_address=HOST,
            kv_config_path="/kvConfig.json",
            config_store_path="/namesrv.properties",
            rocketmq_version=self._release,
            server_channel_max_idle_time_seconds=86_400,
        )
        files = MemoryFiles()
        files.makedirs("/")
        host, port = await self._nursery.start(NameServer(config, files=files).serve)
        self.namesrv_addr = f"{host}:{port}"
        await self.start()

    async def start(self) -> None:
        """Start the broker at its ports, on the files that the last one left.

        Raises:
            UsageError: it runs.
        """
        if self._broker is not None:
            raise UsageError("the broker runs already")
        keys = {
            **SETTINGS,
            "rocketmqVersion": self._release,
            "listenPort": str(self._port),
            "namesrvAddr": self.namesrv_addr,
            **self._settings,
        }
        self._broker = Broker(
            load_broker_config(None, keys),
            files=self._files,
            wall_ms=self._wall_ms,
            mono_ms=self._mono_ms,
            hooks=[self.failures],
            in_thread=_at_once,
        )
        self._scope, self._stopped = trio.CancelScope(), trio.Event()
        await self._nursery.start(self._serve, self._broker)

    async def _serve(self, broker: Broker, *, task_status: trio.TaskStatus[object]) -> None:
        try:
            with self._scope:
                await broker.serve(task_status=task_status)
        finally:
            self._broker = None
            self._stopped.set()

    async def stop(self) -> None:
        """Stop the broker in order; nothing happens when it doesn't run."""
        if self._broker is not None:
            self._scope.cancel()
            await self._stopped.wait()

    async def kill(self) -> None:
        """End the broker as ``kill -9`` does: what it would still say and write is lost."""
        disk = self._files.copy()
        self.drop_connections()
        await self.stop()
        self._files = disk

    def drop_connections(self) -> None:
        """Close all connections of the broker, whatever they wait for."""
        for connection in self._broker.connections if self._broker is not None else ():
            connection.close("a test wants it")


def free_ports() -> int:
    """Return a port that is free together with its VIP port (2 below) and its HA port (1 above)."""
    while True:
        port = random.randrange(*PORTS)
        if all(_is_free(one) for one in (port - 2, port, port + 1)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


async def _at_once(function: Callable[[], T]) -> T:
    """Run what others run in a thread: nothing waits for a disk here.

    An autojump clock doesn't see threads, and would let the time of who waits for one run out.
    """
    await trio.lowlevel.checkpoint()
    return function()
