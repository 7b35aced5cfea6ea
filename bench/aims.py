"""What rmqwire has to reach beside Java: bounds of ratios of medians of one run."""

from __future__ import annotations

from dataclasses import dataclass

from bench.results import Results
from bench.sides import JAVA, NATIVE, PYTHON


@dataclass(frozen=True)
class Aim:
    """One row of the table.

    Args:
        about: the row's name.
        name: the case; ``{kind}`` in it is replaced.
        metric: of its figures.
        bounds: kind -> what the ratio must keep; without one it is only shown.
        is_upper: the ratio must be at most, not at least, that.
        other: the case to compare with, of the same kind unless ``{kind}`` is in ``name``; "": Java's.
    """

    about: str
    name: str
    metric: str
    bounds: dict[str, float]
    is_upper: bool = False
    other: str = ""

    def case(self, kind: str) -> str:
        return self.name.format(kind=kind)

    @property
    def to_case(self) -> str:
        return self.case(JAVA)

    @property
    def to_kind(self) -> str:
        return JAVA

    def ratio(self, results: Results, kind: str) -> float | None:
        """Return the ratio of a kind's median to Java's, or to its own in the other case."""
        ours = results.median(self.case(kind), kind, self.metric)
        if self.other:
            theirs = results.median(self.other, kind, self.metric)
        else:
            theirs = results.median(self.to_case, JAVA, self.metric)
        return ours / theirs if ours is not None and theirs else None


def at_least(about: str, name: str, metric: str, native: float, python: float, **more: str) -> Aim:
    return Aim(about, name, metric, {NATIVE: native, PYTHON: python}, **more)


def at_most(about: str, name: str, metric: str, native: float, python: float, **more: str) -> Aim:
    return Aim(about, name, metric, {NATIVE: native, PYTHON: python}, is_upper=True, **more)


def shown(about: str, name: str, metric: str) -> Aim:
    """Make a row without a bound."""
    return Aim(about, name, metric, {})


FEW, MANY, LONE = (f"send/128B/{shape}/ROCKETMQ/async" for shape in ("1x64", "64x1", "1x1"))
AIMS = (
    at_least("send 128 B, 1x64", FEW, "rate", 2, 1),
    at_most("send 128 B, 1x64", FEW, "cpu_us", 0.3, 0.8),
    at_least("send 128 B, 64x1", MANY, "rate", 2, 1),
    at_most("send 128 B, 64x1", MANY, "cpu_us", 0.4, 0.9),
    at_most("send 128 B, 1x1", LONE, "p50_us", 0.6, 0.8),
    at_most("send 128 B, 1x1", LONE, "cpu_us", 0.4, 0.6),
    at_least("batches of 32 x 128 B", "batch/32x128B", "rate", 2, 1),
    shown("batches of 32 x 128 B", "batch/32x128B", "cpu_us"),
    at_least("pull, hot, 128 B", "pull/hot/128B", "rate", 2, 1.2),
    shown("pull, hot, 128 B", "pull/hot/128B", "cpu_us"),
    at_least("pull, catch-up from the disk, 1 KiB", "pull/cold/1KiB", "rate", 2, 1.2),
    shown("pull, catch-up from the disk, 1 KiB", "pull/cold/1KiB", "cpu_us"),
    at_least("send 128 B, 64x1, SYNC_FLUSH", "send/128B/64x1/ROCKETMQ/sync", "rate", 1.5, 1.2),
    shown("send 128 B, 64x1, SYNC_FLUSH", "send/128B/64x1/ROCKETMQ/sync", "cpu_us"),
    at_least("send 128 B, 64x1, SYNC_MASTER", "ha/sync-master", "rate", 1.5, 1.2),
    at_least("catch-up behind a Java master", "ha/catch-up/java-{kind}", "mb_s", 1.5, 1),
    at_most("start to the first accepted send", "start", "seconds", 0.07, 0.07),
    at_most("resident memory, idle", "idle", "rss_mib", 0.12, 0.12),
    at_most("CPU, idle", "idle", "idle_cpu", 0.1, 0.1),
    at_least(
        "64 active and 5,000 idle, beside 64 alone",
        "connections/5000", "rate", 0.95, 0.95, other="connections/0",
    ),
    at_most("10,000 topics: create one", "topics/10000/create", "ms", 1, 1),
    at_least(
        "10,000 topics: send to one, beside a broker with one",
        "topics/10000", "rate", 0.95, 0.95, other="topics/1",
    ),
    at_least(
        "10,000 topics: send to all in turn, beside one",
        "topics/10000/all", "rate", 0.95, 0.95, other="topics/1",
    ),
)  # fmt: skip
