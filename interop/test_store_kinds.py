"""Every kind of record and queue in a store that changes sides: BatchCQ, light queues, extension
units, records of version 2."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from interop import kinds, nodes
from interop.cluster import Cluster
from interop.left_folder import copy_left
from interop.processes import BROKER_PORTS, Node, free_port, wait_until
from interop.test_store_swap import verify
from rmqwire.codec.record import pack_host
from rmqwire.codec.release import release_named
from rmqwire.disk.files import RealFiles
from rmqwire.store.config import StoreConfig
from rmqwire.store.message_store import MessageInner, MessageStore

SETTINGS = {
    "brokerName": "kinds",
    "enableLmq": "true",
    "enableMultiDispatch": "true",
    "enableConsumeQueueExt": "true",
    "mappedFileSizeCommitLog": "65536",
    "mappedFileSizeConsumeQueue": "600",
    "mappedFileSizeConsumeQueueExt": "500",
    "mapperFileSizeBatchConsumeQueue": "460",
    "maxHashSlotNum": "10000",
    "maxIndexNum": "40000",
    "reviveInterval": "500",
}
GROUP = "kinds_group"
COMMITTED = {(kinds.LIGHT_GROUP, kinds.LIGHT[0]): 7, (GROUP, kinds.PLAIN): 9}


def kinds_of(version: str) -> set[str]:
    found = {kinds.PLAIN, kinds.MULTI}
    return found | {kinds.BATCHES, kinds.LONG} if version == "5.5.0" else found


def write(addr: str, version: str) -> None:
    """The first round, into a store without these topics."""
    if kinds.BATCHES in kinds_of(version):
        kinds.make_topic(addr, kinds.BATCHES, "+queue.type=BatchCQ")
    kinds.send_all(addr, 0, kinds_of(version))
    kinds.check(addr, kinds_of(version) - {kinds.LONG}, kinds.COUNT)
    for (group, topic), offset in COMMITTED.items():
        kinds.commit(addr, group, topic, offset)


def check(addr: str, version: str, total: int) -> None:
    kinds.check(addr, kinds_of(version), total)
    for (group, topic), offset in COMMITTED.items():
        assert kinds.committed(addr, group, topic) == offset


def put_long(root: Path) -> None:
    """Records of version 2 in a new store of ours: no request leads to one without pop."""
    config = StoreConfig(str(root), mapped_file_size_commit_log=65536)
    config.mapped_file_size_consume_queue = 600
    config.max_hash_slot_num, config.max_index_num = 10_000, 40_000
    host = pack_host("127.0.0.1", 10911)
    store = MessageStore(
        config, release_named("5.5.0"), RealFiles(), lambda: time.time_ns() // 1_000_000, host
    )
    store.open()
    for number in range(kinds.LONG_COUNT):
        body = kinds.long_body(number)
        one = MessageInner(kinds.LONG, 0, 0, 0, b"", body, 0, kinds.BORN_MS, host)
        store.puts.put(one, lambda result: None)
    store.puts.end_pass()
    store.close()


def end(node: Node, killed: bool, store: Path, to: Path) -> Path:
    """End a broker and copy its folder as it was left."""
    if killed:
        wait_until(lambda: offsets_are_written(store), "consumer offsets in their file")
        node.kill()
    else:
        node.stop()
    return copy_left(store, to / "store")


def offsets_are_written(store: Path) -> bool:
    file = store / "config" / "lmqConsumerOffset.json"
    return file.exists() and all(group in file.read_text() for group, _ in COMMITTED)


@pytest.mark.parametrize(
    "killed",
    [pytest.param(False, id="stopped", marks=pytest.mark.optin), pytest.param(True, id="killed")],
)
def test_every_kind_changes_sides(
    cluster: Cluster, version: str, tmp_path: Path, killed: bool
) -> None:
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")
    port = {"listenPort": str(free_port(BROKER_PORTS))}
    total = kinds.COUNT

    def start_ours(folder: str) -> Node:
        settings = SETTINGS | port | {"rocketmqVersion": version}
        return nodes.start_broker(tmp_path / folder, namesrv.addr, settings)

    def start_java(folder: str) -> Node:
        return cluster.start_broker(tmp_path / folder, namesrv.addr, SETTINGS | port)

    try:
        java = start_java("java")
        write(java.addr, version)
        if kinds.LONG in kinds_of(version):
            kinds.pop_and_forget(java.addr)
            wait_until(
                lambda: kinds.ends_of(java.addr, kinds.LONG)[1] == kinds.LONG_COUNT, "revived", 60
            )
        left = end(java, killed, tmp_path / "java" / "store", tmp_path / "taken")

        if kinds.LONG in kinds_of(version):
            put_long(tmp_path / "ours" / "store")
        ours = start_ours("ours")
        if kinds.LONG in kinds_of(version):
            kinds.make_topic(ours.addr, kinds.LONG)
        write(ours.addr, version)
        own = end(ours, killed, tmp_path / "ours" / "store", tmp_path / "given")
        same_store(left, own)

        ours = start_ours("taken")
        check(ours.addr, version, total)
        kinds.send_all(ours.addr, total, kinds_of(version))
        check(ours.addr, version, 2 * total)
        assert ours.stop() == 0
        verify(left)
        java = start_java("taken")
        check(java.addr, version, 2 * total)
        java.kill() if killed else java.stop()
        verify(left)

        java = start_java("given")
        check(java.addr, version, total)
        kinds.send_all(java.addr, total, kinds_of(version))
        check(java.addr, version, 2 * total)
        java.kill() if killed else java.stop()
        verify(own)
    finally:
        namesrv.stop()


def same_store(java: Path, ours: Path) -> None:
    """What both made of the same requests: the same records and units but places and times."""
    topics = {kinds.PLAIN, kinds.MULTI, kinds.BATCHES}
    wrote = [
        [kinds.as_stored(one) for one in kinds.records(store) if one.topic in topics]
        for store in (java, ours)
    ]
    assert wrote[0] == wrote[1]
    queues = kinds.units(java), kinds.units(ours)
    names = {name for name in queues[0] if name.rpartition("/")[2] in {*topics, *kinds.LIGHT}}
    assert names <= set(queues[1])
    for name in names:
        assert queues[0][name] == queues[1][name], name
