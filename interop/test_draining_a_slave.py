"""Our consumers read from Java's slave when its master is dead. ``-m optin``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from interop.checks import same_messages
from interop.listeners import Collector, until
from interop.peer import Peer
from interop.processes import wait_until
from interop.replication import Servers, await_sync, broker
from interop.stores import tables
from interop.wire import route_known
from rmqwire import PushConsumer
from rmqwire.codec.release import release_named

pytestmark = [pytest.mark.optin, pytest.mark.timeout(200)]

TOPIC = "drained"
COUNT = 200


async def test_what_a_dead_master_had_comes_from_its_slave(
    servers: Servers, version: str, json_peer: Peer, tmp_path: Path
) -> None:
    """To a consumer that lived through it, from where it was, and to one that comes afterwards."""
    namesrv = servers.namesrv("java", tmp_path / "namesrv").addr
    master = servers.broker("java", tmp_path / "master", namesrv, broker("m", "ASYNC_MASTER"))
    words = ("-n", namesrv, "-b", master.addr, "-t", TOPIC, "-r", "4", "-w", "4")
    json_peer.mqadmin("updateTopic", *words)
    wait_until(lambda: route_known(namesrv, TOPIC), f"route of {TOPIC}")
    slave = servers.broker("java", tmp_path / "slave", namesrv, broker("m", "SLAVE"))
    store = tmp_path / "slave" / "store"
    wait_until(lambda: TOPIC in str(tables(store).get("topics")), "the slave knows the topic", 90)

    def consumer(group: str, collector: Collector) -> PushConsumer:
        made = PushConsumer(
            group,
            namesrv_addr=namesrv,
            release=release_named(version),
            poll_name_server_interval=1_000,
            consume_from_where="CONSUME_FROM_FIRST_OFFSET",
        )
        made.subscribe(TOPIC, "*", collector)
        return made

    async def send(seed: int) -> list[dict[str, Any]]:
        return await trio.to_thread.run_sync(
            json_peer.produce, namesrv, TOPIC, COUNT, "sync", "small", seed
        )

    lived, after = Collector(), Collector()
    async with consumer("lived_through_it", lived) as living:
        sent = await send(1)
        await lived.take(COUNT)
        living.suspend()
        sent += await send(2)
        await trio.to_thread.run_sync(await_sync, master, slave, "the slave in sync")
        had = len(lived.received)
        master.kill()
        living.resume()
        async with consumer("came_afterwards", after):
            for one in (lived, after):
                await until(lambda one=one: len(one.received) >= 2 * COUNT, "all of it", 90)
    print(f"{version}: {had} from the master, {2 * COUNT - had} and {2 * COUNT} from its slave")
    assert had < 2 * COUNT
    same_messages(sent, after.received)
    same_messages(sent, lived.received)
