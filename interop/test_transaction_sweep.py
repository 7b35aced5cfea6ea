"""5,000 transactions while producers are killed at random, a broker is killed, and a slave promoted."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interop import nodes
from interop.processes import BROKER_PORTS, Node, free_port, wait_until
from interop.transaction_worker import TOPIC, is_committed
from rmqwire.testing import remote_cluster

pytestmark = [pytest.mark.optin, pytest.mark.timeout(900)]

TRANSACTIONS = 5_000
SLICE = 1_250  # of one producer
ROOT = Path(__file__).parent.parent
SETTINGS = {
    "brokerName": "swept-a",
    "brokerIP2": "127.0.0.1",
    "transactionCheckInterval": "2000",
    "transactionTimeOut": "4000",
    "slaveSyncInterval": "1000",
    "flushConsumerOffsetInterval": "1000",
    "inSyncReplicas": "2",  # 5.x: SEND_OK is the slave's, too, as it always is in 4.9
}


class Slice:
    """Numbers that one producer after the other sends: each is killed but the last."""

    def __init__(self, words: list[str], log: Path, numbers: range) -> None:
        self._words = words
        self.log = log
        self._numbers = numbers
        self.process = self._start(numbers.start)

    def _start(self, first: int) -> subprocess.Popen[bytes]:
        self._first = first
        words = [*self._words, str(first), str(self._numbers.stop), str(self.log)]
        command = [sys.executable, "-m", "interop.transaction_worker", *words]
        with self.log.with_suffix(".err").open("ab") as errors:
            return subprocess.Popen(command, cwd=ROOT, stdout=errors, stderr=errors)

    def go_on(self) -> bool:
        """Start the next producer if the last one was killed; return whether there is more."""
        if self.process.poll() is None:
            return True
        tried = [int(line.split()[1]) for line in self._lines() if not line.startswith("asked")]
        # What comes after the last that the log names may have been sent: it isn't sent twice.
        first = max(max(tried, default=0) + 2, self._first + 1)
        if first >= self._numbers.stop:
            return False
        self.process = self._start(first)
        return True

    def kill(self) -> None:
        """End the producer that runs at once."""
        self.process.kill()
        self.process.wait(30)

    def _lines(self) -> list[str]:
        text = self.log.read_text("utf-8") if self.log.exists() else ""
        return [line for line in text.split("\n")[:-1] if line]

    def said(self, word: str) -> Counter[int]:
        """Return of which messages the log says that, and how often."""
        lines = (line.split() for line in self._lines())
        return Counter(int(parts[1]) for parts in lines if parts[0] == word)


class Brokers:
    """A name server and a pair of brokers, of which one is killed."""

    def __init__(self, home: Path, version: str) -> None:
        self._home = home
        self._release = {"rocketmqVersion": version}
        self._ports = [str(free_port(BROKER_PORTS)) for _ in range(2)]
        self._namesrv = nodes.start_namesrv(home / "namesrv", self._release)
        self._nodes: list[Node] = []
        self.namesrv = self._namesrv.addr
        self.master = self._start(0, "SYNC_MASTER")
        self.slave = self._start(1, "SLAVE")
        self.lost = 0

    def _start(self, index: int, role: str) -> Node:
        member = {
            "listenPort": self._ports[index],
            "brokerRole": role,
            "brokerId": "1" if role == "SLAVE" else "0",
        }
        settings = self._release | SETTINGS | member
        node = nodes.start_broker(self._home / f"broker-{index}", self.namesrv, settings)
        self._nodes.append(node)
        return node

    def lose_master(self) -> None:
        """Kill the master and start it again; the second time promote its slave instead."""
        self.lost += 1
        self.master.kill()
        if self.lost == 1:
            self.master = self._start(0, "SYNC_MASTER")
        else:
            self.slave.stop()
            self._start(1, "ASYNC_MASTER")

    def end(self) -> None:
        for node in (*self._nodes, self._namesrv):
            node.kill()


@contextmanager
def running(home: Path, version: str) -> Iterator[tuple[Brokers, list[Slice], Slice]]:
    """The brokers, the slices at work, and a producer that only answers checks."""
    brokers = Brokers(home, version)
    slices: list[Slice] = []
    try:
        with remote_cluster(brokers.namesrv) as rmq:
            rmq.create_topic(TOPIC, queues=4)
        words = [brokers.namesrv, "sweepers", version]
        for first in range(0, TRANSACTIONS + 1, SLICE):
            stop = min(first + SLICE, TRANSACTIONS)
            slices.append(Slice(words, home / f"{first}.log", range(first, stop)))
        yield brokers, slices[:-1], slices[-1]
    finally:
        for one in slices:
            one.kill()
        brokers.end()


def said(slices: list[Slice], word: str) -> Counter[int]:
    """Return of which messages the producers say that, and how often."""
    return sum((one.said(word) for one in slices), Counter())


def test_none_is_half_visible_none_lost_whoever_dies(version: str, tmp_path: Path) -> None:
    rng, killed, began = random.Random(5), 0, time.monotonic()
    with running(tmp_path, version) as (brokers, slices, sibling):
        while any([one.go_on() for one in slices]):  # noqa: C419  all of them go on
            time.sleep(2)
            rng.choice(slices).kill()
            killed += 1
            if said(slices, "stored").total() > (brokers.lost + 1) * TRANSACTIONS // 3:
                brokers.lose_master()
        sent_s = time.monotonic() - began
        stored = said(slices, "stored").keys()
        must = {number for number in stored if is_committed(number)}
        with remote_cluster(brokers.namesrv) as rmq:

            def seen() -> Counter[int]:
                return Counter(int(message.body) for message in rmq.messages(TOPIC))

            wait_until(lambda: must <= seen().keys(), "all that was committed", 120)
            time.sleep(10)
            visible = seen()
        asked = said([*slices, sibling], "asked")
    half_visible = [number for number in visible if not is_committed(number)]
    twice = [number for number, times in visible.items() if times > 1]
    sys.stdout.write(
        f"\n{version}: {len(stored)} half messages acknowledged of {TRANSACTIONS} transactions in "
        f"{sent_s:.0f} s; {killed} kills of producers, {brokers.lost} of the master, one a promotion; "
        f"{len(must)} to be committed: {len(visible)} seen, {len(must - visible.keys())} lost, "
        f"{len(half_visible)} half visible, {len(twice)} twice; "
        f"{asked.total()} checks of {len(asked)} transactions\n"
    )
    assert brokers.lost == 2
    assert (half_visible, twice) == ([], [])
    assert asked.keys() >= {number for number in stored if number % 3 == 2}
