"""20,000 messages and six members that pop them: some die, acknowledge late or twice, change the time.

Every message comes, and is acknowledged; what comes again had been left, was acknowledged too late, or
its time was changed. Four members are requests of our own, the fifth is our push consumer; Java's
joins, where Java is there, when half has come.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from threading import Event, Thread

import pytest
import trio

from interop import nodes
from interop.cluster import Cluster
from interop.peer import Peer
from interop.processes import Node, wait_until
from interop.test_our_popping import popper
from interop.test_popping import GROUP, SETTINGS, Popper
from interop.wire import ask, route_known
from rmqwire import ConsumeStatus, MessageExt
from rmqwire.codec.batch import encode_batch
from rmqwire.codec.bodies import SetMessageRequestModeRequestBody
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.message import Message, StoredMessage
from tests.support import requests

pytestmark = [pytest.mark.only("5.5.0"), pytest.mark.optin, pytest.mark.timeout(600)]
TOPIC, QUEUES, COUNT, BATCH = "crowd", 8, 20_000, 100
INVISIBLE_S, CHANGED_S = 10, 4
PUSH = {"pop_batch_nums": 8, "pop_threshold_for_queue": 8, "consume_thread_max": 1}
LATE_S = 5
MARGIN_S = 3.0  # an ack so shortly before the end may be too late
QUIET_S = 25  # longer than everything that may still be open
LIMIT_S = 500


@dataclass
class Ledger:
    """What happened to each message, by its key."""

    delivered: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    may_come: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    last_s: float = 0.0

    def came(self, key: str) -> None:
        self.delivered[key] += 1
        self.last_s = time.monotonic()

    def unexplained(self) -> list[str]:
        return [key for key, times in self.delivered.items() if times > 1 + self.may_come[key]]

    def again(self) -> int:
        return sum(times - 1 for times in self.delivered.values())


class Member(Thread):
    """Pops by requests; most of its messages it acknowledges at once."""

    def __init__(self, addr: str, ledger: Ledger, seed: int, end: Event) -> None:
        super().__init__(daemon=True)
        self._popper = Popper(addr, TOPIC)
        self._ledger = ledger
        self._rng = Random(seed)
        self._end = end
        self._late: list[tuple[float, float, StoredMessage]] = []
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._end.is_set():
                began = time.monotonic()
                messages = self._popper.pop(INVISIBLE_S * 1000)
                for message in messages:
                    self._handle(message, began + INVISIBLE_S)
                self._acknowledge_late()
                if not messages:
                    time.sleep(0.2)
        except BaseException as fault:  # noqa: BLE001  told to the test
            self.fault = fault

    def _handle(self, message: StoredMessage, end_s: float) -> None:
        key = message.keys or ""
        self._ledger.came(key)
        chance = self._rng.random()
        if chance < 0.04:  # it dies with the message
            self._ledger.may_come[key] += 1
        elif chance < 0.07:
            after_s = self._rng.choice((INVISIBLE_S / 2, INVISIBLE_S + LATE_S))
            self._late.append(
                (time.monotonic() + after_s, end_s, message)
            )  # counts when it is sent
        elif chance < 0.10:
            self._popper.change(message, CHANGED_S * 1000)
            self._ledger.may_come[key] += 1
        else:
            self._acknowledge(message, end_s)
            if chance < 0.15:
                self._acknowledge(message, end_s)

    def _acknowledge(self, message: StoredMessage, end_s: float) -> None:
        self._popper.ack(message)
        if time.monotonic() > end_s - MARGIN_S:
            self._ledger.may_come[message.keys or ""] += 1

    def _acknowledge_late(self) -> None:
        now = time.monotonic()
        for entry in [one for one in self._late if one[0] <= now]:
            self._late.remove(entry)
            self._acknowledge(entry[2], entry[1])


@contextmanager
def broker_of(
    kind: str, cluster_of: pytest.FixtureRequest, home: Path
) -> Iterator[tuple[str, Node]]:
    namesrv = nodes.start_namesrv(home / "namesrv")
    if kind == "java":
        cluster: Cluster = cluster_of.getfixturevalue("cluster")
        node = cluster.start_broker(home / "broker", namesrv.addr, SETTINGS)
    else:
        node = nodes.start_broker(home / "broker", namesrv.addr, SETTINGS)
    try:
        yield namesrv.addr, node
    finally:
        node.kill()
        namesrv.stop()


def fill(addr: str) -> set[str]:
    keys = [f"k{i}" for i in range(COUNT)]
    for first in range(0, COUNT, BATCH):
        batch = [Message(TOPIC, b"x" * 100, keys=key) for key in keys[first : first + BATCH]]
        sent = requests.send(
            TOPIC, encode_batch(batch), code=320, batch=True, properties="",
            queue_id=first // BATCH % QUEUES,
        )  # fmt: skip
        assert ask(addr, sent).code == 0
    return set(keys)


def let_pop(addr: str) -> None:
    body = SetMessageRequestModeRequestBody(topic=TOPIC, consumer_group=GROUP, mode="POP")
    request = RemotingCommand(int(R.SET_MESSAGE_REQUEST_MODE), None, body.encode())
    assert ask(addr, request).code == 0


@pytest.mark.parametrize("members", ["ours", "java too"])
@pytest.mark.parametrize("kind", ["rmqwire", "java"])
async def test_every_message_is_acknowledged_once_or_comes_again(
    request: pytest.FixtureRequest, version: str, tmp_path: Path, kind: str, members: str
) -> None:
    ledger, end = Ledger(), Event()

    async def consume(batch: list[MessageExt]) -> ConsumeStatus:
        for message in batch:
            ledger.came(message.keys or "")
        await trio.sleep(0.01)  # else it would leave little to the others
        return ConsumeStatus.CONSUME_SUCCESS

    with broker_of(kind, request, tmp_path) as (namesrv, node), ExitStack() as running:
        assert ask(node.addr, requests.create_topic(TOPIC, queues=QUEUES)).code == 0
        let_pop(node.addr)
        wait_until(lambda: route_known(namesrv, TOPIC), "the route")
        theirs = None
        peer: Peer | None = None
        if members == "java too":
            peer = request.getfixturevalue("json_peer")
        crowd = [Member(node.addr, ledger, seed, end) for seed in range(4)]
        async with popper(namesrv, version, GROUP, **PUSH) as ours:
            ours.subscribe(TOPIC, "*", consume)
            keys = await trio.to_thread.run_sync(fill, node.addr)
            began = ledger.last_s = time.monotonic()
            for member in crowd:
                member.start()
            java_took = 0
            while time.monotonic() < min(ledger.last_s + QUIET_S, began + LIMIT_S):
                await trio.sleep(0.5)
                came = []
                if peer is not None and theirs is None and len(ledger.delivered) >= COUNT // 2:
                    consuming = partial(peer.consume, namesrv, TOPIC, group=GROUP, asking=True)
                    theirs = running.enter_context(await trio.to_thread.run_sync(consuming))
                if theirs is not None:
                    came = await trio.to_thread.run_sync(theirs.take, 1 << 20, 0.5)
                java_took += len(came)
                for message in came:
                    ledger.came(message["keys"])
        end.set()
        for member in crowd:
            await trio.to_thread.run_sync(member.join)
            assert member.fault is None, member.fault
    print(
        f"{kind}, {members}: {COUNT} sent, {len(ledger.delivered)} came, again {ledger.again()}, "
        f"allowed {sum(ledger.may_come.values())}, unexplained {len(ledger.unexplained())}, "
        f"Java's member {java_took}, {time.monotonic() - began:.0f} s"
    )
    assert ledger.delivered.keys() == keys
    assert ledger.unexplained() == []
    assert peer is None or java_took
