"""Six orderly consumers of Java's join, leave and die at rmqwire: each queue stays in order. ``-m optin``.

A queue that changes hands may begin again where its last owner had committed; it never skips one.
"""

from __future__ import annotations

import time
import uuid
from contextlib import ExitStack
from pathlib import Path

import pytest

from interop.checks import Message, in_turn
from interop.client_program import RunningConsumer
from interop.conftest import Rmqwire
from interop.peer import Peer
from interop.processes import wait_until
from interop.wire import route_known

pytestmark = [pytest.mark.optin, pytest.mark.timeout(230)]

QUEUES = 12


class Members:
    """Consumers of one group in two JVMs, and all that they got."""

    def __init__(self, namesrv: str, topic: str) -> None:
        self.namesrv, self.topic = namesrv, topic
        self.group = f"members_{uuid.uuid4().hex[:8]}"
        self.here: dict[str, RunningConsumer] = {}
        self.received: list[Message] = []

    def join(self, peer: Peer) -> RunningConsumer:
        member = peer.consume(self.namesrv, self.topic, group=self.group, orderly=True)
        self.here[member.name] = member
        return member

    def look(self, seconds: float = 0.05) -> None:
        """Ask each for what it got."""
        for name, member in self.here.items():
            self.received += [message | {"by": name} for message in member.take(5000, seconds)]

    def leave(self, member: RunningConsumer) -> None:
        self.look(0.5)  # nobody sends meanwhile: that is all
        del self.here[member.name]
        member.__exit__()


def test_six_members_that_join_leave_and_die_keep_each_queue_in_order(
    rmqwire: Rmqwire, json_peer: Peer, version: str, tmp_path: Path
) -> None:
    namesrv, topic = rmqwire.namesrv.addr, f"M_{uuid.uuid4().hex[:8]}"
    words = ("-n", namesrv, "-b", rmqwire.broker.addr, "-t", topic, "-r", str(QUEUES), "-w")
    json_peer.mqadmin("updateTopic", *words, str(QUEUES))
    wait_until(lambda: route_known(namesrv, topic), f"route of {topic}", 15)
    sent: list[Message] = []
    members = Members(namesrv, topic)

    def produce(seconds: float) -> None:
        """Send to all queues for a while, and look at what comes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for queue in range(QUEUES):
                seed = len(sent)
                sent.extend(json_peer.produce(namesrv, topic, 3, seed=seed, queue=queue))
            members.look()

    with ExitStack() as stack:
        doomed = Peer(version, "JSON", tmp_path / "doomed")
        stack.callback(doomed.stop)
        first = [members.join(json_peer) for _ in range(2)]
        produce(5)
        for _ in range(2):
            members.join(doomed)
            produce(6)
        members.leave(first[0])
        produce(6)
        last = [members.join(json_peer) for _ in range(2)]
        produce(8)
        owners = {message["by"] for message in members.received}
        time.sleep(6)  # what it has is committed
        members.look()
        for name in [name for name, one in members.here.items() if one.client is doomed]:
            del members.here[name]
        doomed.process.kill()  # its locks hold for a minute
        produce(10)
        wanted = {message["keys"] for message in sent}
        deadline = time.monotonic() + 90
        while {m["keys"] for m in members.received} < wanted and time.monotonic() < deadline:
            members.look(1)
        for member in (first[1], *last):
            members.leave(member)
    again = in_turn(members.received)
    print(
        f"\n{version}: {len(sent)} messages, {len(owners)} members had queues, {again} came again"
    )
    assert {message["keys"] for message in members.received} == wanted
    assert len(owners) == 6
