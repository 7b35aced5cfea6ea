"""Figures that a test shows whoever runs it."""

import sys


def report(capsys, text) -> None:
    """Show a figure in the run's output, whatever is captured."""
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")


def percentile(values, share):
    """Return the value below which ``share`` of all lie."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
