"""A store folder written by one side is opened and served by the other."""

from __future__ import annotations

import shutil
from pathlib import Path

from interop import nodes
from interop.checks import all_of_it, same_messages
from interop.cluster import Cluster
from interop.peer import Peer
from interop.processes import BROKER_PORTS, free_port

COUNT = 400
BATCHED = 100
TOTAL = 2 * COUNT + BATCHED  # several segments of 1 MiB
SMALL_SEGMENTS = {"mappedFileSizeCommitLog": "1048576", "mappedFileSizeConsumeQueue": "2000"}


def same_broker(name: str) -> dict[str, str]:
    """Settings of a broker that another one takes the place of: clients know its address."""
    return {"brokerName": name, "listenPort": str(free_port(BROKER_PORTS)), **SMALL_SEGMENTS}


def fill(peer: Peer, namesrv: str) -> list[dict[str, object]]:
    sent = peer.produce(namesrv, "swap", COUNT, kind="small", seed=1)
    sent += peer.produce(namesrv, "swap", COUNT, kind="large", seed=2)
    return sent + peer.produce(namesrv, "swap", BATCHED, mode="batch", kind="unicode", seed=3)


def drain(peer: Peer, namesrv: str, sent: list[dict[str, object]]) -> None:
    with peer.consume(namesrv, "swap") as consumer:
        received = consumer.take(TOTAL, 90) + consumer.take(1, 0.5)
    all_of_it(sent, received)


def test_java_serves_what_rmqwire_wrote(
    cluster: Cluster, version: str, json_peer: Peer, tmp_path: Path
) -> None:
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")
    try:
        settings = same_broker("swap-a")
        ours = nodes.start_broker(
            tmp_path / "ours", namesrv.addr, {"rocketmqVersion": version, **settings}
        )
        sent = fill(json_peer, namesrv.addr)
        assert ours.stop() == 0
        shutil.copytree(tmp_path / "ours" / "store", tmp_path / "java" / "store")

        java = cluster.start_broker(tmp_path / "java", namesrv.addr, settings)
        drain(json_peer, namesrv.addr, sent)
        more = json_peer.produce(namesrv.addr, "swap", 20, seed=4)
        assert {m["status"] for m in more} == {"SEND_OK"}
        java.stop()
    finally:
        namesrv.stop()


def test_rmqwire_serves_what_java_wrote(
    cluster: Cluster, version: str, json_peer: Peer, tmp_path: Path
) -> None:
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")
    try:
        settings = same_broker("swap-b")
        java = cluster.start_broker(tmp_path / "java", namesrv.addr, settings)
        sent = fill(json_peer, namesrv.addr)
        java.stop()
        shutil.copytree(tmp_path / "java" / "store", tmp_path / "ours" / "store")

        ours = nodes.start_broker(
            tmp_path / "ours", namesrv.addr, {"rocketmqVersion": version, **settings}
        )
        drain(json_peer, namesrv.addr, sent)
        with json_peer.consume(namesrv.addr, "swap", group="swap_again") as consumer:
            more = json_peer.produce(namesrv.addr, "swap", 20, seed=4)
            everything = consumer.take(TOTAL + 20, 90)
        same_messages(sent + more, everything)
        assert ours.stop() == 0
    finally:
        namesrv.stop()
