"""A broker whose disk stands still sends Java's producers to another one, and stores nothing twice."""

from __future__ import annotations

import socket
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from interop import nodes, stalled_broker
from interop.conftest import Rmqwire
from interop.peer import Peer
from interop.processes import Node, wait_until
from interop.wire import ask, read_frame, route_known
from rmqwire.codec import RemotingCommand, decode_command, encode_command
from rmqwire.codec.codes import RequestCode
from tests.support import requests

QUEUES = 4
STALLED_S = 5
BUSY = "_CLEAN_QUEUE]broker busy, start flow control"
STALLED, OTHER = "stalled", "other"
# 200 ms is also what a busy machine costs; the stall alone shall be seen.
SETTINGS = {"osPageCacheBusyTimeOutMills": "800", "waitTimeMillsInSendQueue": "1000"}


def create(broker: Node, topic: str) -> None:
    fields = {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": str(QUEUES), "writeQueueNums": str(QUEUES),
              "perm": "6", "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false"}  # fmt: skip
    assert ask(broker.addr, RemotingCommand(RequestCode.UPDATE_AND_CREATE_TOPIC, fields)).code == 0


def end_of(topic: str, queue: int) -> RemotingCommand:
    fields = {"topic": topic, "queueId": str(queue)}
    return RemotingCommand(RequestCode.GET_MAX_OFFSET, fields)


def stored(broker: Node, topic: str) -> int:
    """Return how many messages of a topic a broker has."""
    total = 0
    for queue in range(QUEUES):
        answer = ask(broker.addr, end_of(topic, queue))
        total += int((answer.ext_fields or {})["offset"])
    return total


def probe(broker: Node, topic: str, until_s: float) -> list[RemotingCommand]:
    """Send to a broker that stands still, from two sides at once; return its answers.

    Java's producers stay away soon, and of two sends one waits while the other is written.
    """

    def call(connection: socket.socket, request: RemotingCommand) -> RemotingCommand:
        connection.sendall(encode_command(request))
        return decode_command(read_frame(connection))

    def send(number: int) -> list[RemotingCommand]:
        host, _, port = broker.addr.rpartition(":")
        with socket.create_connection((host, int(port)), 10) as connection:
            call(connection, end_of(topic, 0))  # now it is accepted
            time.sleep(number * 0.3)  # else both are in one write, again and again
            answers = []
            while time.monotonic() < until_s:
                answers.append(call(connection, requests.send(topic)))
        return answers

    with ThreadPoolExecutor(2) as pool:
        return [answer for answers in pool.map(send, range(2)) for answer in answers]


def start(
    home: Path, namesrv: str, name: str, version: str, program: Mapping[str, tuple[str, ...]]
) -> Node:
    settings = SETTINGS | {"brokerName": name, "rocketmqVersion": version}
    return nodes.start_broker(home / name, namesrv, settings, program.get(name, nodes.RMQWIRE))


def test_java_s_producers_go_to_another_broker(
    rmqwire: Rmqwire, json_peer: Peer, version: str, tmp_path: Path
) -> None:
    namesrv, topic = rmqwire.namesrv.addr, f"Stall_{uuid.uuid4().hex[:8]}"
    program = {STALLED: (stalled_broker.__file__,)}
    brokers = [start(tmp_path, namesrv, name, version, program) for name in (STALLED, OTHER)]
    try:
        for broker in brokers:
            create(broker, topic)
        wait_until(lambda: route_known(namesrv, topic), f"route of {topic}")
        sign = stalled_broker.sign_of(tmp_path / STALLED / "broker.conf")
        load = json_peer.load(namesrv, topic, threads=8)
        time.sleep(1)
        sign.touch()
        answers = probe(brokers[0], topic, time.monotonic() + STALLED_S)
        sign.unlink()
        results = load.stop()
        sent = [one for one in results if "failed" not in one]
        failed = [one["failed"] for one in results if "failed" in one]
        where = Counter(one["brokerName"] for one in sent)
        own = Counter(answer.code for answer in answers)
        print(
            f"{version}: {dict(where)}, failed {len(failed)}, own sends meanwhile by code {dict(own)}"
        )
        assert where[STALLED] > 0
        assert where[OTHER] > where[STALLED]
        assert any(answer.code == 2 and BUSY in (answer.remark or "") for answer in answers)
        if version == "4.9.7":  # its producers don't try again after SYSTEM_BUSY, they stay away
            assert all(BUSY in one for one in failed)
        else:
            assert failed == []
        assert sum(stored(broker, topic) for broker in brokers) == len(sent) + own[0]
    finally:
        for broker in brokers:
            broker.kill()
