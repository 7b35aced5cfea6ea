"""How costs grow with sizes: the exponent of a power law through the medians."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.results import Results

FLAT = 0.1  # an exponent up to this is noise: the cost doesn't depend on the size
SLOW = 0.3  # from here the cost grows with the size


@dataclass(frozen=True)
class Family:
    """Cases that differ by one size.

    Args:
        about: the cost and the size.
        cases: size -> case.
        metric: the cost; the inverse of a ``rate`` is one, in µs.
        is_of_message: each message has this cost, so it must not depend on the size.
    """

    about: str
    cases: dict[int, str]
    metric: str
    is_of_message: bool = True

    def cost(self, results: Results, case: str, kind: str) -> float | None:
        value = results.median(case, kind, self.metric)
        return 1e6 / value if value and self.metric == "rate" else value

    def points(self, results: Results, kind: str) -> list[tuple[int, float]]:
        """Return (size, cost) of what was measured of a kind."""
        found = [(size, self.cost(results, case, kind)) for size, case in self.cases.items()]
        return [(size, cost) for size, cost in found if cost]


def _sizes(pattern: str, sizes: Sequence[int]) -> dict[int, str]:
    return {size: pattern.format(size) for size in sizes}


TOPICS, MIBS = (1, 100, 10_000), (16, 128, 512, 1024)
FAMILIES = (
    Family("CPU of a send, by the topics there are", _sizes("topics/{}", TOPICS), "cpu_us"),
    Family("CPU of a send, by the topics sent to", _sizes("topics/{}/all", TOPICS), "cpu_us"),
    Family("ms to create a topic, by the topics", _sizes("topics/{}/create", TOPICS), "ms", is_of_message=False),
    Family(
        "µs between sends, by all connections of which 64 send",
        {64 + idle: f"connections/{idle}" for idle in (0, 100, 1000, 5000)}, "rate",
    ),
    Family("CPU of a send, by queues", _sizes("growth/queues/{}", (4, 64, 1024)), "cpu_us"),
    Family(
        "CPU of a pulled message, by the queue's backlog",
        _sizes("growth/backlog/{}", (4_096, 65_536, 1_048_576)), "cpu_us",
    ),
    Family(
        "s to start, by MiB of the log",
        _sizes("growth/start/{}", MIBS), "seconds", is_of_message=False,
    ),
    Family(
        "s to recover, by MiB of the log",
        _sizes("growth/recovery/{}", MIBS), "seconds", is_of_message=False,
    ),
)  # fmt: skip


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return k of cost ~ size ** k, by least squares over the logarithms.

    Raises:
        ValueError: there are not two different sizes, or one of the values is not positive.
    """
    if len(set(sizes)) < 2 or min(*sizes, *costs) <= 0:
        raise ValueError(f"no power law fits {list(sizes)} and {list(costs)}")
    xs, ys = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    covariance = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return covariance / sum((x - x_mean) ** 2 for x in xs)


def verdict(value: float) -> str:
    """Say what an exponent means."""
    if value <= FLAT:
        return "flat"
    return "grows slowly" if value < SLOW else "**grows**"


def worse_than_constant(results: Results, kind: str) -> list[str] | None:
    """Name each cost of a message that grows with a size, with its exponent; None: none was measured."""
    powers = {
        family.about: exponent(*zip(*points, strict=True))
        for family in FAMILIES
        if family.is_of_message
        for points in [family.points(results, kind)]
        if len(points) > 1
    }
    if not powers:
        return None
    return [f"{about} (n^{power:.2f})" for about, power in powers.items() if power > FLAT]


def rows(results: Results, kinds: Sequence[str]) -> Iterator[list[str]]:
    """Return a line of the table for each family: what it is, its sizes, a cell for each kind."""
    for family in FAMILIES:
        measured = {kind: family.points(results, kind) for kind in kinds}
        sizes = sorted({size for points in measured.values() for size, _ in points})
        if len(sizes) > 1:
            shown = ", ".join(f"{size:,}" for size in sizes)
            yield [family.about, shown, *(_cell(points) for points in measured.values())]


def _cell(points: list[tuple[int, float]]) -> str:
    if len(points) < 2:
        return ""
    sizes, costs = zip(*points, strict=True)
    power = exponent(sizes, costs)
    return f"{', '.join(f'{cost:.3g}' for cost in costs)}: n^{power:.2f}, {verdict(power)}"
