"""What a run of the benchmark found: rounds of figures by case and kind, their medians and ratios."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from bench.sides import JAVA

Figures = dict[str, float]  # metric -> value of one round

LOWER_IS_BETTER = frozenset(
    {"cpu_us", "p50_us", "p99_us", "p999_us", "seconds", "rss_mib", "idle_cpu", "ms"}
)


@dataclass
class Results:
    """All rounds, in the order in which they were measured.

    Args:
        machine: what it ran on.
        rounds: case -> kind -> figures of each round.
        notes: what the reader of the table must know.
    """

    machine: dict[str, str] = field(default_factory=dict)
    rounds: dict[str, dict[str, list[Figures]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    notes: list[str] = field(default_factory=list)

    def add(self, case: str, kind: str, figures: Figures) -> None:
        self.rounds[case][kind].append(figures)

    def values(self, case: str, kind: str, metric: str) -> list[float]:
        rounds = self.rounds.get(case, {}).get(kind, [])
        return [figures[metric] for figures in rounds if metric in figures]

    def median(self, case: str, kind: str, metric: str) -> float | None:
        values = self.values(case, kind, metric)
        return statistics.median(values) if values else None

    def spread(self, case: str, kind: str, metric: str) -> tuple[float, float] | None:
        """Return the least and the greatest of all rounds."""
        values = self.values(case, kind, metric)
        return (min(values), max(values)) if values else None

    def ratio(self, case: str, kind: str, metric: str, to: str = JAVA) -> float | None:
        """Return the median of a kind over that of another one."""
        ours, theirs = self.median(case, kind, metric), self.median(case, to, metric)
        return ours / theirs if ours is not None and theirs else None

    def metrics(self, case: str) -> list[str]:
        """Return the metrics of a case in the order in which they were measured."""
        rounds = [figures for kind in self.rounds[case].values() for figures in kind]
        return list(dict.fromkeys(metric for figures in rounds for metric in figures))

    def save(self, path: Path) -> None:
        data = {"machine": self.machine, "notes": self.notes, "rounds": self.rounds}
        path.write_text(json.dumps(data, indent=1))

    @classmethod
    def load(cls, path: Path) -> Results:
        data = json.loads(path.read_text())
        found = cls(data["machine"], notes=data["notes"])
        for case, kinds in data["rounds"].items():
            found.rounds[case] = defaultdict(list, kinds)
        return found
