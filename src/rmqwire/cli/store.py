"""``rmqwire store``: check a store's folder, and repair one that is damaged."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from rmqwire.cli.output import say
from rmqwire.cli.runner import WrongUse, one_line
from rmqwire.disk.files import RealFiles
from rmqwire.errors import RmqError, UsageError
from rmqwire.inspector.export import export_messages
from rmqwire.inspector.findings import PROBLEM
from rmqwire.inspector.folder_check import lock_state
from rmqwire.inspector.java_users import take_users_over
from rmqwire.inspector.repair import apply_repair, check_cut, default_cut, plan_repair
from rmqwire.inspector.verify import StoreReport, log_segments, verify_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rmqwire.inspector.repair import RepairPlan

PROBLEMS_FOUND = 1

FOLDER = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
SLOTS = click.option(
    "--slots", type=click.IntRange(min=1), help="maxHashSlotNum of the broker, when not guessed."
)
DELAY_LEVELS = click.option(
    "--delay-levels", metavar="LEVELS", help="messageDelayLevel of the broker, when not default."
)


@click.group("store")
def store_group() -> None:
    """Check or repair a store's folder, Java's or ours, while no broker runs on it."""


@contextmanager
def _progress(root: Path, what: str) -> Iterator[Callable[[int], None] | None]:
    """Show a bar on a terminal; give what is told the bytes done, None without a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    total = sum(segment.size for segment in log_segments(root))
    columns = TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def _unusable() -> Iterator[None]:
    """Turn what keeps a store from being looked at into one line and exit code 2."""
    try:
        yield
    except (RmqError, OSError) as error:
        raise WrongUse(one_line(error)) from error


def _checked(root: Path, slots: int | None, levels: str | None, *, crc: bool) -> StoreReport:
    if levels is not None and not all(
        word[:-1].isdigit() and word[-1] in "smhd" for word in levels.split()
    ):
        raise UsageError(f"--delay-levels {levels!r}: numbers with s, m, h or d, as in '1s 5s 1m'")
    with _progress(root, "checking") as progress:
        return verify_store(
            root, slots=slots, delay_levels=levels, check_crc=crc, progress=progress
        )


@store_group.command("verify")
@FOLDER
@SLOTS
@DELAY_LEVELS
@click.option("--no-crc", is_flag=True, help="Don't compare CRCs: faster.")
@AS_JSON
@click.pass_context
def verify(
    ctx: click.Context,
    folder: Path,
    slots: int | None,
    delay_levels: str | None,
    *,
    no_crc: bool,
    as_json: bool,
) -> None:
    """Check a store: log, consume queues, index, checkpoint, tables, timers, popping. Nothing is changed.

    DIR is the store's root (storePathRootDir). Exit codes: 0 clean; 1 problems; 2 no store, or
    it can't be read.
    """
    with _unusable():
        report = _checked(folder, slots, delay_levels, crc=not no_crc)
    say(json.dumps(report.row()) if as_json else report_text(report))
    ctx.exit(PROBLEMS_FOUND if report.problems else 0)


def report_text(report: StoreReport) -> str:
    """Write a report for people."""
    how = "closed" if report.clean_shutdown else "not closed (abort file)"
    lines = [
        f"{report.root}: {how}, lock {report.lock}",
        f"  commit log     {report.records} records, {report.log_start} to {report.log_end}",
        f"  consume queues {report.units} units in {report.queues} queues",
        f"  index          {report.index_entries} entries",
        f"  tables         {report.tables}",
        f"  timers         {report.timers}",
        f"  popping        {report.popping} check points and acks",
    ]
    for finding in report.findings:
        times = f" ({finding.count} times)" if finding.count > 1 else ""
        at = "" if finding.offset is None else f" at {finding.offset}"
        place = f"{finding.part} {finding.file}{at}"
        lines.append(f"{finding.level.upper():8}{place}: {finding.text}{times}")
    count = len(report.problems)
    lines.append("clean" if not count else f"{count} kinds of problems")
    return "\n".join(lines)


@store_group.command("repair")
@FOLDER
@click.option(
    "--export",
    "export",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every whole message to this new file, one JSON object per line.",
)
@click.option("--cut", is_flag=True, help="Cut the log at its first damage.")
@click.option("--at", type=click.IntRange(min=0), help="Cut there instead: a physical offset.")
@click.option("--rebuild", is_flag=True, help="Rebuild consume queues and index.")
@click.option(
    "--backup",
    type=click.Path(path_type=Path),
    help="New folder for what is changed. Default: DIR.repair-TIME beside DIR.",
)
@click.option("--yes", is_flag=True, help="Do it; without, only say what would be done.")
@SLOTS
@DELAY_LEVELS
@click.pass_context
def repair(  # noqa: PLR0913  one argument per option
    ctx: click.Context,
    folder: Path,
    export: Path | None,
    at: int | None,
    backup: Path | None,
    slots: int | None,
    delay_levels: str | None,
    *,
    cut: bool,
    rebuild: bool,
    yes: bool,
) -> None:
    """Report what is wrong with a store, export its messages, cut its log, or rebuild the rest.

    DIR is the store's root. Nothing in it is changed without --yes, and then a copy of what is
    changed lies in the backup folder first. Refused while a broker has the store open. Exit
    codes: 0 clean, or repaired; 1 problems remain; 2 no store, refused, or failed.
    """
    with _unusable():
        if yes and lock_state(folder / "lock") == "held":
            raise UsageError(f"{folder}: a broker has it open; stop it first")
        report = _checked(folder, slots, delay_levels, crc=True)
        say(report_text(report))
        if export is not None:
            _export(folder, export)
        plan = _planned(folder, report, at, cut=cut, rebuild=rebuild)
        if plan is None:
            if report.problems and export is None:
                say("nothing was changed: say how, with --cut, --at or --rebuild")
            ctx.exit(PROBLEMS_FOUND if report.problems else 0)
        say("\n".join(f"{'' if yes else 'would '}{step}" for step in plan.steps()))
        if not yes:
            say("nothing was changed: add --yes")
            ctx.exit(PROBLEMS_FOUND if report.problems else 0)
        ctx.exit(_repaired(plan, backup or _backup_folder(folder), slots, delay_levels))


def _planned(
    folder: Path, report: StoreReport, at: int | None, *, cut: bool, rebuild: bool
) -> RepairPlan | None:
    """Return what to do, None for nothing."""
    cut_at = at if at is not None else default_cut(report) if cut else None
    if cut and cut_at is None:
        say("there is nothing to cut: every record is whole")
    if cut_at is not None:
        check_cut(folder, report, cut_at)
    if cut_at is None and not rebuild:
        return None
    return plan_repair(folder, cut_at=cut_at, rebuild=rebuild)


def _export(folder: Path, target: Path) -> None:
    with target.open("x", encoding="utf-8") as out, _progress(folder, "exporting") as progress:
        count = export_messages(folder, out, progress=progress)
    say(f"{count} messages written to {target}")


def _backup_folder(folder: Path) -> Path:
    root = folder.resolve()
    return root.with_name(f"{root.name}.repair-{time.strftime('%Y%m%d-%H%M%S')}")


def _repaired(plan: RepairPlan, backup: Path, slots: int | None, levels: str | None) -> int:
    """Do it and check again; give the exit code."""
    done = apply_repair(plan, backup, RealFiles())
    if plan.cut_at is not None:
        say(f"cut at {plan.cut_at}: {done['lost']} messages behind it are in {backup}")
    say(f"the backup is {backup}")
    after = _checked(plan.root, slots, levels, crc=True)
    say(report_text(after))
    return PROBLEMS_FOUND if any(f.level == PROBLEM for f in after.findings) else 0


@store_group.command("import-users")
@FOLDER
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="Java's authConfigPath, where its RocksDBs users and acls are. Default: DIR/config.",
)
def import_users(folder: Path, source: Path | None) -> None:
    """Take over the users and policies of access control 2.0 that a Java broker kept in RocksDB.

    DIR is the store's root; they go to config/auth.json in it. Java's files are read only. Users
    that are there already stay as they are. Refused while a broker has the store open.
    """
    with _unusable():
        done = take_users_over(folder, source or folder / "config")
    say(
        "\n".join(
            [*(f"imported {name}" for name in done.fresh), *(f"kept {name}" for name in done.kept)]
        )
    )
