"""A picture of the revive log (``--plot``): what was popped, for how long, and what was acknowledged."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from rmqwire.codec.pop import CK_TAG
from rmqwire.errors import UsageError
from rmqwire.inspector.plot import INCHES, pyplot, save_figure, times
from rmqwire.inspector.revive import ARRIVED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Row = dict[str, Any]
Key = tuple[str, int, str, int, int]

MOST_POINTS = 2_000  # drawn; more would be one blot


class PopPlot:
    """Check points as lines from the pop to the end of its time, acks on them.

    Args:
        path: the picture to write.

    Raises:
        UsageError: matplotlib isn't installed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._plt = pyplot()
        self._points: dict[Key, Row] = {}
        self._acks: dict[Key, dict[int, int]] = defaultdict(dict)  # offset -> when it was stored
        self._arrived: dict[Key, int] = {}

    def rows(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Take rows and pass them on; a record counts where it stands first."""
        for row in rows:
            key = tuple(
                row[name] for name in ("topic", "queueId", "group", "startOffset", "popTime")
            )
            if row["kind"] != CK_TAG:
                for offset in row["offsets"]:
                    self._acks[key].setdefault(offset, row["storeTimestamp"])
            elif len(self._points) < MOST_POINTS:
                self._points.setdefault(key, row)
                if row["state"] == ARRIVED:
                    self._arrived.setdefault(key, row["storeTimestamp"])
            yield row

    def save(self) -> None:
        """Draw the check points into the file.

        Raises:
            UsageError: there is nothing to draw.
            OSError: the file can't be written.
        """
        if not self._points:
            raise UsageError("--plot: there is no check point to draw")
        figure, axes = self._plt.subplots(figsize=INCHES)
        messages = acknowledged = 0
        for height, (key, point) in enumerate(self._points.items()):
            acks = self._acks.get(key, {})
            messages += len(point["offsets"])
            acknowledged += len(acks.keys() & set(point["offsets"]))
            whole = acks.keys() >= set(point["offsets"])
            ends = times([point["popTime"], point["visibleTime"]])
            colour = "tab:green" if whole else "tab:orange"
            axes.plot(ends, [height, height], color=colour, linewidth=2, zorder=1)
            self._mark(axes, list(acks.values()), height, "o", "tab:green")
            if key in self._arrived:
                self._mark(axes, [self._arrived[key]], height, "|", "black")
        axes.set_title(
            f"Popped: {len(self._points)} check points, {acknowledged} of {messages} messages "
            "acknowledged"
        )
        axes.set_xlabel(
            "line: from the pop until its messages are visible again, green if all are "
            "acknowledged; dot: an ack; bar: the check point has arrived"
        )
        names = [f"{p['group']} {p['topic']}:{p['queueId']}" for p in self._points.values()]
        if len(names) <= 40:
            axes.set_yticks(range(len(names)), names, fontsize="small")
        else:
            axes.set_ylabel("check points, in the order of the log")
        axes.tick_params(axis="x", rotation=20)
        axes.grid(alpha=0.3)
        save_figure(figure, self._path)

    @staticmethod
    def _mark(axes: Any, at_ms: list[int], height: int, marker: str, colour: str) -> None:  # noqa: ANN401  matplotlib's
        if at_ms:
            heights = [height] * len(at_ms)
            axes.scatter(times(at_ms), heights, marker=marker, color=colour, s=40, zorder=2)
