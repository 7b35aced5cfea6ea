"""What processes and the machine spend: CPU seconds, resident memory, what others take meanwhile."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CORES = os.cpu_count() or 1
COMPILER = re.compile(r"C[12] Compiler")  # names of a JVM's threads
STEAL = 7  # field of /proc/stat
SETTLED_SHARE = 0.08  # of a core: what waits for nothing uses less
SETTLE_S, SETTLE_LIMIT_S = 0.1, 10.0


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process, all threads, to the microsecond."""
    return time.clock_gettime(~pid << 3 | 2)


def compiling_seconds(pid: int) -> float:
    """Return the CPU seconds of a JVM's compiler threads, to a hundredth; 0.0 of what is no JVM."""
    ticks = 0
    for file in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):  # a thread that has just ended
            name, _, fields = file.read_text().partition("(")[2].rpartition(")")
            if COMPILER.match(name):
                ticks += sum(map(int, fields.split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    return _status(pid, "VmRSS")


def peak_mib(pid: int) -> float:
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def share_of(pids: Sequence[int], seconds: float) -> float:
    """Return what processes take of a core from now on, for some time."""
    before = sum(map(cpu_seconds, pids))
    time.sleep(seconds)
    return (sum(map(cpu_seconds, pids)) - before) / seconds


def settle(pids: Sequence[int], at_rest: float = 0.0) -> float:
    """Wait until processes have done what they put off, such as an index: a figure has its whole cost.

    Args:
        pids: whose work.
        at_rest: of a core, what they take while nobody asks them for anything: a JVM a tenth and more.

    Returns:
        the CPU seconds that they have taken meanwhile in any case.
    """
    began = time.monotonic()
    settled = max(SETTLED_SHARE, 1.5 * at_rest)
    while share_of(pids, SETTLE_S) >= settled and time.monotonic() < began + SETTLE_LIMIT_S:
        pass
    return at_rest * (time.monotonic() - began)


@dataclass(frozen=True)
class Interval:
    """What the machine did in some time, as shares of all its cores."""

    busy: float
    steal: float


class Machine:
    """Looks at /proc/stat now and again later."""

    def __init__(self) -> None:
        self._began = self._read()

    def since(self) -> Interval:
        now = self._read()
        ticks = [after - before for before, after in zip(self._began, now, strict=True)]
        idle = ticks[3] + ticks[4]
        total = sum(ticks) or 1
        return Interval((total - idle) / total, ticks[STEAL] / total)

    @staticmethod
    def _read() -> list[int]:
        line = Path("/proc/stat").read_text().split("\n", 1)[0]
        return [int(field) for field in line.split()[1:9]]


def describe() -> dict[str, str]:
    """Return what a reader of figures wants to know of the machine."""
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.+)", info)
    memory = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return {
        "processor": model[1] if model else "unknown",
        "cores": str(CORES),
        "memory": f"{int(memory[1]) / (1 << 20):.0f} GiB" if memory else "unknown",
        "kernel": os.uname().release,
        "load at the start": " ".join(f"{value:.1f}" for value in os.getloadavg()),
    }
