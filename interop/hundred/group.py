"""Six members that are killed, leave and join, and what their files say in the end."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from interop.checks import Message
from interop.jars import class_path
from interop.peer import JVM

ROOT = Path(__file__).parent.parent.parent
FACES = ("trio", "aio", "blocking", "trio", "java", "java")


@dataclass
class Change:
    """A member joined, was told to leave, left or was killed, at a time in ms since the epoch."""

    what: str
    member: str
    at: float


class Member:
    """One process.

    Args:
        name: of this process, not of any that comes after it.
        face: of our clients, or ``java``.
        namesrv: the name server.
        version: of Java's client.
        home: for its file.
    """

    def __init__(self, name: str, face: str, namesrv: str, version: str, home: Path) -> None:
        self.name, self.face = name, face
        self.log = home / f"{name}.log"
        command = [sys.executable, "-m", "interop.hundred.member", face]
        if face == "java":
            paths = f"-Duser.home={home}", f"-Drocketmq.client.logRoot={home}/{name}"
            command = ["java", *JVM, *paths, "-cp", class_path(version), "Member"]
        with self.log.with_suffix(".err").open("ab") as errors:
            self.process = subprocess.Popen(
                [*command, namesrv, str(self.log)], cwd=ROOT, stdout=errors, stderr=errors
            )

    def deliveries(self) -> Iterator[Message]:
        """Read what it got, in the form in which Peer tells of it."""
        text = self.log.read_text() if self.log.exists() else ""
        for line in text.split("\n")[:-1]:
            topic, queue, offset, number, micros = line.split()
            yield {
                "topic": topic,
                "queueId": int(queue),
                "queueOffset": int(offset),
                "number": int(number),
                "consumed": int(micros) / 1000,
                "by": self.name,
            }


class Group:
    """All members there ever were, and what happened to them."""

    def __init__(self, namesrv: str, version: str, home: Path, rng: random.Random) -> None:
        self._words = namesrv, version, home
        self.rng = rng
        self.here: list[Member] = []
        self.ever: list[Member] = []
        self.changes: list[Change] = []

    def join(self, face: str) -> None:
        member = Member(f"{len(self.ever)}-{face}", face, *self._words)
        self.here.append(member)
        self.ever.append(member)
        self._note("join", member)

    def _note(self, what: str, member: Member) -> None:
        self.changes.append(Change(what, member.name, time.time_ns() / 1e6))

    def lose_one(self) -> str:
        """Kill one of them, or let it leave; return its face."""
        member = self.here.pop(self.rng.randrange(len(self.here)))
        if self.rng.random() < 0.6:
            self._note("kill", member)
            member.process.kill()
            member.process.wait(30)
        else:
            self._note("leave", member)
            member.process.terminate()
            code = member.process.wait(60)
            # still in its imports
            unready = code == -signal.SIGTERM and not any(member.deliveries())
            assert unready or code in (0, 143), (code, member.log)  # 143: a JVM by SIGTERM
            self._note("left", member)
        return member.face

    def end(self) -> None:
        for member in self.ever:
            member.process.kill()
            member.process.wait(30)

    def deliveries(self) -> list[Message]:
        """Return what all of them got, in the order of time."""
        got = [one for member in self.ever for one in member.deliveries()]
        return sorted(got, key=lambda one: (one["consumed"], one["queueOffset"]))
