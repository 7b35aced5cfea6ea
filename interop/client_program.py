"""A client program driven line by line: Java's, C++'s, Go's and Node's are all spoken to alike.

A line on its stdin is a command and its words, separated by tabs. Each answer is a number of lines
that start with ``@@ `` and hold one JSON object, the last of them ``{"end":true}`` or
``{"error":...}``; every other line is the client's own log.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self


class ClientError(RuntimeError):
    """The client's side failed; the text is its own."""


class ClientProgram:
    """A running program with producers and push consumers.

    Args:
        name: for topics and messages.
        command: starts it.
        home: its folder, ``HOME`` and working directory; its log goes to ``client.log`` there.
        environment: set over our own.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        home: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.home = home
        self.log = home / "client.log"
        self._log = self.log.open("ab")
        self.process = subprocess.Popen(
            command,
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=os.environ | {"HOME": str(home)} | (environment or {}),
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
        raise ClientError(f"the client ended with {self.process.wait()}, see {self.log}")

    def call(self, *words: object) -> list[dict[str, Any]]:
        """Run one command of the program and return the objects that it answers with."""
        assert self.process.stdin is not None
        with self._lock:
            self.process.stdin.write("\t".join(map(str, words)).encode() + b"\n")
            self.process.stdin.flush()
            answers = []
            while True:
                answer = self._read()
                if "error" in answer:
                    raise ClientError(answer["error"])
                if "end" in answer:
                    return answers
                answers.append(answer)

    def produce(
        self, namesrv: str, topic: str, count: int, mode: str = "sync", kind: str = "small",
        seed: object = 1, queue: int = -1,
    ) -> list[dict[str, Any]]:  # fmt: skip
        return self.call("produce", namesrv, topic, mode, count, kind, seed, queue)

    def consume(
        self, namesrv: str, topic: str, expression: str = "*", failures: int = 0,
        group: str | None = None, *, orderly: bool = False, broadcasting: bool = False,
        allocate: str = "", asking: bool = False,
    ) -> RunningConsumer:  # fmt: skip
        """Start a push consumer; the first ``failures`` deliveries of each message fail.

        ``broadcasting``, ``allocate`` (the name of a strategy) and ``asking`` (its broker for queues)
        are known to Java's program only.
        """
        kind = "-".join(
            ["orderly"] * orderly + ["broadcasting"] * broadcasting + ["asking"] * asking
        )
        extra = (kind, allocate) if allocate else (kind,) if kind else ()
        return RunningConsumer(self, namesrv, topic, expression, failures, group, extra)

    def stop(self) -> None:
        """End the program: the end of its input is its sign to stop.

        Clients that say goodbye to servers that are gone may take longer than anybody waits.
        """
        try:
            self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()  # closes the pipes
        finally:
            self.process.kill()
            self.process.wait()
            self._log.close()


class RunningConsumer:
    """A push consumer in a client program; a context manager."""

    def __init__(
        self,
        client: ClientProgram,
        namesrv: str,
        topic: str,
        expression: str,
        failures: int,
        group: str | None,
        extra: tuple[str, ...],
    ) -> None:
        self.client = client
        self.name = uuid.uuid4().hex[:8]
        self.group = group or f"interop_group_{self.name}"
        words = ("consume-start", self.name, namesrv, self.group, topic, expression, failures)
        client.call(*words, *extra)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.call("consume-stop", self.name)

    def take(self, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        """Return ``count`` deliveries, or those that came within ``seconds``."""
        return self.client.call("consume-poll", self.name, count, int(seconds * 1000))

    def drain(self, count: int, seconds: float = 30) -> list[dict[str, Any]]:
        """Return ``count`` deliveries and those of half a second more: there should be none."""
        return self.take(count, seconds) + self.take(1, 0.5)
