"""What the Python clients have to reach beside Java's: bounds of ratios of medians of one run."""

from __future__ import annotations

from bench.aims import Aim
from bench.table import View

TRIO, AIO, BLOCKING, GO = "trio", "aio", "blocking", "go"
FACES = (TRIO, AIO, BLOCKING)


def _every(bound: float) -> dict[str, float]:
    return dict.fromkeys(FACES, bound)


AIMS = (
    Aim("one send at a time", "sync/1", "p50_us", {AIO: 1.5, BLOCKING: 1.5}, is_upper=True),
    Aim("one send at a time", "sync/1", "cpu_us", {}),
    Aim("16 senders", "sync/16", "rate", {}),
    Aim("64 senders", "sync/64", "rate", {}),
    Aim("64 senders", "sync/64", "cpu_us", {}),
    Aim("async sends, 256 under way", "async/256", "rate", {TRIO: 1}),
    Aim("async sends, 256 under way", "async/256", "cpu_us", {}),
    Aim("4 senders of batches of 32", "batch/4", "rate", {}),
    Aim("4 senders of batches of 32", "batch/4", "cpu_us", {}),
    Aim("consuming, a message a call", "consume/1", "rate", _every(1)),
    Aim("consuming, a message a call", "consume/1", "cpu_us", {}),
    Aim("consuming, at most 32 a call", "consume/32", "rate", _every(1)),
    Aim("consuming, at most 32 a call", "consume/32", "cpu_us", {}),
)
CLIENTS = View(
    "client",
    {TRIO: "trio (aim)", AIO: "asyncio (aim)", BLOCKING: "threads (aim)", GO: "Go 2.1.2"},
    AIMS,
)
