"""What a check of a store found: problems, and notes that are no fault."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBLEM = "problem"
NOTE = "note"


@dataclass(slots=True)
class Finding:
    """One kind of finding in one place; ``offset`` and ``text`` are those of the first of them.

    Args:
        level: PROBLEM or NOTE.
        part: e.g. ``commitlog``.
        file: file or folder it was found in.
        offset: where, in the unit that ``text`` names; None if it is about the whole.
        text: what was found, for people.
        count: how many of them.
    """

    level: str
    part: str
    file: str
    offset: int | None
    text: str
    count: int = 1

    def row(self) -> dict[str, Any]:
        """Return the fields under their names."""
        return asdict(self)


class Findings:
    """Collect findings; the same kind in the same file is counted, so that memory stays bounded."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str, str], Finding] = {}

    def __iter__(self) -> Iterator[Finding]:
        """Go through the findings in the order they came."""
        return iter(self._found.values())

    def add(
        self,
        level: str,
        part: str,
        kind: str,
        file: object,
        offset: int | None,
        text: str,
        count: int = 1,
    ) -> None:
        """Add a finding, or count it to those of its ``kind`` in ``file``."""
        key = (level, part, kind, str(file))
        known = self._found.get(key)
        if known is None:
            self._found[key] = Finding(level, part, str(file), offset, text, count)
        else:
            known.count += count

    @property
    def problems(self) -> list[Finding]:
        """The findings that are faults."""
        return [finding for finding in self._found.values() if finding.level == PROBLEM]
