"""Java's consumers pop from rmqwire, and folders with popped messages change sides."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from interop import nodes
from interop.checks import all_of_it
from interop.cluster import Cluster
from interop.peer import Peer
from interop.processes import BROKER_PORTS, Node, free_port, wait_until
from interop.stores import verify
from interop.wire import ask, broker_addr, route_known
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import (
    AckMessageRequestHeader,
    ChangeInvisibleTimeRequestHeader,
    PopMessageRequestHeader,
)
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.pop import ExtraInfo, parse_start_offset_info, topic_tag
from rmqwire.codec.record import iter_messages
from tests.support import requests

pytestmark = pytest.mark.only("5.5.0")
GROUP = "popping"
WAITED_MS = 14_000  # longer than a broker takes to stop and another to start
ACKNOWLEDGED = {b"m1", b"m3"}
OPEN = {b"m0", b"m2", b"m4", b"m5", b"m6", b"m7"}
SETTINGS = {
    "brokerName": "pop-a",
    "autoCreateTopicEnable": "true",
    "maxHashSlotNum": "10000",
    "maxIndexNum": "40000",
    "mappedFileSizeTimerLog": "1048576",  # Java refuses a folder whose files have another size
}


@dataclass
class Popper:
    """Pops at one broker by requests of our own, Java's or ours."""

    addr: str
    topic: str = "pend"

    def pop(self, invisible_ms: int, queue_id: int = -1, **fields: object) -> list[StoredMessage]:
        header = PopMessageRequestHeader(
            consumer_group=GROUP,
            topic=self.topic,
            queue_id=queue_id,
            max_msg_nums=32,
            invisible_time=invisible_ms,
            poll_time=0,
            born_time=int(time.time() * 1000),
            **fields,  # type: ignore[arg-type]
        )
        answer = ask(self.addr, RemotingCommand.request(int(R.POP_MESSAGE), header))
        assert answer.code in (0, 210), answer
        messages = list(iter_messages(bytes(answer.body)))
        told = answer.ext_fields or {}
        starts = parse_start_offset_info(told.get("startOffsetInfo"))
        for message in messages:
            if "POP_CK" in message.properties:  # of the retry topic
                continue
            handle = ExtraInfo(
                starts[f"{topic_tag(message.topic)}@{message.queue_id}"],
                int(told["popTime"]),
                int(told["invisibleTime"]),
                int(told["reviveQid"]),
                topic_tag(message.topic),
                SETTINGS["brokerName"],
                message.queue_id,
                message.queue_offset,
            )
            message.properties["POP_CK"] = handle.encode()
        return messages

    def ack(self, message: StoredMessage) -> None:
        header = AckMessageRequestHeader(offset=message.queue_offset, **self._fields(message))
        assert ask(self.addr, RemotingCommand.request(int(R.ACK_MESSAGE), header)).code == 0

    def change(self, message: StoredMessage, invisible_ms: int) -> None:
        header = ChangeInvisibleTimeRequestHeader(
            offset=message.queue_offset, invisible_time=invisible_ms, **self._fields(message)
        )
        request = RemotingCommand.request(int(R.CHANGE_MESSAGE_INVISIBLETIME), header)
        assert ask(self.addr, request).code == 0

    def _fields(self, message: StoredMessage) -> dict[str, object]:
        handle = ExtraInfo.decode(message.properties["POP_CK"])
        return {
            "consumer_group": GROUP,
            "topic": handle.real_topic(self.topic, GROUP),
            "queue_id": handle.queue_id,
            "extra_info": message.properties["POP_CK"],
        }


def send(addr: str, topic: str, count: int) -> None:
    assert ask(addr, requests.create_topic(topic, queues=2)).code == 0
    for i in range(count):
        properties = f"UNIQ_KEY\x01ID{topic}{i}\x02TAGS\x01T\x02"
        request = requests.send(topic, b"m%d" % i, queue_id=i % 2, properties=properties)
        assert ask(addr, request).code == 0


def leave_pending(addr: str) -> None:
    """Pop everything; acknowledge two, put one off, leave one that was brought back and the rest."""
    popper = Popper(addr)
    send(addr, popper.topic, 8)
    send(addr, "ordered", 4)
    again = popper.pop(1_000, queue_id=0)[:1]
    held = {message.body: message for message in popper.pop(WAITED_MS)}
    for body in sorted(ACKNOWLEDGED):
        popper.ack(held[body])
    popper.change(held[b"m5"], 2 * WAITED_MS)
    block = Popper(addr, "ordered").pop(3 * WAITED_MS, 0, order=True, attempt_id="x")
    Popper(addr, "ordered").ack(block[0])
    assert again


def check_pending(addr: str, *, killed: bool) -> None:
    """What was left comes again; what was acknowledged doesn't, unless a kill set offsets back."""
    popper = Popper(addr)
    came: dict[bytes, int] = {}

    def all_came() -> bool:
        for message in popper.pop(60_000):
            came[message.body] = message.reconsume_times
            popper.ack(message)
        return came.keys() >= OPEN

    wait_until(all_came, "the messages that are open", 60)
    time.sleep(3)
    all_came()
    assert came.keys() - OPEN <= (ACKNOWLEDGED if killed else set())
    assert killed or all(times >= 1 for times in came.values()), came


def block_is_written(store: Path) -> bool:
    file = store / "config" / "consumerOrderInfo.json"
    return file.exists() and f"ordered@{GROUP}" in file.read_text()


def let_go(node: Node, home: Path, killed: bool, to: Path) -> None:
    time.sleep(6)  # the tables are written each 5 s, Java's blocks each 10 s
    wait_until(lambda: block_is_written(home / "store"), "the block in its file", 20)
    node.kill() if killed else node.stop()
    shutil.copytree(home / "store", to / "store")


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("merge", [False, True], ids=["in the log", "buffer merge"])
@pytest.mark.parametrize("back", [False, True], ids=["java-to-rmqwire", "rmqwire-to-java"])
@pytest.mark.optin
def test_popped_messages_change_sides(
    cluster: Cluster, version: str, tmp_path: Path, killed: bool, merge: bool, back: bool
) -> None:
    """Check points, acks and the block of an ordered pop, as one side left them, are the other's."""
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")
    own = {
        "listenPort": str(free_port(BROKER_PORTS)),
        "enablePopBufferMerge": str(merge).lower(),
    }
    settings = SETTINGS | own | {"rocketmqVersion": version}
    java = {key: value for key, value in settings.items() if key != "rocketmqVersion"}
    starts = [
        lambda home: cluster.start_broker(home, namesrv.addr, java),
        lambda home: nodes.start_broker(home, namesrv.addr, settings),
    ]
    first, second = reversed(starts) if back else starts
    node = first(tmp_path / "first")
    try:
        leave_pending(node.addr)
        let_go(node, tmp_path / "first", killed, tmp_path / "second")
        if not killed:
            verify(tmp_path / "second" / "store")
        node = second(tmp_path / "second")
        assert Popper(node.addr, "ordered").pop(5_000, 0, order=True, attempt_id="y") == []
        check_pending(node.addr, killed=killed)
    finally:
        node.kill()
        namesrv.stop()


def test_javas_consumer_pops_and_gets_again_what_failed(
    version: str, json_peer: Peer, tmp_path: Path
) -> None:
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")
    node = nodes.start_broker(tmp_path / "broker", namesrv.addr, {"rocketmqVersion": version})
    topic, group = "tpop", "gpop"
    try:
        where = ("-n", namesrv.addr, "-b", node.addr)
        json_peer.mqadmin("updateTopic", *where, "-t", topic, "-r", "4", "-w", "4")
        json_peer.mqadmin("updateSubGroup", *where, "-g", group)
        json_peer.mqadmin(
            "setConsumeMode", *where, "-t", topic, "-g", group, "-m", "POP", "-q", "0"
        )
        wait_until(lambda: route_known(namesrv.addr, topic), f"route of {topic}", 15)
        assert broker_addr(namesrv.addr, "rmqwire-a") == node.addr
        sent = json_peer.produce(namesrv.addr, topic, 20, kind="small", seed=1)
        with json_peer.consume(
            namesrv.addr, topic, failures=1, group=group, asking=True
        ) as consumer:
            received = consumer.take(40, 60) + consumer.take(1, 2)
        assert len(received) == 40
        first = [message for message in received if message["reconsumeTimes"] == 0]
        again = [message for message in received if message["reconsumeTimes"] == 1]
        all_of_it(sent, first)
        assert {m["keys"] for m in again} == {m["keys"] for m in sent}
    finally:
        node.stop()
        namesrv.stop()
