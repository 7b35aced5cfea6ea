"""The loads that every client is asked for, and a program that Python's clients answer them with.

A line is ``bench-send NAMESRV TOPIC MODE IN_FLIGHT SECONDS SIZE`` or
``bench-consume NAMESRV TOPIC GROUP COUNT BATCH``, its words separated by tabs, as
``interop/client_program.py`` says them; interop/java/Benching.java and interop/foreign/go/bench.go
answer the same. What is made ready before and closed afterwards isn't measured.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

BATCH = 32  # messages of one batch send


@dataclass
class Sending:
    """Send for some time.

    Args:
        namesrv: ``host:port``.
        topic: to this one.
        mode: ``sync``: each of ``in_flight`` senders waits for its answer; ``batch``: they send BATCH
            messages together; ``async``: one sender waits only for room.
        in_flight: senders, or sends under way.
        seconds: how long.
        body: of each message.
    """

    namesrv: str
    topic: str
    mode: str
    in_flight: int
    seconds: float
    body: bytes

    @classmethod
    def of(cls, words: list[str]) -> Sending:
        namesrv, topic, mode, in_flight, seconds, size = words
        return cls(namesrv, topic, mode, int(in_flight), float(seconds), b"a" * int(size))


@dataclass
class Consuming:
    """Consume messages that are there, by a listener that is called with at most ``batch`` of them."""

    namesrv: str
    topic: str
    group: str
    count: int
    batch: int

    @classmethod
    def of(cls, words: list[str]) -> Consuming:
        namesrv, topic, group, count, batch = words
        return cls(namesrv, topic, group, int(count), int(batch))


@dataclass
class Meter:
    """What a load took, from ``begin`` to ``end``.

    Attributes:
        times: ns of each send.
        messages: sent or received.
    """

    times: list[int] = field(default_factory=list)
    messages: int = 0
    began: int = 0  # ns, monotonic
    took: int = 0  # ns
    cpu_began: int = 0  # ns of all threads
    cpu: int = 0  # ns

    def begin(self) -> None:
        self.cpu_began, self.began = time.process_time_ns(), time.perf_counter_ns()

    def end(self) -> None:
        self.took = time.perf_counter_ns() - self.began
        self.cpu = time.process_time_ns() - self.cpu_began

    def count(self, messages: int) -> None:
        """Count messages of a consumer, the first of which begins it."""
        if not self.messages:
            self.begin()
        self.messages += messages

    def figures(self) -> dict[str, float]:
        self.times.sort()
        return {
            "messages": self.messages,
            "seconds": self.took / 1e9,
            "cpu_s": self.cpu / 1e9,
            "p50_us": self._quantile(0.5),
            "p99_us": self._quantile(0.99),
        }

    def _quantile(self, share: float) -> float:
        return self.times[int(share * (len(self.times) - 1))] / 1e3 if self.times else 0.0


def say(answer: dict[str, object]) -> None:
    sys.stdout.write(f"@@ {json.dumps(answer)}\n")
    sys.stdout.flush()


def serve(send: Callable[[Sending], Meter], consume: Callable[[Consuming], Meter]) -> None:
    """Answer lines until there are no more."""
    say({"ready": True})
    for line in sys.stdin:
        command, *words = line.rstrip("\n").split("\t")
        try:
            meter = {
                "bench-send": lambda: send(Sending.of(words)),  # noqa: B023 - called at once
                "bench-consume": lambda: consume(Consuming.of(words)),  # noqa: B023
            }[command]()
        except Exception as error:  # noqa: BLE001 - whoever asked raises it
            traceback.print_exc()
            say({"error": repr(error)})
        else:
            say(dict(meter.figures()))
            say({"end": True})
