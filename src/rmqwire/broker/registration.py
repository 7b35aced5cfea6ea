"""Be known to the name servers for as long as the broker may be used (``registerBrokerAll``'s timer).

There is one task for each name server of the configuration, which may change while the broker runs.
A broker that takes no more messages leaves them: producers go elsewhere, clients that are connected
can still pull.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from rmqwire.broker.peers.outer_api import BrokerOuterAPI
    from rmqwire.broker.state import BrokerState

FIRST_RETRY_S = 1.0  # a failed registration is tried again after this, doubling up to the period
NO_MASTER_RETRY_S = 2.0  # how often a slave without a master asks the name servers
UNREGISTER_S = 3.0


class Registration:
    """The registrations of one broker."""

    def __init__(self) -> None:
        self._changed = trio.Event()

    def soon(self) -> None:
        """Register at once: a topic changed, or the store broke."""
        self._changed.set()
        self._changed = trio.Event()

    async def keep(self, api: BrokerOuterAPI, state: BrokerState) -> None:
        """Register until cancelled.

        Args:
            api: speaks to the name servers.
            state: the broker.
        """
        scopes: dict[str, trio.CancelScope] = {}
        config, store = state.config, state.store
        async with trio.open_nursery() as nursery:
            while True:
                changed = self._changed
                leaving = store.health.broken and not store.read_only_from_start
                wanted = [] if leaving else config.namesrv_addresses()
                registered = bool(scopes)
                for addr in [addr for addr in scopes if addr not in wanted]:
                    scopes.pop(addr).cancel()
                if leaving and registered:
                    await self.leave(api, state)
                for addr in wanted:
                    if addr not in scopes:
                        scopes[addr] = trio.CancelScope()
                        nursery.start_soon(self._keep_at, addr, scopes[addr], api, state)
                with trio.move_on_after(config.register_name_server_period / 1000):
                    await changed.wait()

    async def _keep_at(
        self, addr: str, scope: trio.CancelScope, api: BrokerOuterAPI, state: BrokerState
    ) -> None:
        """Register at one name server each period, and at once when a topic changed."""
        config = state.config
        with scope:
            force, retry_s = True, FIRST_RETRY_S
            while True:
                changed = self._changed
                registered = await api.register(addr, force=force or config.force_register)
                wait_s = config.register_name_server_period / 1000
                if registered and _lacks_master(state):
                    wait_s = NO_MASTER_RETRY_S
                if registered:
                    retry_s = FIRST_RETRY_S
                else:
                    wait_s = min(wait_s, retry_s)
                    retry_s *= 2
                with trio.move_on_after(wait_s):
                    await changed.wait()
                force = not registered or changed.is_set()

    async def leave(self, api: BrokerOuterAPI, state: BrokerState) -> None:
        """Leave all name servers, as far as they answer in time."""
        with trio.move_on_after(UNREGISTER_S):
            async with trio.open_nursery() as nursery:
                for addr in state.config.namesrv_addresses():
                    nursery.start_soon(api.unregister, addr)


def _lacks_master(state: BrokerState) -> bool:
    client = state.replication.client
    return client is not None and client.master is None
