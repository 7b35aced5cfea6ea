"""Both profiles of docker-compose.yml: a pair of containers under load, killed and started again.

Opt-in, and only with `--cluster docker`: 20,000 messages of Java's producer and 20,000 of ours to a
Java and an rmqwire consumer, then `docker kill` of the slave and of the master under load.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

import pytest
import trio

from interop.checks import Message, statuses
from interop.cluster import DockerCluster, Unavailable, compose
from interop.ledger import Ledger
from interop.peer import Peer
from interop.processes import wait_until
from interop.replication import end_of_log, in_sync
from interop.wire import registered
from rmqwire import ConsumeStatus, MessageExt, Producer, PushConsumer
from rmqwire import Message as OurMessage
from rmqwire.codec.release import release_named

TOPIC = "orders"
QUEUES = "4"
EACH = 20_000
THREADS = 8
LOAD_S = 2
JAVA_STORE = "/home/rocketmq/store"
OUR_STORE = "/var/lib/rmqwire/store"


@dataclass
class Container:
    """A broker of the compose file."""

    service: str
    addr: str
    store: str

    def kill(self) -> None:
        self._docker("kill", self.name)

    def start(self) -> None:
        self._docker("start", self.name)

    def stop(self) -> int:
        """End it as `docker stop` does, and return its exit code."""
        self._docker("stop", self.name)
        return int(self._docker("inspect", "--format", "{{.State.ExitCode}}", self.name))

    def warnings(self) -> list[str]:
        return [line for line in self._docker("logs", self.name).splitlines() if "WARN" in line]

    def log_hash(self, size: int) -> str:
        """The sha256 of the log's first ``size`` bytes, which are within its first file."""
        file = f"{self.store}/commitlog/{0:020d}"
        command = f"head -c {size} {file} | sha256sum"
        return self._docker("exec", self.name, "sh", "-c", command).split()[0]

    @property
    def name(self) -> str:
        return f"rmqwire-{self.service}-1"

    def _docker(self, *words: str) -> str:
        answer = subprocess.run(
            ["docker", *words], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=120,
        )  # fmt: skip
        return answer.stdout


@dataclass
class Profile:
    """A running profile: its pair of brokers, and the Java client that talks to them."""

    name: str
    broker_name: str
    master: Container
    slave: Container
    version: str
    seeds: Iterator[int] = field(default_factory=lambda: count(1))
    began: float = field(default_factory=time.monotonic)

    @property
    def ours(self) -> Container:
        return self.master if self.master.store == OUR_STORE else self.slave

    def say(self, text: str) -> None:
        print(f"{self.name} {self.version} {time.monotonic() - self.began:5.1f} s  {text}")

    def up(self) -> None:
        compose(self.version, "--profile", self.name, "up", "--detach")
        for broker in (self.master, self.slave):
            known = partial(registered, DockerCluster.NAMESRV, self.broker_name, broker.addr)
            wait_until(known, f"{broker.service} registered")
        self.say("both brokers registered")

    def down(self) -> None:
        began = time.monotonic()
        compose(self.version, "--profile", "*", "down", "--volumes")
        self.say(f"teardown took {time.monotonic() - began:.1f} s")

    def equal(self) -> None:
        """Wait until the slave has it all, and compare the logs byte for byte."""
        wait_until(partial(in_sync, self.master, self.slave), "the slave in sync", 120)
        size = end_of_log(self.master)
        assert self.master.log_hash(size) == self.slave.log_hash(size)
        self.say(f"logs equal: {size:,} bytes")


def java_pair() -> tuple[str, Container, Container]:
    master = Container("java-master", "127.0.0.1:10911", JAVA_STORE)
    return "java-a", master, Container("rmqwire-slave", "127.0.0.1:10921", OUR_STORE)


def our_pair() -> tuple[str, Container, Container]:
    master = Container("rmqwire-master", "127.0.0.1:10931", OUR_STORE)
    return "rmqwire-a", master, Container("java-slave", "127.0.0.1:10941", JAVA_STORE)


PAIRS = {"rmqwire-slave": java_pair(), "rmqwire-master": our_pair()}


@pytest.fixture(params=PAIRS)
def profile(request: pytest.FixtureRequest, version: str, tmp_path: Path) -> Iterator[Profile]:
    if request.config.getoption("--cluster") != "docker":
        pytest.skip("needs --cluster docker")
    try:
        DockerCluster(version, tmp_path)
    except Unavailable as reason:
        pytest.fail(str(reason))
    made = Profile(request.param, *PAIRS[request.param], version)
    try:
        made.up()
        yield made
    finally:
        made.down()


async def exchange(profile: Profile, keys_of_java: set[str]) -> tuple[list[Message], int]:
    """Send with our producer while our consumer receives everything, Java's messages as well.

    Returns:
        what was sent, and how many messages were received.
    """
    release = release_named(profile.version)
    namesrv = DockerCluster.NAMESRV
    received: set[str] = set()
    sent: list[Message] = []
    numbers = iter(range(EACH))
    came = trio.Event()

    def take(batch: list[MessageExt]) -> ConsumeStatus:
        nonlocal came
        received.update(message.keys for message in batch)
        came.set()
        came = trio.Event()
        return ConsumeStatus.CONSUME_SUCCESS

    async def send_some(producer: Producer) -> None:
        for number in numbers:
            message = OurMessage(
                TOPIC, b"from rmqwire %d" % number, tags="R", keys=f"ours-{number}"
            )
            result = await producer.send(message)
            sent.append(
                {
                    "keys": message.keys,
                    "tags": message.tags,
                    "body": message.body.hex(),
                    "status": result.send_status.name,
                }
            )

    consumer = PushConsumer(
        "ours",
        namesrv_addr=namesrv,
        release=release,
        consume_from_where="CONSUME_FROM_FIRST_OFFSET",
    )
    consumer.subscribe(TOPIC, "*", take)
    async with consumer, Producer("ours", namesrv_addr=namesrv, release=release) as producer:
        async with trio.open_nursery() as nursery:
            for _ in range(THREADS):
                nursery.start_soon(send_some, producer)
        wanted = keys_of_java | {str(message["keys"]) for message in sent}
        with trio.move_on_after(60):
            while not wanted <= received:
                await came.wait()
    assert received == wanted
    return sent, len(received)


def under_load(profile: Profile, peer: Peer, ledger: Ledger, broker: Container) -> None:
    """Kill a broker while messages are sent, and start it again."""
    load = peer.load(DockerCluster.NAMESRV, TOPIC, seed=next(profile.seeds), threads=THREADS)
    time.sleep(LOAD_S)
    broker.kill()
    time.sleep(LOAD_S)
    sent = ledger.add(load.stop())
    broker.start()
    stored = sum("status" in message for message in sent)
    profile.say(f"{broker.service} killed under load: {stored} of {len(sent)} stored")
    profile.equal()


@pytest.mark.optin
@pytest.mark.timeout(600)
def test_a_pair_of_containers_under_load_and_kills(profile: Profile, json_peer: Peer) -> None:
    peer, namesrv = json_peer, DockerCluster.NAMESRV
    words = ["-b", profile.master.addr, "-t", TOPIC, "-r", QUEUES, "-w", QUEUES]
    peer.mqadmin("updateTopic", "-n", namesrv, *words)
    wait_until(partial(registered, namesrv, TOPIC, profile.master.addr), "the topic's route")
    with peer.consume(namesrv, TOPIC, group="java") as consumer:
        ledger = Ledger(consumer)
        load = peer.load(namesrv, TOPIC, EACH, next(profile.seeds), THREADS)
        java = ledger.add(load.wait())
        ours, received = trio.run(exchange, profile, {str(m["keys"]) for m in java})
        ledger.add(ours)
        assert statuses(java) == statuses(ours) == {"SEND_OK"}
        assert not ledger.collect()
        profile.say(f"java sent {len(java)}, rmqwire sent {len(ours)}, each got {received}")
        profile.equal()
        assert profile.ours.warnings() == []

        under_load(profile, peer, ledger, profile.slave)
        under_load(profile, peer, ledger, profile.master)
        after = ledger.add(peer.produce(namesrv, TOPIC, 100, seed=next(profile.seeds)))
        assert statuses(after) == {"SEND_OK"}
        assert not ledger.collect()
        profile.equal()
        ledger.check(f"{profile.name} {profile.version}", in_flight=2 * THREADS, failed=1 << 20)
    began = time.monotonic()
    assert profile.ours.stop() == 0
    profile.say(f"{profile.ours.service} stopped in {time.monotonic() - began:.1f} s, exit code 0")
