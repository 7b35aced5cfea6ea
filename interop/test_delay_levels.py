"""2,000 messages over all delay levels, across two restarts and a kill -9: none early, none lost.

Both kinds of broker go through the same; ``-s`` prints how late what came was. ``-m optin``.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest

from interop import nodes
from interop.peer import Peer
from interop.processes import BROKER_PORTS, free_port
from interop.replication import Servers

pytestmark = [pytest.mark.optin, pytest.mark.timeout(240)]

SECONDS = (1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 24, 28, 32, 36, 40, 44, 48)  # of levels 1 to 18
EACH = 112  # messages of a level
OUTAGES = ((10, "stop"), (20, "kill"), (30, "stop"))  # seconds after the last send
CATCHING_UP = 3000  # ms after a start in which what fell due meanwhile is delivered


def due_ms(message: dict[str, Any]) -> int:
    """Return when a delivered message was to be: its level is told by its key's seed."""
    level = int(str(message["keys"]).split("-")[1])
    return int(message["born"]) + SECONDS[level - 1] * 1000


def spread(late: list[int]) -> str:
    """Show the median and the 99th percentile."""
    cuts = quantiles(late, n=100)
    return f"{len(late)} messages, late by p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms"


@pytest.mark.parametrize("kind", ["rmqwire", "java"])
def test_none_is_early_and_none_is_lost(
    servers: Servers, json_peer: Peer, tmp_path: Path, kind: str, version: str
) -> None:
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")
    servers.nodes.append(namesrv)
    settings = {
        "brokerName": "delays",
        "listenPort": str(free_port(BROKER_PORTS)),
        "messageDelayLevel": " ".join(f"{seconds}s" for seconds in SECONDS),
    }
    home = tmp_path / "broker"
    broker = servers.broker(kind, home, namesrv.addr, settings)
    words = ("-n", namesrv.addr, "-b", broker.addr, "-t", "later", "-r", "4", "-w", "4")
    json_peer.mqadmin("updateTopic", *words)
    json_peer.produce(namesrv.addr, "later", 1, seed=99)  # the route is known
    outages = []
    with json_peer.consume(namesrv.addr, "later") as consumer:
        assert len(consumer.take(1)) == 1
        wanted = {
            message["keys"]
            for level in range(1, len(SECONDS) + 1)
            for message in json_peer.produce(
                namesrv.addr, "later", EACH, mode=f"delay-{level}", seed=level
            )
        }
        assert len(wanted) == EACH * len(SECONDS) > 2000
        received, sent_at = [], time.monotonic()
        for after, way in OUTAGES:
            received += consumer.take(10_000, max(0, sent_at + after - time.monotonic()))
            down = int(time.time() * 1000)
            getattr(broker, way)()
            broker = servers.broker(kind, home, namesrv.addr, settings)
            outages.append((down, int(time.time() * 1000) + CATCHING_UP))
        deadline = time.monotonic() + 90
        while {m["keys"] for m in received} < wanted and time.monotonic() < deadline:
            received += consumer.take(10_000, 2)
    assert {m["keys"] for m in received} == wanted
    assert [m for m in received if m["stored"] < due_ms(m)] == []
    late = {True: [], False: []}
    for message in received:
        due = due_ms(message)
        late[any(down <= due <= up for down, up in outages)].append(message["stored"] - due)
    print(f"\n{kind} {version}: {len(received) - len(wanted)} came again; while it ran "
          f"{spread(late[False])}; fell due in an outage: {spread(late[True])}")  # fmt: skip
