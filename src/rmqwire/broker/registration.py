"""Be known to the name servers for as long as the broker may be used (``registerBrokerAll``'s timer).

There is one task for each name server of the configuration, which may change while the broker runs.
A broker that takes no more messages leaves them: producers go elsewhere, clients that are connected
can still pull.

A new or changed topic is told alone (``registerIncrementBrokerData``, ``registerSingleTopicAll``), and
the answer to the request that made it waits until the name servers have it, as in Java: whoever
is told that a topic exists finds its route. A name server that can't be told so is told everything.
"""

from __future__ import annotations

import logging
import math
from functools import partial
from typing import TYPE_CHECKING

import trio

from rmqwire.errors import ConfigError
from rmqwire.remoting.address_server import FIRST_S, address_url, fetch_addresses
from rmqwire.wakeup import Waiting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from rmqwire.broker.peers.outer_api import BrokerOuterAPI
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.broker.state import BrokerState

logger = logging.getLogger(__name__)
FIRST_RETRY_S = 1.0  # a failed registration is tried again after this, doubling up to the period
NO_MASTER_RETRY_S = 2.0  # how often a slave without a master asks the name servers
UNREGISTER_S = 3.0
# How long an answer waits for name servers; Java lets it wait for registerBrokerTimeoutMills (24 s).
TOLD_S = 3.0
MOST_SINGLE_TOPICS = 16  # more that change at once are told as the whole table


class _News:
    """What a name server hasn't been told yet.

    Attributes:
        topics: their names, in the order of change.
        everything: all topics and the broker itself.
        wanted: there is something to tell.
        told: the name server was told, or couldn't be.
    """

    def __init__(self) -> None:
        self.topics: dict[str, None] = {}
        self.everything = False
        self.wanted = trio.Event()
        self.told = trio.Event()

    def add(self, topics: Collection[str]) -> None:
        self.topics |= dict.fromkeys(topics)
        self.everything |= not topics or len(self.topics) > MOST_SINGLE_TOPICS
        self.wanted.set()


class _NameServer:
    """One name server of a broker: what it is to be told, and the end of its task."""

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.news = _News()

    def take(self) -> _News:
        taken, self.news = self.news, _News()
        return taken

    def end(self) -> None:
        self.scope.cancel()
        self.news.told.set()


class Registration:
    """The registrations of one broker.

    Attributes:
        held_for: what the answers to the requests just handled wait for; empty: for nothing.
    """

    def __init__(self) -> None:
        self._changed = trio.Event()
        self._servers: dict[str, _NameServer] = {}
        self.held_for: list[trio.Event] = []

    def soon(self, topics: Collection[str] = ()) -> None:
        """Register at once.

        Args:
            topics: only these have changed; none: everything is told.
        """
        for server in self._servers.values():
            server.news.add(topics)
        if topics:
            self.held_for = [server.news.told for server in self._servers.values()]
        else:
            self._changed.set()
            self._changed = trio.Event()

    def take_barrier(self) -> Awaitable[None] | None:
        """Return what the answers to the requests just handled must wait for."""
        held_for, self.held_for = self.held_for, []
        return Waiting(partial(_all_of, held_for)) if held_for else None

    async def keep(self, api: BrokerOuterAPI, state: BrokerState) -> None:
        """Register until cancelled.

        Args:
            api: speaks to the name servers.
            state: the broker.
        """
        servers = self._servers
        config, store = state.config, state.store
        async with trio.open_nursery() as nursery:
            while True:
                changed = self._changed
                leaving = store.health.broken and not store.read_only_from_start
                wanted = [] if leaving else config.namesrv_addresses()
                registered = bool(servers)
                for addr in [addr for addr in servers if addr not in wanted]:
                    servers.pop(addr).end()
                if leaving and registered:
                    await self.leave(api, state)
                for addr in wanted:
                    if addr not in servers:
                        servers[addr] = _NameServer()
                        servers[addr].news.add(())
                        nursery.start_soon(self._keep_at, addr, servers[addr], api, state)
                with trio.move_on_after(config.register_name_server_period / 1000):
                    await changed.wait()

    async def _keep_at(
        self, addr: str, server: _NameServer, api: BrokerOuterAPI, state: BrokerState
    ) -> None:
        """Register at one name server each period, and at once what changed.

        Topics that are told alone don't put the next registration off: it says that the broker lives.
        """
        config = state.config
        with server.scope:
            registered, retry_s, due = False, FIRST_RETRY_S, -math.inf
            while True:
                news = server.take()
                try:
                    if registered and news.topics and not news.everything:
                        registered = await api.register_topics(addr, news.topics)
                    if not registered or news.everything or trio.current_time() >= due:
                        force = not registered or news.everything or config.force_register
                        registered = await api.register(addr, force=force)
                        due = trio.current_time() + config.register_name_server_period / 1000
                finally:
                    news.told.set()
                if registered:
                    retry_s = FIRST_RETRY_S
                    if _lacks_master(state):
                        due = min(due, trio.current_time() + NO_MASTER_RETRY_S)
                else:
                    due = min(due, trio.current_time() + retry_s)
                    retry_s *= 2
                with trio.move_on_at(due):
                    await server.news.wanted.wait()

    async def look_up(
        self, config: BrokerConfig, fetch: Callable[[str], Awaitable[str]] | None = None
    ) -> None:
        """Take the name servers that an address server names, until cancelled (``fetchNameServerAddr``).

        Args:
            config: where to ask, how often, and what was told.
            fetch: asks a URL; None: over the network.
        """
        url = address_url(config.rmq_address_server_domain, config.rmq_address_server_sub_group)
        wait_s = FIRST_S
        while True:
            await trio.sleep(wait_s)
            wait_s = config.fetch_namesrv_addr_interval / 1000
            try:
                told = await (fetch or _fetch)(url)
            except (OSError, ConfigError) as error:
                logger.warning("no name servers from %s: %s", url, error)
                continue
            if told != config.namesrv_addr:
                logger.info("the name servers are %s, says %s", told, url)
                config.namesrv_addr = told
                self.soon()

    async def leave(self, api: BrokerOuterAPI, state: BrokerState) -> None:
        """Leave all name servers, as far as they answer in time."""
        with trio.move_on_after(UNREGISTER_S):
            async with trio.open_nursery() as nursery:
                for addr in state.config.namesrv_addresses():
                    nursery.start_soon(api.unregister, addr)


async def _fetch(url: str) -> str:
    return await trio.to_thread.run_sync(fetch_addresses, url, abandon_on_cancel=True)


async def _all_of(events: list[trio.Event]) -> None:
    with trio.move_on_after(TOLD_S):
        for event in events:
            await event.wait()


def _lacks_master(state: BrokerState) -> bool:
    client = state.replication.client
    return client is not None and client.master is None
