"""The statistics that a broker keeps after the same sends and pulls: Java's and rmqwire's have the same items."""

from __future__ import annotations

import uuid
from pathlib import Path

from interop.peer import Peer
from interop.replication import Servers
from interop.wire import ask, broker_addr
from rmqwire.codec import RemotingCommand
from rmqwire.codec.codes import RequestCode

COUNT = 20
QUEUE = 1
NAMES = (
    "QUEUE_PUT_NUMS", "QUEUE_PUT_SIZE", "QUEUE_GET_NUMS", "QUEUE_GET_SIZE", "TOPIC_PUT_NUMS",
    "TOPIC_PUT_SIZE", "GROUP_GET_NUMS", "GROUP_GET_SIZE", "GROUP_ACK_NUMS", "GROUP_CK_NUMS",
    "GROUP_GET_LATENCY", "GROUP_GET_FALL_SIZE", "GROUP_GET_FALL_TIME", "TOPIC_PUT_LATENCY",
    "SNDBCK_PUT_NUMS", "DLQ_PUT_NUMS", "BROKER_PUT_NUMS", "BROKER_GET_NUMS", "BROKER_ACK_NUMS",
    "BROKER_CK_NUMS", "BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC",
    "BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC", "GROUP_GET_FROM_DISK_NUMS",
    "GROUP_GET_FROM_DISK_SIZE", "BROKER_GET_FROM_DISK_NUMS", "BROKER_GET_FROM_DISK_SIZE",
    "SNDBCK2DLQ_TIMES", "COMMERCIAL_SEND_TIMES", "COMMERCIAL_RCV_TIMES", "COMMERCIAL_SEND_SIZE",
    "COMMERCIAL_RCV_SIZE", "COMMERCIAL_RCV_EPOLLS", "COMMERCIAL_SNDBCK_TIMES",
    "COMMERCIAL_PERM_FAILURES", "CONSUMER_REGISTER_TIME", "PRODUCER_REGISTER_TIME",
    "CHANNEL_ACTIVITY", "NO_SUCH_STATISTIC",
)  # fmt: skip


def items(peer: Peer, namesrv: str, broker_name: str) -> set[str]:
    """Send and read, then return the names and kinds of key that the broker has an item of."""
    topic, group = f"S_{uuid.uuid4().hex[:8]}", f"g_{uuid.uuid4().hex[:8]}"
    with peer.consume(namesrv, topic, group=group) as consumer:
        peer.produce(namesrv, topic, COUNT, queue=QUEUE)
        assert len(consumer.take(COUNT)) == COUNT
    keys = {
        "topic": topic,
        "topic group": f"{topic}@{group}",
        "topic queue": f"{topic}@{QUEUE}",
        "queue topic": f"{QUEUE}@{topic}",
        "topic queue group": f"{topic}@{QUEUE}@{group}",
        "queue topic group": f"{QUEUE}@{topic}@{group}",
        "cluster": "DefaultCluster",
        "connect": "CONNECT",
    }
    addr = broker_addr(namesrv, broker_name)
    found = set()
    for name in NAMES:
        for kind, key in keys.items():
            fields = {"statsName": name, "statsKey": key}
            answer = ask(addr, RemotingCommand(RequestCode.VIEW_BROKER_STATS_DATA, fields))
            if answer.code == 0:
                found.add(f"{name}: {kind}")
            else:
                assert answer.remark == f"The stats <{name}> <{key}> not exist"
    return found


def test_the_same_items(servers: Servers, json_peer: Peer, tmp_path: Path) -> None:
    """Of servers of their own: an item of the whole broker comes with whatever is asked of it."""
    found = {}
    for kind in ("java", "rmqwire"):
        namesrv = servers.namesrv(kind, tmp_path / f"{kind}-namesrv").addr
        servers.broker(kind, tmp_path / f"{kind}-broker", namesrv, {})
        found[kind] = items(json_peer, namesrv, f"{kind}-a")
    assert "TOPIC_PUT_NUMS: topic" in found["java"]
    assert found["rmqwire"] == found["java"]
