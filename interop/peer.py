"""The Java client program java/Peer.java, driven line by line."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interop.client_program import ClientProgram
from interop.jars import class_path
from rmqwire import Credentials

JVM = [
    "-Xms64m", "-Xmx256m", "-XX:MaxDirectMemorySize=1g", "-XX:TieredStopAtLevel=1",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
]  # fmt: skip


class Peer(ClientProgram):
    """A JVM with Java producers, consumers and mqadmin of one release and serialisation.

    Args:
        version: the release.
        serialize: ``JSON`` or ``ROCKETMQ``.
        home: its folder.
        properties: more of Java's system properties, as ``-Dname=value``.
        jvm: its options; by default it starts fast and stays small.
    """

    def __init__(
        self,
        version: str,
        serialize: str,
        home: Path,
        properties: Sequence[str] = (),
        jvm: Sequence[str] = JVM,
    ) -> None:
        self.version = version
        self.serialize = serialize
        make_home(home)
        command = [
            "java", *jvm, *properties,
            f"-Drocketmq.home.dir={home}", f"-Duser.home={home}",
            f"-Drocketmq.client.logRoot={home}/logs", "-Drocketmq.client.logLevel=WARN",
            f"-Drocketmq.serialize.type={serialize}",
            "-Drocketmq.client.rebalance.waitInterval=1000",
            "-cp", class_path(version), "Peer",
        ]  # fmt: skip
        super().__init__(f"java-{version}", command, home)

    @contextmanager
    def signing(self, credentials: Credentials) -> Iterator[None]:
        """Let the clients made meanwhile sign, and mqadmin by its ``tools.yml``."""
        tools = self.home / "conf" / "tools.yml"
        keys = credentials.access_key, credentials.secret_key
        tools.write_text("accessKey: {}\nsecretKey: {}\n".format(*keys))
        self.call("sign-with", *keys)
        try:
            yield
        finally:
            self.call("sign-with", "", "")
            tools.unlink()

    def load(
        self, namesrv: str, topic: str, count: int = 1 << 30, seed: int = 1, threads: int = 8,
        *, timeout_ms: int = 5000, faults: bool = True, pause_ms: int = 0, detector: bool = False,
    ) -> JavaLoad:  # fmt: skip
        words = ("true" if faults else "false", pause_ms, "true" if detector else "false")
        return JavaLoad(self, namesrv, topic, threads, count, seed, timeout_ms, *words)

    def half(
        self, namesrv: str, topic: str, count: int, seed: int = 1, group: str = "", kind: str = ""
    ) -> JavaTransactions:
        words = (group or f"half_{uuid.uuid4().hex[:8]}", kind or "commit")
        return JavaTransactions(self, namesrv, topic, count, seed, words)

    def mqadmin(self, *words: str) -> str:
        """Run one mqadmin command and give what it printed."""
        return "".join(answer["output"] for answer in self.call("mqadmin", *words))

    def ask(self, namesrv: str, method: str, *words: str) -> str:
        """Call a method of Java's ``MQClientAPIImpl``; return its result as JSON, or its exception."""
        answers = self.call("ask", namesrv, method, *words)
        return "".join(answer["output"] for answer in answers)

    def mqadmin_awhile(self, seconds: float, *words: str) -> str:
        """Run one that goes on for ever, and give what it printed within ``seconds``."""
        answers = self.call("mqadmin-awhile", int(seconds * 1000), *words)
        return "".join(answer["output"] for answer in answers)


class JavaLoad:
    """A DefaultMQProducer with threads that send numbered messages; see java/Load.java for ``words``.

    Of each message it tells when its send ``began`` (ms since the epoch) and how many ms it ``took``.
    What could not be sent has a ``failed`` (why) instead of a ``status``.
    """

    def __init__(self, peer: Peer, *words: object) -> None:
        self.peer = peer
        self.name = uuid.uuid4().hex[:8]
        peer.call("load-start", self.name, *words)

    def wait(self) -> list[dict[str, Any]]:
        """Let it send all and give what became of each message."""
        return self.peer.call("load-end", self.name, "wait")

    def stop(self) -> list[dict[str, Any]]:
        """Let it send no more and give what became of each message."""
        return self.peer.call("load-end", self.name, "stop")


class JavaTransactions:
    """A TransactionMQProducer with ``count`` half messages.

    A broker that asks is told to commit; of the kind "mixed" see java/Transactions.java.
    """

    def __init__(
        self,
        peer: Peer,
        namesrv: str,
        topic: str,
        count: int,
        seed: int,
        words: tuple[str, str],
    ) -> None:
        self.peer = peer
        self.name = uuid.uuid4().hex[:8]
        self.sent = peer.call("half-start", self.name, namesrv, topic, count, seed, *words)

    def stop(self) -> int:
        """End it and tell how often a broker has asked."""
        return int(self.peer.call("half-end", self.name)[0]["asked"])


LOGBACK = """<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %p %t - %m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="OUT"/></root>
</configuration>
"""


def make_home(home: Path) -> None:
    """Make a ROCKETMQ_HOME: the start-up classes of 4.9 want their logback files in it."""
    conf = home / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    for name in ("namesrv", "broker", "tools"):
        (conf / f"logback_{name}.xml").write_text(LOGBACK)
