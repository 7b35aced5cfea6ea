"""Builds the generator where a C compiler is, runs it, and reads what it counted."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.generator.tape import Frame, encode_tape
from interop.jars import cache_dir

SOURCE = Path(__file__).with_name("generator.c")
IDLE_PER_S = 2000  # connections that a busy server accepts
HEADERS = ("histogram.h", "tape.h", "wire.h")  # beside it


def compiler() -> list[str]:
    """Return the command of a C compiler: CC, the system's, or that of the package ziglang."""
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        if name and shutil.which(name):
            return [name]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    raise SystemExit("the load generator needs a C compiler: cc, or `pip install ziglang`")


def build() -> Path:
    """Return the generator, compiled when its source or its compiler changed."""
    command = compiler()
    sources = b"".join(SOURCE.with_name(name).read_bytes() for name in (SOURCE.name, *HEADERS))
    mark = hashlib.sha256(sources + " ".join(command).encode()).hexdigest()[:16]
    program = cache_dir().parent / "rmqwire-bench" / f"generator-{mark}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        new = program.with_suffix(f".{os.getpid()}")
        subprocess.run([*command, "-O2", "-o", str(new), str(SOURCE)], check=True, timeout=300)
        new.replace(program)
    return program


Buckets = Counter[int]  # upper bound in ns -> how many


def quantile(buckets: Buckets, share: float) -> float:
    """Return the bound in µs that ``share`` of all values keep, 0.0 of none."""
    wanted, seen = share * buckets.total(), 0
    for bound, count in sorted(buckets.items()):
        seen += count
        if seen >= wanted:
            return bound / 1000
    return 0.0


@dataclass(frozen=True)
class Shape:
    """How the requests come: connections, requests in flight on each, and idle ones beside.

    With a ``rate`` (requests per second) they come when they are due, however long answers take.
    """

    connections: int
    inflight: int
    idle: int = 0
    rate: float = 0.0

    def __str__(self) -> str:
        return f"{self.connections}x{self.inflight}"


@dataclass(frozen=True)
class Report:
    """What one run counted; ``all_`` with its warming, the rest without."""

    seconds: float
    answers: int
    messages: int
    bytes: int
    refused: int
    all_answers: int
    all_messages: int
    reads: int
    cpu_s: float
    all_cpu_s: float
    taken: Buckets
    reached: Buckets = field(default_factory=Counter)
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.messages / self.seconds

    @classmethod
    def decode(cls, text: str) -> Report:
        found: dict[str, Any] = json.loads(text)
        taken = Counter(dict(found.pop("taken_ns")))
        reached = Counter(dict(found.pop("reached_ns", [])))
        for name in ("taken_ns_worst", "reached_ns_worst"):
            found.pop(name, None)
        return cls(**found, taken=taken, reached=reached)


def play(
    port: int,
    frames: list[Frame],
    shape: Shape,
    *,
    seconds: float,
    warm: float = 0.3,
    limit: int = 0,
    pulls: Iterable[Frame] = (),
) -> Report:
    """Play a tape to 127.0.0.1:``port`` for so many seconds, or until ``limit`` answers came.

    Idle connections make the warming longer: the server is still accepting them.

    Raises:
        RuntimeError: the generator ended with an error, such as a connection that was closed.
    """
    warm += shape.idle / IDLE_PER_S
    with tempfile.TemporaryDirectory(prefix="rmqwire-tape-") as folder:
        tape, queues = Path(folder) / "tape", Path(folder) / "pulls"
        tape.write_bytes(encode_tape(frames))
        queues.write_bytes(encode_tape(list(pulls)))
        values = {
            "port": port, "connections": shape.connections, "inflight": shape.inflight,
            "idle": shape.idle, "rate": shape.rate, "seconds": seconds, "warm": warm,
            "limit": limit, "tape": tape, "pulls": queues,
        }  # fmt: skip
        words = [f"--{name}={value}" for name, value in values.items()]
        done = subprocess.run(
            [str(build()), *words], capture_output=True, text=True,
            timeout=seconds + warm + 60, check=False,
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the generator ended with {done.returncode}: {done.stderr[-500:]}")
    return Report.decode(done.stdout)
