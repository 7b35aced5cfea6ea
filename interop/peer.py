"""The Java client program java/Peer.java, driven line by line."""

from __future__ import annotations

import json
import subprocess
import threading
import uuid
from pathlib import Path
from typing import Any, Self

from interop.jars import class_path

JVM = [
    "-Xms64m", "-Xmx256m", "-XX:TieredStopAtLevel=1",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
]  # fmt: skip


class PeerError(RuntimeError):
    """The Java side threw; the text is the exception's own."""


class Peer:
    """A JVM with Java producers, consumers and mqadmin of one release and serialisation."""

    def __init__(self, version: str, serialize: str, home: Path) -> None:
        self.version = version
        self.serialize = serialize
        make_home(home)
        command = [
            "java", *JVM,
            f"-Drocketmq.home.dir={home}", f"-Duser.home={home}",
            f"-Drocketmq.client.logRoot={home}/logs", "-Drocketmq.client.logLevel=WARN",
            f"-Drocketmq.serialize.type={serialize}",
            "-Drocketmq.client.rebalance.waitInterval=1000",
            "-cp", class_path(version), "Peer",
        ]  # fmt: skip
        self._log = (home / "peer.log").open("ab")
        self.process = subprocess.Popen(
            command, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        self._lock = threading.Lock()
        assert "ready" in self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(b"@@ "):
                answer: dict[str, Any] = json.loads(line[3:])
                return answer
            self._log.write(line)
        raise PeerError(f"the JVM ended with {self.process.wait()}")

    def call(self, *words: object) -> list[dict[str, Any]]:
        """Run one command of Peer.java and give the objects that it answers with."""
        assert self.process.stdin is not None
        with self._lock:
            self.process.stdin.write("\t".join(map(str, words)).encode() + b"\n")
            self.process.stdin.flush()
            answers = []
            while True:
                answer = self._read()
                if "error" in answer:
                    raise PeerError(answer["error"])
                if "end" in answer:
                    return answers
                answers.append(answer)

    def produce(
        self, namesrv: str, topic: str, count: int, mode: str = "sync", kind: str = "small",
        seed: int = 1, queue: int = -1,
    ) -> list[dict[str, Any]]:  # fmt: skip
        return self.call("produce", namesrv, topic, mode, count, kind, seed, queue)

    def consume(
        self, namesrv: str, topic: str, expression: str = "*", failures: int = 0,
        group: str | None = None,
    ) -> JavaConsumer:  # fmt: skip
        return JavaConsumer(self, namesrv, topic, expression, failures, group)

    def load(
        self, namesrv: str, topic: str, count: int = 1 << 30, seed: int = 1, threads: int = 8
    ) -> JavaLoad:
        return JavaLoad(self, namesrv, topic, count, seed, threads)

    def half(self, namesrv: str, topic: str, count: int, seed: int = 1) -> JavaTransactions:
        return JavaTransactions(self, namesrv, topic, count, seed)

    def mqadmin(self, *words: str) -> str:
        """Run one mqadmin command and give what it printed."""
        return "".join(answer["output"] for answer in self.call("mqadmin", *words))

    def stop(self) -> None:
        """End the JVM: the end of its input is its sign to stop."""
        try:
            self.process.communicate(timeout=30)
        finally:
            self.process.kill()
            self.process.wait()
            self._log.close()


class JavaConsumer:
    """A running DefaultMQPushConsumer in a Peer; a context manager."""

    def __init__(
        self,
        peer: Peer,
        namesrv: str,
        topic: str,
        expression: str,
        failures: int,
        group: str | None,
    ) -> None:
        self.peer = peer
        self.name = uuid.uuid4().hex[:8]
        self.group = group or f"java_group_{self.name}"
        peer.call("consume-start", self.name, namesrv, self.group, topic, expression, failures)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.peer.call("consume-stop", self.name)

    def take(self, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        """Return ``count`` deliveries, or those that came within ``seconds``."""
        return self.peer.call("consume-poll", self.name, count, int(seconds * 1000))


class JavaLoad:
    """A DefaultMQProducer with threads that send ``count`` messages; it keeps away from what fails.

    What could not be sent has an ``failed`` (why) instead of a ``status``.
    """

    def __init__(
        self, peer: Peer, namesrv: str, topic: str, count: int, seed: int, threads: int
    ) -> None:
        self.peer = peer
        self.name = uuid.uuid4().hex[:8]
        peer.call("load-start", self.name, namesrv, topic, threads, count, seed)

    def wait(self) -> list[dict[str, Any]]:
        """Let it send all and give what became of each message."""
        return self.peer.call("load-end", self.name, "wait")

    def stop(self) -> list[dict[str, Any]]:
        """Let it send no more and give what became of each message."""
        return self.peer.call("load-end", self.name, "stop")


class JavaTransactions:
    """A TransactionMQProducer with ``count`` half messages; a broker that asks is told to commit."""

    def __init__(self, peer: Peer, namesrv: str, topic: str, count: int, seed: int) -> None:
        self.peer = peer
        self.name = uuid.uuid4().hex[:8]
        self.sent = peer.call("half-start", self.name, namesrv, topic, count, seed)

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
