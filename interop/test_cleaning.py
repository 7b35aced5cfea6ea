"""Old files of a store go when Java's go: by the hour, by the disk, by hand, not before their time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from interop import kinds, nodes, unreserved
from interop.cluster import Cluster
from interop.peer import Peer
from interop.processes import Node, wait_until
from interop.test_store_swap import verify
from rmqwire.disk.files import RealFiles

SEGMENT = 65_536
BODY = 4_000  # bytes
COUNT = 60  # messages: four segments
NEVER, NOW = (time.localtime().tm_hour + 12) % 24, time.localtime().tm_hour
BASE = {
    "mappedFileSizeCommitLog": str(SEGMENT),
    "mappedFileSizeConsumeQueue": "400",
    "maxHashSlotNum": "10000",
    "maxIndexNum": "40000",
    "fileReservedTime": "0",  # hours: a file may go as soon as the next one is begun
    "deleteWhen": f"{NEVER:02d}",
    "diskMaxUsedSpaceRatio": "95",
    "deleteCommitLogFilesInterval": "50",
    "flushConsumeQueueThoroughInterval": "5000",
}
CASES = {
    "hour": {"deleteWhen": f"{NOW:02d};{(NOW + 1) % 24:02d}"},
    "disk": {"diskMaxUsedSpaceRatio": "10"},
    "hand": {},
    "young": {"deleteWhen": f"{NOW:02d};{(NOW + 1) % 24:02d}", "fileReservedTime": "72"},
}


@dataclass
class Store:
    """A broker, its folder and why its files should go."""

    node: Node
    root: Path
    case: str

    def first(self) -> int:
        return min(int(file.name) for file in (self.root / "commitlog").iterdir())


def started(
    start: Callable[[Path, str, dict[str, str]], Node], home: Path, namesrv: str
) -> Iterator[Store]:
    for case, changes in CASES.items():
        folder = home / case
        settings = BASE | changes | {"brokerName": f"{home.name}-{case}"}
        yield Store(start(folder, namesrv, settings), folder / "store", case)


@pytest.mark.optin
def test_files_go_when_java_s_go(
    cluster: Cluster, version: str, json_peer: Peer, tmp_path: Path
) -> None:
    if RealFiles().used_ratio(str(tmp_path)) <= 0.10:
        pytest.skip("the disk is nearly empty: no ratio can be exceeded")
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")

    def start_ours(folder: Path, addr: str, settings: dict[str, str]) -> Node:
        ours = settings | {"rocketmqVersion": version}
        if ours["fileReservedTime"] != "0":
            return nodes.start_broker(folder, addr, ours)
        ours["fileReservedTime"] = "1"  # a file of ours may not ask for 0
        return nodes.start_broker(folder, addr, ours, [unreserved.__file__])

    with ExitStack() as stack:
        stack.callback(namesrv.stop)
        java = list(started(cluster.start_broker, tmp_path / "java", namesrv.addr))
        ours = list(started(start_ours, tmp_path / "ours", namesrv.addr))
        for store in (*java, *ours):
            stack.callback(store.node.kill)
            kinds.send(store.node.addr, "old", 0, {"KEYS": "first"})
            for number in range(COUNT):
                kinds.send(store.node.addr, "new", number, {}, body=b"x" * BODY)
            if store.case == "hand":
                text = json_peer.mqadmin(
                    "deleteExpiredCommitLog", "-n", namesrv.addr, "-b", store.node.addr
                )
                assert "success" in text, text
        cleaned = [store for store in (*java, *ours) if store.case != "young"]
        wait_until(lambda: all(store.first() for store in cleaned), "the files are gone", 110)
        time.sleep(3)  # queues and index follow
        for one, other in zip(java, ours, strict=True):
            assert one.first() == other.first(), one.case
            ends = [kinds.ends_of(store.node.addr, "new") for store in (one, other)]
            assert ends[0] == ends[1], one.case
            assert (ends[0][0] > 0) == (one.case != "young")
            for store in (one, other):
                low, high = ends[0]
                found = kinds.fetch(store.node.addr, "new", offset=low)
                assert [message.queue_offset for message in found] == list(range(low, high))
        for store in ours:
            _clean_queues(json_peer, namesrv.addr, store)
            assert store.node.stop() == 0
            verify(store.root)


def _clean_queues(peer: Peer, namesrv: str, store: Store) -> None:
    """The topic whose only message went loses its queue, the other keeps its own.

    Java's broker isn't asked: 5.5.0 fails (code 1) as soon as there is such a queue.
    """
    for verb in ("cleanExpiredCQ", "cleanUnusedTopic"):
        text = peer.mqadmin(verb, "-n", namesrv, "-b", store.node.addr)
        assert "success" in text, text
    left = {folder.name for folder in (store.root / "consumequeue").iterdir()}
    assert "new" in left
    assert ("old" in left) == (store.case == "young"), store.case
