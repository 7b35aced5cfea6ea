"""How a cost grows with a size: the exponent of a power law through the medians."""

from __future__ import annotations

import math
from collections.abc import Sequence

FLAT = 0.1  # an exponent up to this is noise: the cost doesn't depend on the size


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
    return "grows slowly" if value < 0.3 else "**grows**"
