"""One client that several producers and consumers use (Java's shared ``MQClientInstance``).

::

    async with (
        Client("127.0.0.1:9876") as client,
        Producer("writers", client=client) as producer,
        PushConsumer("readers", client=client) as consumer,
    ):
        ...

Java finds the instance of a client id in a hidden table; here it is passed on. A producer or
consumer without ``client=`` makes one of its own.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from rmqwire import clock
from rmqwire.client.config import ClientConfig, ClientOptions, make_config
from rmqwire.client.instance import ClientInstance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager
    from random import Random
    from types import TracebackType
    from typing import Unpack

    from rmqwire.client.instance import RemotingFactory
    from rmqwire.clock import WallMs


class Client:
    """Connections, routes and heartbeats for any number of producers and consumers.

    Use it as ``async with`` around theirs. There is one connection to each broker, and one
    heartbeat tells a broker of all groups. Settings of the connection are set here, those of a
    producer or a consumer there.

    Args:
        namesrv_addr: name servers, ``host:port`` joined by ``;``; None reads the environment
            variable NAMESRV_ADDR.
        config: settings as keywords, see ``ClientConfig``.
        remoting: opens what carries the requests; None for real connections.
        wall_ms: the wall clock, ms since the epoch.
        rng: choices that only spread load.

    Raises:
        UsageError: a bad setting, or no usable name server address.
    """

    def __init__(
        self,
        namesrv_addr: str | None = None,
        /,
        *,
        remoting: RemotingFactory | None = None,
        wall_ms: WallMs = clock.wall_ms,
        rng: Random | None = None,
        **config: Unpack[ClientOptions],
    ) -> None:
        self.config = make_config(ClientConfig, {"namesrv_addr": namesrv_addr, **config})
        self.instance = ClientInstance(self.config, remoting=remoting, wall_ms=wall_ms, rng=rng)

    @property
    def client_id(self) -> str:
        """The id brokers know this client by."""
        return self.instance.client_id

    async def __aenter__(self) -> Self:
        await self.instance.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Close the connections; what uses them is closed before."""
        return await self.instance.__aexit__(kind, error, traceback)


C = TypeVar("C", bound=ClientConfig)


class ClientUse(Generic[C]):
    """What one producer or consumer has of a client: a shared one, or one of its own.

    Args:
        cls: of its configuration.
        settings: its keywords.
        client: the shared one; None makes an own one of what follows.
        remoting: opens what carries the requests.
        wall_ms: the wall clock, ms since the epoch.
        rng: choices that only spread load.

    Attributes:
        config: its settings, those of the connection included.
        instance: the instance to register at.
        opening: to be entered before and left after all else.

    Raises:
        UsageError: a bad setting, or one that a shared client has.
    """

    def __init__(
        self,
        cls: type[C],
        settings: Mapping[str, object],
        client: Client | None,
        remoting: RemotingFactory | None,
        wall_ms: WallMs,
        rng: Random | None,
    ) -> None:
        self.opening: AbstractAsyncContextManager[object]
        if client is not None:
            self.config = make_config(cls, settings, client.config)
            self.instance = client.instance
            self.opening = nullcontext()
        else:
            self.config = make_config(cls, settings)
            self.instance = ClientInstance(self.config, remoting=remoting, wall_ms=wall_ms, rng=rng)
            self.opening = self.instance
