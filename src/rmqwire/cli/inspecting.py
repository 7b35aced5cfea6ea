"""What all commands of ``rmqwire inspect`` have in common: options, tables, pictures."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from rmqwire.cli.output import note, say
from rmqwire.cli.table import print_table
from rmqwire.errors import RmqError
from rmqwire.inspector.text import local_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rmqwire.cli.table import Column

Row = dict[str, Any]

DEFAULT_LIMIT = 50  # rows of a table; --json prints all


class Plot(Protocol):
    """A picture that rows are drawn into."""

    def rows(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Take rows and pass them on."""

    def save(self) -> None:
        """Draw what was taken."""


def time_of(name: str) -> Callable[[Row], str]:
    """Return what shows a field, ms since the epoch, as local time."""
    return lambda row: local_time(row[name]) if name in row else ""


def row_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every command has."""
    for add in (
        click.option(
            "--json", "as_json", is_flag=True, help="One JSON object per line, whole bodies."
        ),
        click.option(
            "--limit",
            type=click.IntRange(min=0),
            help=f"Rows at most; 0 for all. Default: {DEFAULT_LIMIT} in a table, all with --json.",
        ),
        click.option("--offset", type=click.IntRange(min=0), help="Where to begin, see above."),
    ):
        command = add(command)
    return command


def show(
    rows: Iterator[Row], columns: Sequence[Column], *, as_json: bool, limit: int | None
) -> None:
    """Print rows as they come, or as one table; an error comes after the rows before it."""
    if limit is None:
        limit = 0 if as_json else DEFAULT_LIMIT
    shown = itertools.islice(rows, limit) if limit else rows
    failure: RmqError | None = None
    try:
        if as_json:
            for row in shown:
                say(json.dumps(row, ensure_ascii=False))
        else:
            failure = print_table(shown, columns)
        more = limit and failure is None and next(rows, None) is not None
    except RmqError as error:
        failure = error
        more = False
    if failure is not None:
        raise failure
    if more:
        note(f"… more than {limit} rows: --limit 0 for all")


PLOT = click.option(
    "--plot",
    metavar="FILE.png",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw all rows into this file instead of printing them.",
)
PATHS = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))


def show_or_draw(
    rows: Iterator[Row],
    columns: Sequence[Column],
    kind: Callable[[Path], Plot],
    plot: Path | None,
    *,
    as_json: bool,
    limit: int | None,
) -> None:
    """Print rows, or draw them where ``--plot`` names a picture."""
    if plot is None:
        show(rows, columns, as_json=as_json, limit=limit)
    else:
        _draw(rows, kind, plot)


def _draw(rows: Iterator[Row], kind: Callable[[Path], Plot], path: Path) -> None:
    """Draw what there is; an error comes after the rows before it were drawn."""
    failure: RmqError | None = None
    plot = kind(path)
    try:
        for _ in plot.rows(rows):
            pass
    except RmqError as error:
        failure = error
    plot.save()
    say(f"drawn into {path}")
    if failure is not None:
        raise failure
