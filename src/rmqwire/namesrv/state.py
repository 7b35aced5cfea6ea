"""What the name server's processors share (the data of Java's ``NamesrvController``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from rmqwire.namesrv.config import allowed_networks

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.clock import MonoMs
    from rmqwire.codec.release import Release
    from rmqwire.namesrv.config import NamesrvConfig
    from rmqwire.namesrv.kv_config import KVConfigManager
    from rmqwire.namesrv.route_info import RouteInfoManager


class NamesrvState(msgspec.Struct):
    """What the processors share; ``mono_ms`` is monotonic, the shell reads ``started_ms`` from it."""

    config: NamesrvConfig
    routes: RouteInfoManager
    kv: KVConfigManager
    release: Release
    mono_ms: MonoMs
    save_config: Callable[[str], None]
    started_ms: int = 0
    networks: list[Any] = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        self.networks = allowed_networks(self.config)
