"""Pictures of a timer wheel and its log (``--plot``)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rmqwire.errors import UsageError
from rmqwire.inspector.plot import INCHES, pyplot, save_figure, times

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Row = dict[str, Any]

MOST_UNITS = 20_000  # drawn; more would be one blot
MOST_CHAINS = 2_000
_SLICES = 200  # bars at most
_TICK_MS = 1_000


class TimerWheelPlot:
    """How many messages hang on each tick.

    Args:
        path: the picture to write.

    Raises:
        UsageError: matplotlib isn't installed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._plt = pyplot()
        self._waiting: Counter[int] = Counter()

    def rows(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Count rows and pass them on."""
        for row in rows:
            self._waiting[row["time"]] += row["num"]
            yield row

    def save(self) -> None:
        """Draw the slots into the file.

        Raises:
            UsageError: there is nothing to draw.
            OSError: the file can't be written.
        """
        if not self._waiting:
            raise UsageError("--plot: there is no slot to draw")
        first, last = min(self._waiting), max(self._waiting)
        width_ms = max(-(-(last - first + 1) // _SLICES), _TICK_MS)
        bars: Counter[int] = Counter()
        for time_ms, count in self._waiting.items():
            bars[first + (time_ms - first) // width_ms * width_ms] += count
        figure, axes = self._plt.subplots(figsize=INCHES)
        axes.bar(times(list(bars)), list(bars.values()), width=0.8 * width_ms / 86_400_000)
        total = sum(self._waiting.values())
        axes.set_title(f"Timer wheel: {total} messages on {len(self._waiting)} ticks")
        axes.set_ylabel(f"messages in {width_ms / 1000:g} s")
        axes.tick_params(axis="x", rotation=20)
        axes.grid(alpha=0.3)
        save_figure(figure, self._path)


class TimerLogPlot:
    """When each unit is due, and which units hang on one slot.

    Args:
        path: the picture to write.

    Raises:
        UsageError: matplotlib isn't installed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._plt = pyplot()
        self._units: list[Row] = []

    def rows(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Take rows, the first of very many, and pass all on."""
        for row in rows:
            if len(self._units) < MOST_UNITS:
                self._units.append(row)
            yield row

    def save(self) -> None:
        """Draw the units into the file.

        Raises:
            UsageError: there is nothing to draw.
            OSError: the file can't be written.
        """
        units = self._units
        if not units:
            raise UsageError("--plot: there is no unit to draw")
        figure, axes = self._plt.subplots(figsize=INCHES)
        due = dict(zip((unit["offset"] for unit in units), _due(units), strict=True))
        chains = [unit for unit in units if unit["prevPos"] in due][:MOST_CHAINS]
        for unit in chains:
            ends = unit["prevPos"], unit["offset"]
            axes.plot([due[end] for end in ends], ends, color="lightgrey", zorder=1)
        for name, colour, kind in (
            ("delivered at that time", "tab:blue", (False, False)),
            ("rolled at that time", "tab:orange", (True, False)),
            ("takes another out", "tab:red", (False, True)),
            ("takes another out, rolled", "tab:purple", (True, True)),
        ):
            those = [one for one in units if (one["roll"], one["delete"]) == kind]
            if those:
                axes.scatter(
                    _due(those),
                    [one["offset"] for one in those],
                    color=colour,
                    label=f"{name}: {len(those)}",
                    s=18,
                    zorder=2,
                )
        axes.set_title(f"Timer log: {len(units)} units, those of one slot joined")
        axes.set_xlabel("tick of its slot")
        axes.set_ylabel("position in the timer log, bytes")
        axes.legend(loc="upper left", fontsize="small")
        axes.tick_params(axis="x", rotation=20)
        axes.grid(alpha=0.3)
        save_figure(figure, self._path)


def _due(units: list[Row]) -> list[Any]:
    return times([unit["deliverTime"] for unit in units])
