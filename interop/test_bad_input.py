"""What Java's clients say when a broker refuses: the same words beside rmqwire as beside Java."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from interop import nodes
from interop.cluster import Cluster, Unavailable
from interop.peer import Peer
from interop.processes import wait_until
from interop.wire import route_known

SETTINGS = {"brokerName": "bad", "autoCreateTopicEnable": "false", "maxMessageSize": "65536"}
TOPICS = {"B_open": 6, "B_no_read": 2, "B_order": 6, "B_gone": 6}  # and their permission
CHANGING = re.compile(
    r"127\.0\.0\.1:\d+|msgId:\w+|cost \[?\d+\]?ms|\[\d+\]ms|BrokersSent: \[[^]]*\]"
)


@dataclass(frozen=True)
class Side:
    """A name server and a broker, either both Java's or both ours."""

    peer: Peer
    namesrv: str
    broker: str

    def admin(self, command: str, *words: str) -> str:
        return self.peer.mqadmin(command, "-n", self.namesrv, *words)

    def prepare(self) -> None:
        for topic, permission in TOPICS.items():
            order = ("-o", "true") if topic == "B_order" else ()
            words = ("-b", self.broker, "-t", topic, "-p", str(permission), "-r", "1", "-w", "1")
            self.admin("updateTopic", *words, *order)
            wait_until(partial(route_known, self.namesrv, topic), f"route of {topic}", 15)
        self.admin("updateSubGroup", "-b", self.broker, "-g", "g_closed", "-s", "false")

    def send(self, topic: str, size: int = 10, long_property: int = 0) -> dict[str, Any]:
        (said,) = self.peer.call("try-send", self.namesrv, topic, size, long_property)
        return shown(said)

    def pull(
        self, topic: str, group: str = "g", queue: int = 0, offset: int = 0, tags: str = "*"
    ) -> dict[str, Any]:
        words = (self.namesrv, group, topic, "bad", queue, offset, tags)
        (said,) = self.peer.call("try-pull", *words)
        return shown(said)


def shown(said: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs from run to run: addresses, ids, times."""
    return {k: CHANGING.sub("...", v) if isinstance(v, str) else v for k, v in said.items()}


@pytest.fixture(scope="module")
def sides(
    cluster: Cluster,
    version: str,
    peers: dict[str, Peer],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Side]]:
    home = tmp_path_factory.mktemp(f"bad-{version}")
    running = []
    try:
        try:
            running.append(cluster.start_namesrv(home / "jn"))
            running.append(cluster.start_broker(home / "jb", running[0].addr, SETTINGS))
        except Unavailable as reason:
            pytest.skip(str(reason))
        running.append(nodes.start_namesrv(home / "pn", {"rocketmqVersion": version}))
        settings = SETTINGS | {"rocketmqVersion": version}
        running.append(nodes.start_broker(home / "pb", running[2].addr, settings))
        found = {
            "java": Side(peers["JSON"], running[0].addr, running[1].addr),
            "rmqwire": Side(peers["JSON"], running[2].addr, running[3].addr),
        }
        for side in found.values():
            side.prepare()
        yield found
        assert "Traceback" not in running[3].tail(1_000_000), running[3].tail()
    finally:
        for node in reversed(running):
            node.stop()


def both(sides: dict[str, Side], *words: Any, verb: str = "send", **named: Any) -> dict[str, Any]:
    """Do it on both sides, and give what both said."""
    java, ours = (getattr(sides[name], verb)(*words, **named) for name in ("java", "rmqwire"))
    assert ours == java
    return ours


def same_end(sides: dict[str, Side], topic: str) -> bool:
    """Both have all that was sent in their queue: Java's answer comes before that."""
    java, ours = (side.pull(topic, offset=1_000_000)["max"] for side in sides.values())
    return java == ours > 0


def test_a_good_message_is_stored(sides: dict[str, Side]) -> None:
    assert both(sides, "B_open") == {"status": "SEND_OK"}


def test_a_message_that_is_too_large(sides: dict[str, Side]) -> None:
    said = both(sides, "B_open", 65_537)
    assert said["code"] == 13
    assert "msg body length limit 65536B" in said["refused"]


def test_properties_that_are_too_long(sides: dict[str, Side]) -> None:
    said = both(sides, "B_open", 10, 32_768)
    assert said["code"] == 13
    assert "maybe msg body or properties length not matched" in said["refused"]


def test_a_topic_that_nobody_made(sides: dict[str, Side]) -> None:
    assert "No route info of this topic" in both(sides, "B_never")["refused"]
    both(sides, "B_open", verb="pull")  # so the consumer knows the broker's address
    said = both(sides, "B_never", verb="pull")
    assert said["code"] == 17
    assert "topic[B_never] not exist, apply first please!" in said["refused"]


def test_a_topic_that_was_deleted_meanwhile(sides: dict[str, Side]) -> None:
    assert both(sides, "B_gone") == {"status": "SEND_OK"}
    for side in sides.values():
        side.admin("deleteTopic", "-c", "DefaultCluster", "-t", "B_gone")
    said = both(sides, "B_gone")
    assert said["code"] in {0, 17}  # 0: the client looked for the route first and found none
    assert "B_gone" in said["refused"]


def test_an_illegal_topic(sides: dict[str, Side]) -> None:
    said = both(sides, "B bad")
    assert "contains illegal characters" in said["refused"]
    both(sides, "B_open", verb="pull")
    assert both(sides, "B bad", verb="pull")["code"] == 17
    words = ("-b", sides["rmqwire"].broker, "-t", "B bad")
    assert "illegal characters" in sides["rmqwire"].admin("updateTopic", *words)


def test_no_permission(sides: dict[str, Side]) -> None:
    said = both(sides, "B_no_read", verb="pull")
    assert said["code"] == 16
    assert "the topic[B_no_read] pulling message is forbidden" in said["refused"]
    said = both(sides, "B_open", group="g_closed", verb="pull")
    assert said["code"] == 16
    assert "subscription group no permission, g_closed" in said["refused"]


def test_a_read_only_broker(sides: dict[str, Side]) -> None:
    assert both(sides, "B_order") == {"status": "SEND_OK"}
    for side in sides.values():
        side.admin("updateBrokerConfig", "-b", side.broker, "-k", "brokerPermission", "-v", "4")
    try:
        for name in ("java", "rmqwire"):  # its route may be new already: then there is no queue
            said = sides[name].send("B_order")
            assert said["code"] in {0, 16}, said
            assert "refused" in said
    finally:
        for side in sides.values():
            side.admin("updateBrokerConfig", "-b", side.broker, "-k", "brokerPermission", "-v", "6")


def test_a_queue_and_an_offset_that_are_not_there(sides: dict[str, Side]) -> None:
    said = both(sides, "B_open", queue=99, verb="pull")
    assert said["code"] in {1, 29}
    assert "queueId[99] is illegal, topic:[B_open]" in said["refused"]
    assert both(sides, "B_open") == {"status": "SEND_OK"}
    wait_until(partial(same_end, sides, "B_open"), "all messages of B_open in both queues", 15)
    said = both(sides, "B_open", offset=1_000_000, verb="pull")
    assert said["status"] == "OFFSET_ILLEGAL"
    assert said["next"] == said["max"] > said["min"] == 0
    both(sides, "B_open", offset=-5, verb="pull")
