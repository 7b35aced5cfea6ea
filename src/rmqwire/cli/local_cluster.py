"""A name server and a broker in this process, on loopback, their data in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from rmqwire.broker.broker import Broker, BrokerAddresses
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.cli.namesrv import read_namesrv_config
from rmqwire.namesrv.server import NameServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rmqwire.broker.settings.values import LoadedConfig
    from rmqwire.namesrv.config import NamesrvConfig

HOST = "127.0.0.1"
MAPPED_FILE_SIZE = 64 * 1024 * 1024  # bytes; Java's 1 GiB is much for trying things out


@dataclass(slots=True)
class LocalCluster:
    """What runs: where to find it and where its data lies."""

    namesrv: tuple[str, int]
    broker: BrokerAddresses
    loaded: LoadedConfig
    data: Path
    names: NamesrvConfig

    @property
    def namesrv_addr(self) -> str:
        """``host:port`` of the name server."""
        return f"{self.namesrv[0]}:{self.namesrv[1]}"


@dataclass(slots=True)
class LocalSettings:
    """What the user may choose of it; ports of 0 are free ones."""

    data: Path
    namesrv_port: int = 0
    broker_port: int = 0
    config_file: str | None = None

    def broker_overrides(self, namesrv_addr: str) -> Mapping[str, str]:
        """Return the broker's settings under Java's keys."""
        settings = {
            "brokerIP1": HOST,
            "brokerIP2": HOST,
            "bindAddress": HOST,
            "listenPort": str(self.broker_port),
            "namesrvAddr": namesrv_addr,
            "storePathRootDir": str(self.data / "store"),
        }
        if self.config_file is None:
            settings["brokerName"] = "broker-a"
            settings["mappedFileSizeCommitLog"] = str(MAPPED_FILE_SIZE)
        return settings


async def serve_local_cluster(
    settings: LocalSettings,
    *,
    task_status: trio.TaskStatus[LocalCluster] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run both until cancelled; the name server outlives the broker, which unregisters there.

    Raises:
        ConfigError: a setting can't be used.
        OSError: a port is in use, or the folder can't be made.
        StoreError: the store can't be used.
    """
    data = settings.data.absolute()
    settings.data = data
    data.mkdir(parents=True, exist_ok=True)
    config = read_namesrv_config(None, data)
    config.bind_address, config.listen_port = HOST, settings.namesrv_port
    async with trio.open_nursery() as nursery:
        scope = trio.CancelScope(shield=True)
        address = await nursery.start(_serve_within, scope, NameServer(config))
        try:
            addr = f"{HOST}:{address[1]}"
            loaded = load_broker_config(settings.config_file, settings.broker_overrides(addr))
            async with trio.open_nursery() as inner:
                broker = await inner.start(Broker(loaded).serve)
                task_status.started(LocalCluster(address, broker, loaded, data, config))
        finally:
            scope.cancel()


async def _serve_within(
    scope: trio.CancelScope,
    server: NameServer,
    *,
    task_status: trio.TaskStatus[tuple[str, int]],
) -> None:
    with scope:
        await server.serve(task_status=task_status)
