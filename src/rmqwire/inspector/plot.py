"""Pictures of a store: message sizes and rates over time, growth of queues (``--plot``).

matplotlib is an extra (``pip install rmqwire[plot]``) and imported only here, only when asked for.
The rows are counted as they come; what is kept grows with time slices and queues, not messages.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Row = dict[str, Any]

MAX_QUEUES = 12  # lines with a name; the others are drawn grey
_NAME = 48  # characters of a name
_SLICES = 120  # points on the time axis at most
_TICK_MS = 100  # finest resolution of the time axis
_SIZE_BINS = 48
_DPI = 110
INCHES = (11, 8)


def pyplot() -> Any:  # noqa: ANN401  the extra needn't be there when types are checked
    """Import matplotlib for files only.

    Raises:
        UsageError: it isn't installed.
    """
    try:
        import_module("matplotlib").use("Agg")
    except ImportError:
        text = "--plot needs matplotlib, which isn't installed: pip install 'rmqwire[plot]'"
        raise UsageError(text) from None
    return import_module("matplotlib.pyplot")


class CommitLogPlot:
    """Count the records of a log and draw them.

    Args:
        path: the picture to write.

    Raises:
        UsageError: matplotlib isn't installed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._plt = pyplot()
        self._ticks: dict[int, list[int]] = defaultdict(lambda: [0, 0])  # messages, bytes
        self._sizes: dict[int, int] = defaultdict(int)

    def rows(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Count rows and pass them on."""
        for row in rows:
            if row["kind"] == "message":
                tick = self._ticks[row["storeTimestamp"] // _TICK_MS]
                tick[0] += 1
                tick[1] += row["size"]
                self._sizes[row["size"]] += 1
            yield row

    def save(self) -> None:
        """Draw sizes and rates into the file.

        Raises:
            UsageError: there is nothing to draw.
            OSError: the file can't be written.
        """
        if not self._ticks:
            raise UsageError("--plot: there is no message to draw")
        figure, (sizes, rate) = self._plt.subplots(2, 1, figsize=INCHES)
        self._draw_sizes(sizes)
        self._draw_rate(rate)
        save_figure(figure, self._path)

    def _draw_sizes(self, axes: Any) -> None:  # noqa: ANN401  matplotlib's
        values, weights = list(self._sizes), list(self._sizes.values())
        axes.hist(values, bins=_SIZE_BINS, weights=weights, color="tab:blue")
        axes.set_title(f"Record sizes of {sum(weights)} messages")
        axes.set_xlabel("bytes")
        axes.set_ylabel("messages")
        axes.grid(alpha=0.3)

    def _draw_rate(self, axes: Any) -> None:  # noqa: ANN401  matplotlib's
        first, last = min(self._ticks), max(self._ticks)
        width = -(-(last - first + 1) // _SLICES)  # ticks in a slice
        seconds = width * _TICK_MS / 1000
        count = (last - first) // width + 1
        messages, kibibytes = [0.0] * count, [0.0] * count
        for tick, (number, size) in self._ticks.items():
            messages[(tick - first) // width] += number / seconds
            kibibytes[(tick - first) // width] += size / 1024 / seconds
        moments = times([(first + width * index) * _TICK_MS for index in range(count)])
        axes.set_title(f"Stored per second, means of {seconds:g} s")
        axes.plot(moments, messages, color="tab:blue", marker=".")
        axes.set_ylabel("messages/s (line)", color="tab:blue")
        axes.set_ylim(bottom=0)
        right = axes.twinx()
        right.fill_between(moments, kibibytes, color="tab:orange", alpha=0.35, step="mid")
        right.set_ylabel("KiB/s (area)", color="tab:orange")
        right.set_ylim(bottom=0)
        axes.tick_params(axis="x", rotation=20)
        axes.grid(alpha=0.3)


class ConsumeQueuePlot:
    """Follow the queues through the log and draw how they grew.

    The time of a unit stands in the log, so growth is drawn over the log's offset.

    Args:
        path: the picture to write.

    Raises:
        UsageError: matplotlib isn't installed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._plt = pyplot()
        self._points: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._steps: dict[str, int] = defaultdict(lambda: 1)
        self._ends: dict[str, tuple[int, int]] = {}

    def rows(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Take some points of each queue and pass the rows on."""
        for row in rows:
            name = f"{row['topic']}:{row['queueId']}"
            point = (row["physicalOffset"], row["queueOffset"] + row.get("messages", 1))
            points, step = self._points[name], self._steps[name]
            if row["queueOffset"] % step == 0:
                points.append(point)
                if len(points) > 2 * _SLICES:
                    del points[1::2]
                    self._steps[name] = step * 2
            self._ends[name] = point
            yield row

    def save(self) -> None:
        """Draw the queues into the file.

        Raises:
            UsageError: there is nothing to draw.
            OSError: the file can't be written.
        """
        if not self._points:
            raise UsageError("--plot: there is no unit to draw")
        figure, axes = self._plt.subplots(figsize=INCHES)
        colours = dict(zip(self._largest(), self._plt.get_cmap("tab20").colors, strict=False))
        unit, size = _unit_for(max(offset for offset, _ in self._ends.values()))
        for name in sorted(self._points, key=lambda one: self._ends[one][1], reverse=True):
            x, y = zip(*self._points[name], self._ends[name], strict=True)
            label = {"label": _shortened(name)} if name in colours else {}
            colour = colours.get(name, "lightgrey")
            axes.plot([at / size for at in x], y, color=colour, marker=".", markersize=3, **label)
        axes.set_title(f"Growth of {len(self._points)} queues")
        axes.set_xlabel(f"commit log offset, {unit}")
        axes.set_ylabel("messages in the queue")
        axes.legend(loc="upper left", fontsize="small")
        axes.grid(alpha=0.3)
        save_figure(figure, self._path)

    def _largest(self) -> Sequence[str]:
        by_size = sorted(self._ends, key=lambda name: self._ends[name][1], reverse=True)
        return by_size[:MAX_QUEUES]


def save_figure(figure: Any, path: Path) -> None:  # noqa: ANN401  matplotlib's
    """Write the picture ourselves, and close it: the library leaves a full disk unsaid."""
    figure.tight_layout()
    picture = BytesIO()
    figure.savefig(picture, dpi=_DPI, format=path.suffix[1:] or None)
    pyplot().close(figure)
    path.write_bytes(picture.getvalue())


def _shortened(name: str) -> str:
    """Cut a queue's name in the middle: its number stays."""
    return name if len(name) <= _NAME else f"{name[: _NAME // 2]}…{name[-_NAME // 2 :]}"


def _unit_for(largest: int) -> tuple[str, int]:
    """Return the unit (name, bytes) in which offsets up to ``largest`` are read best."""
    return ("KiB", 2**10) if largest < 4 * 2**20 else ("MiB", 2**20)


def times(times_ms: list[int]) -> list[datetime]:
    """Return local times without a zone: matplotlib would turn others into UTC."""
    return [datetime.fromtimestamp(ms / 1000).astimezone().replace(tzinfo=None) for ms in times_ms]
