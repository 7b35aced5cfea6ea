"""Results as pictures: rates and CPU beside Java, and how costs grow."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from bench.growth import FAMILIES
from bench.results import Results

COLOURS = {"java": "#b07219", "python": "#3572a5", "native": "#4d9e3f"}


def draw(results: Results, folder: Path) -> Iterator[str]:
    """Write the pictures; give a line for each, or one that says why there is none."""
    if not find_spec("matplotlib"):
        yield "no plots: `pip install rmqwire[plot]` brings matplotlib"
        return
    import_module("matplotlib").use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    for metric, title in (("rate", "messages per second"), ("cpu_us", "CPU µs per message")):
        file = folder / f"{metric}.png"
        if _bars(results, metric, title, file):
            yield str(file)
    if _curves(results, folder / "growth.png"):
        yield str(folder / "growth.png")


def _bars(results: Results, metric: str, title: str, file: Path) -> bool:
    """Draw one group of bars for each case, log scale: cases differ by orders of magnitude."""
    plt = import_module("matplotlib.pyplot")
    cases = [c for c in results.rounds if any(results.median(c, k, metric) for k in COLOURS)]
    if not cases:
        return False
    figure, axes = plt.subplots(figsize=(10, 1 + 0.45 * len(cases)))
    for place, (kind, colour) in enumerate(COLOURS.items()):
        values = [results.median(case, kind, metric) or 0 for case in cases]
        spreads = [results.spread(case, kind, metric) or (0, 0) for case in cases]
        errors = [
            [max(value - low, 0) for value, (low, _) in zip(values, spreads, strict=True)],
            [max(high - value, 0) for value, (_, high) in zip(values, spreads, strict=True)],
        ]
        ys = [row + 0.27 * (place - 1) for row in range(len(cases))]
        axes.barh(ys, values, height=0.25, color=colour, label=kind, xerr=errors, capsize=2)
    axes.set_yticks(range(len(cases)), cases)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel(title)
    axes.legend()
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    plt.close(figure)
    return True


def _curves(results: Results, file: Path) -> bool:
    """Draw each cost by its size, both on log scales: a power law is a line, O(1) a flat one."""
    plt = import_module("matplotlib.pyplot")
    families = [
        family
        for family in FAMILIES
        if any(len(family.points(results, kind)) > 1 for kind in COLOURS)
    ]
    if not families:
        return False
    figure, grid = plt.subplots(len(families), 1, figsize=(8, 2.6 * len(families)), squeeze=False)
    for family, axes in zip(families, grid[:, 0], strict=True):
        for kind, colour in COLOURS.items():
            if points := family.points(results, kind):
                axes.plot(*zip(*points, strict=True), "o-", color=colour, label=kind)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(family.about, fontsize="medium")
        axes.legend()
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    plt.close(figure)
    return True
