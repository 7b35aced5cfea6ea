"""Tables for people: one row per line, whatever the width of the terminal."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rmqwire.cli.output import note, say
from rmqwire.errors import RmqError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Row = dict[str, Any]

CELL_WIDTH = 40  # characters of another cell
PIPE_WIDTH = 1000  # characters of a table that goes to a file or a pipe: never cut
FLEXIBLE_WIDTH = 24  # characters that a cut column keeps
GAP = 2  # blanks between two columns

_CONTROL_PICTURES = {code: 0x2400 + code for code in range(32)}


class Column:
    """A column of a table.

    Args:
        title: its heading.
        value: a row's key, or how the cell is made from a row.
        right: aligned to the right.
        optional: left out when the terminal is too narrow for all.
        flexible: cut to what the others leave of the terminal's width.
        sparse: left out when no row has it.
    """

    __slots__ = ("flexible", "optional", "right", "sparse", "title", "value")

    def __init__(
        self,
        title: str,
        value: str | Callable[[Row], object],
        *,
        right: bool = False,
        optional: bool = False,
        flexible: bool = False,
        sparse: bool = False,
    ) -> None:
        self.title = title
        self.value = value
        self.right = right
        self.optional = optional
        self.flexible = flexible
        self.sparse = sparse

    def cell(self, row: Row) -> str:
        """Return the cell on one line."""
        value = row.get(self.value, "") if isinstance(self.value, str) else self.value(row)
        text = "" if value is None else str(value)
        return " ".join(text.split()).translate(_CONTROL_PICTURES)


def clip(text: str, width: int = CELL_WIDTH) -> str:
    """Cut a text that is too long, with an ellipsis."""
    return text if len(text) <= width else text[: width - 1] + "…"


def print_table(rows: Iterable[Row], columns: Sequence[Column]) -> RmqError | None:
    """Print the rows there are; give the error that ended them."""
    cells: list[list[str]] = []
    failure = None
    try:
        for row in rows:
            cells.append([column.cell(row) for column in columns])  # noqa: PERF401  rows before an error count
    except RmqError as error:
        failure = error
    if cells:
        used = [
            i for i, one in enumerate(columns) if not one.sparse or any(row[i] for row in cells)
        ]
        _print([[row[i] for i in used] for row in cells], [columns[i] for i in used])
    elif failure is None:
        note("nothing to show")
    return failure


def _print(cells: list[list[str]], columns: Sequence[Column]) -> None:
    console = Console(file=sys.stdout or io.StringIO(), highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    with console.capture() as lines:
        console.print(_table(cells, columns, console.width))
    say("\n".join(line.rstrip() for line in lines.get().splitlines()))


def _table(cells: list[list[str]], columns: Sequence[Column], width: int) -> Table:
    """Lay the cells out in ``width`` characters: drop what is optional, cut what is flexible."""
    widths = [
        max(len(column.title), *(cell_len(row[i]) for row in cells))
        for i, column in enumerate(columns)
    ]
    kept = _fit(widths, columns, width)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    for i in kept:
        justify: Literal["left", "right"] = "right" if columns[i].right else "left"
        table.add_column(columns[i].title, justify=justify, no_wrap=True, width=widths[i])
    for row in cells:
        texts = [Text(row[i]) for i in kept]
        for text, i in zip(texts, kept, strict=True):
            text.truncate(widths[i], overflow="ellipsis")
        table.add_row(*texts)
    return table


def _fit(widths: list[int], columns: Sequence[Column], width: int) -> list[int]:
    """Choose the columns that fit and narrow the flexible ones among them, in ``widths``."""
    kept = list(range(len(columns)))

    def needed() -> int:
        return sum(
            GAP + (min(widths[i], FLEXIBLE_WIDTH) if columns[i].flexible else widths[i])
            for i in kept
        )

    for i in reversed(range(len(columns))):
        if columns[i].optional and needed() > width:
            kept.remove(i)
    flexible = [i for i in kept if columns[i].flexible]
    left = width - sum(GAP + widths[i] for i in kept if i not in flexible)
    for n, i in enumerate(sorted(flexible, key=lambda i: widths[i])):
        widths[i] = max(min(widths[i], left // (len(flexible) - n) - GAP), len(columns[i].title))
        left -= widths[i] + GAP
    return kept
