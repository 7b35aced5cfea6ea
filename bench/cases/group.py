"""A group of cases: what they are called, and what runs those of them that are wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.rounds import Bench


@dataclass(frozen=True)
class Group:
    """Cases that share servers.

    Args:
        about: what they show, in one line.
        names: of all cases.
        default: names of those that run when none is named.
        run: measures the cases of the given names.
    """

    about: str
    names: Sequence[str]
    default: Sequence[str]
    run: Callable[[Bench, list[str]], None]
