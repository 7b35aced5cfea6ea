"""A store folder written by one side is opened and served by the other, and goes back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interop import nodes
from interop.checks import all_of_it, same_messages
from interop.cluster import Cluster
from interop.left_folder import copy_left
from interop.peer import Peer
from interop.processes import BROKER_PORTS, Node, free_port, wait_until
from interop.stores import HALF_TOPIC, SCHEDULE_TOPIC, pending, verify

COUNT = 400
BATCHED = 100
TOTAL = 2 * COUNT + BATCHED  # several segments of 1 MiB
TWO_HOURS = "delay-18"  # the last delay level
SMALL_SEGMENTS = {
    "mappedFileSizeCommitLog": "1048576",
    "mappedFileSizeConsumeQueue": "2000",
    "maxHashSlotNum": "10000",
    "maxIndexNum": "40000",
    "transactionCheckInterval": "600000",  # Java puts a half message anew when it asks about it
}


def same_broker(name: str) -> dict[str, str]:
    """Settings of a broker that another one takes the place of: clients know its address."""
    return {"brokerName": name, "listenPort": str(free_port(BROKER_PORTS)), **SMALL_SEGMENTS}


def fill(peer: Peer, namesrv: str, topic: str = "swap") -> list[dict[str, object]]:
    sent = peer.produce(namesrv, topic, COUNT, kind="small", seed=1)
    sent += peer.produce(namesrv, topic, COUNT, kind="large", seed=2)
    return sent + peer.produce(namesrv, topic, BATCHED, mode="batch", kind="unicode", seed=3)


def leave_pending(peer: Peer, namesrv: str) -> None:
    """Messages that wait: for their time, and for the end of their transaction."""
    for mode in (TWO_HOURS, "half"):
        peer.produce(namesrv, "swap", 5, mode=mode, seed=9)


def drain(peer: Peer, namesrv: str, sent: list[dict[str, object]], group: str) -> None:
    with peer.consume(namesrv, "swap", group=group) as consumer:
        received = consumer.take(TOTAL, 90) + consumer.take(1, 0.5)
        wait_until(lambda: not lag(peer, namesrv, group), f"offsets of {group}", 20)
    all_of_it(sent, received)


def lag(peer: Peer, namesrv: str, group: str) -> int:
    text = peer.mqadmin("consumerProgress", "-n", namesrv, "-g", group)
    found = re.search(r"Diff Total: (\d+)", text)
    assert found is not None, text
    return int(found[1])


def query(peer: Peer, namesrv: str, message: dict[str, object]) -> None:
    """Find one message by its key and by its unique id."""
    words = ["-n", namesrv, "-t", "swap"]
    text = peer.mqadmin("queryMsgByKey", *words, "-k", str(message["keys"]))
    assert str(message["msgId"]) in text, text
    text = peer.mqadmin("queryMsgByUniqueKey", *words, "-i", str(message["msgId"]))
    assert str(message["keys"]) in text, text


def move(node: Node, store: Path, killed: bool, to: Path) -> None:
    """End a broker and put its folder elsewhere, as found."""
    node.kill() if killed else node.stop()
    copy_left(store, to / "store")


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
        drain(json_peer, namesrv.addr, sent, "swap_before")
        json_peer.produce(namesrv.addr, "swap", 5, mode=TWO_HOURS, seed=9)
        move(ours, tmp_path / "ours" / "store", killed=False, to=tmp_path / "java")
        verify(tmp_path / "java" / "store")
        delayed = pending(tmp_path / "java" / "store")
        assert len(delayed) == 5

        java = cluster.start_broker(tmp_path / "java", namesrv.addr, settings)
        assert lag(json_peer, namesrv.addr, "swap_before") == 0
        drain(json_peer, namesrv.addr, sent, "swap_after")
        query(json_peer, namesrv.addr, sent[7])
        more = json_peer.produce(namesrv.addr, "swap", 20, seed=4)
        assert {m["status"] for m in more} == {"SEND_OK"}
        java.stop()
        verify(tmp_path / "java" / "store")
        assert delayed.items() <= pending(tmp_path / "java" / "store").items()
    finally:
        namesrv.stop()


@pytest.mark.parametrize(
    "killed",
    [
        pytest.param(False, id="stopped", marks=pytest.mark.optin("5.5.0")),  # killed there, below
        pytest.param(True, id="killed"),
    ],
)
def test_rmqwire_serves_what_java_wrote_and_gives_it_back(
    cluster: Cluster, version: str, json_peer: Peer, tmp_path: Path, killed: bool
) -> None:
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")
    try:
        settings = same_broker(f"swap-{killed}")
        java = cluster.start_broker(tmp_path / "java", namesrv.addr, settings)
        sent = fill(json_peer, namesrv.addr)
        drain(json_peer, namesrv.addr, sent, "swap_before")
        leave_pending(json_peer, namesrv.addr)
        move(java, tmp_path / "java" / "store", killed, to=tmp_path / "ours")
        waiting = pending(tmp_path / "ours" / "store")
        assert {topic for topic, _ in waiting} == {SCHEDULE_TOPIC, HALF_TOPIC}

        ours = nodes.start_broker(
            tmp_path / "ours", namesrv.addr, {"rocketmqVersion": version, **settings}
        )
        if not killed:  # a killed Java broker loses up to 5 s of offsets
            assert lag(json_peer, namesrv.addr, "swap_before") == 0
        drain(json_peer, namesrv.addr, sent, "swap_ours")
        query(json_peer, namesrv.addr, sent[7])
        with json_peer.consume(namesrv.addr, "swap", group="swap_again") as consumer:
            more = json_peer.produce(namesrv.addr, "swap", 20, seed=4)
            everything = consumer.take(TOTAL + 20, 90)
        same_messages(sent + more, everything)
        query(json_peer, namesrv.addr, more[3])
        move(ours, tmp_path / "ours" / "store", killed=False, to=tmp_path / "back")
        verify(tmp_path / "back" / "store")
        assert waiting.items() <= pending(tmp_path / "back" / "store").items()

        java = cluster.start_broker(tmp_path / "back", namesrv.addr, settings)
        with json_peer.consume(namesrv.addr, "swap", group="swap_back") as consumer:
            everything = consumer.take(TOTAL + 20, 90) + consumer.take(1, 0.5)
        same_messages(sent + more, everything)
        query(json_peer, namesrv.addr, more[5])
        java.stop()
        verify(tmp_path / "back" / "store")
    finally:
        namesrv.stop()
