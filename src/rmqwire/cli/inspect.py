"""``rmqwire inspect``: look into store files and frames without a running broker."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmqwire.cli.output import note, say, stdin_bytes
from rmqwire.cli.table import Column, clip, print_table
from rmqwire.codec.timer import DEFAULT_PRECISION_MS
from rmqwire.errors import RmqError
from rmqwire.inspector.checkpoint import checkpoint_rows
from rmqwire.inspector.commitlog import commit_log_rows
from rmqwire.inspector.config import config_rows
from rmqwire.inspector.consumequeue import consume_queue_rows
from rmqwire.inspector.consumequeue_ext import ext_rows
from rmqwire.inspector.frame import frame_rows
from rmqwire.inspector.index import index_rows
from rmqwire.inspector.plot import CommitLogPlot, ConsumeQueuePlot
from rmqwire.inspector.text import local_time
from rmqwire.inspector.timer import timer_log_rows, timer_wheel_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Row = dict[str, Any]

DEFAULT_LIMIT = 50  # rows of a table; --json prints all
BODY_WIDTH = 48  # characters of a body in a table


def _time(name: str) -> Callable[[Row], str]:
    return lambda row: local_time(row[name]) if name in row else ""


def _body(row: Row) -> str:
    if "messages" in row:
        return f"{len(row['messages'])} messages"
    body: str = row.get("body", "")
    prefix = "0x" if row.get("bodyEncoding") == "hex" and body else ""
    length = row.get("bodyLength", 0)
    if len(body) + len(prefix) <= BODY_WIDTH:
        return prefix + body
    return f"{prefix}{body[: BODY_WIDTH - len(prefix)]}… ({length} bytes)"


def _queue(row: Row) -> str:
    if "topic" not in row:
        return f"({row['kind']})"
    return f"{clip(row['topic'])}:{row['queueId']}"


def _key(row: Row) -> str:
    properties = row.get("properties") or {}
    return clip(properties.get("KEYS") or properties.get("UNIQ_KEY") or "")


def _compact(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fields(row: Row) -> str:
    found = row.get("extFields") or {}
    text = " ".join(f"{name}={value}" for name, value in found.items())
    if row.get("remark"):
        text = f"{row['remark']!r} {text}"
    return clip(text, 2 * BODY_WIDTH)


COMMIT_LOG = (
    Column("offset", "offset", right=True),
    Column("size", "size", right=True, optional=True),
    Column("topic:queue", _queue),
    Column("queueOffset", "queueOffset", right=True),
    Column("stored", _time("storeTimestamp"), optional=True),
    Column("born host", "bornHost", optional=True),
    Column("tags", lambda row: (row.get("properties") or {}).get("TAGS"), optional=True),
    Column("key", _key, optional=True),
    Column("body", _body, flexible=True),
)
CONSUME_QUEUE = (
    Column("topic", lambda row: clip(row["topic"])),
    Column("queue", "queueId", right=True),
    Column("queueOffset", "queueOffset", right=True),
    Column("physicalOffset", "physicalOffset", right=True),
    Column("size", "size", right=True),
    Column("tagsCode", "tagsCode", right=True),
    Column("messages", "messages", right=True, sparse=True),
    Column("stored", _time("storeTimestamp"), sparse=True),
    Column("extension", "extOffset", right=True, sparse=True),
    Column("deliver", _time("deliverTimestamp"), sparse=True),
)
CONSUME_QUEUE_EXT = (
    Column("topic", lambda row: clip(row["topic"])),
    Column("queue", "queueId", right=True),
    Column("extOffset", "extOffset", right=True),
    Column("size", "size", right=True),
    Column("tagsCode", "tagsCode", right=True),
    Column("stored", _time("storeTimestamp")),
    Column("bitMap", "bitMap", flexible=True, sparse=True),
)
INDEX = (
    Column("file", lambda row: Path(row["file"]).name),
    Column("index", "index", right=True),
    Column("keyHash", "keyHash", right=True),
    Column("slot", "slot", right=True, optional=True),
    Column("phyOffset", "phyOffset", right=True),
    Column("stored", _time("storeTimestamp")),
    Column("previous", "previous", right=True),
)
TIMER_WHEEL = (
    Column("slot", "slot", right=True),
    Column("time", _time("time")),
    Column("firstPos", "firstPos", right=True),
    Column("lastPos", "lastPos", right=True),
    Column("num", "num", right=True),
    Column("magic", "magic", right=True),
)
TIMER_LOG = (
    Column("offset", "offset", right=True),
    Column("prevPos", "prevPos", right=True),
    Column("magic", "magic", right=True),
    Column("written", _time("currWriteTime"), optional=True),
    Column("deliver", _time("deliverTime")),
    Column("offsetPy", "offsetPy", right=True),
    Column("sizePy", "sizePy", right=True),
    Column("topicHash", "hashCodeOfRealTopic", right=True, optional=True),
)
CHECKPOINT = (
    Column("file", lambda row: Path(row["file"]).name),
    Column("name", "name"),
    Column("value", "value", right=True),
    Column("time", lambda row: local_time(row["value"]) if row["value"] > 10**12 else ""),
)
CONFIG = (
    Column("file", lambda row: Path(row["file"]).name),
    Column("table", "table"),
    Column("key", lambda row: clip(str(row["key"] or ""))),
    Column("value", lambda row: _compact(row["value"]), flexible=True),
)
FRAME = (
    Column("offset", "offset", right=True, optional=True),
    Column("size", "size", right=True, optional=True),
    Column("kind", "kind"),
    Column("code", lambda row: f"{row['code']} {row['name']}"),
    Column("opaque", "opaque", right=True, optional=True),
    Column(
        "from",
        lambda row: f"{row['language']} {row['versionName']} {row['serializeType']}",
        optional=True,
    ),
    Column("fields", _fields, flexible=True),
    Column("body", _body, flexible=True),
)


def _options(command: Callable[..., None]) -> Callable[..., None]:
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


def _show(
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


def _draw(rows: Iterator[Row], kind: type[CommitLogPlot | ConsumeQueuePlot], path: Path) -> None:
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


@click.group("inspect")
def inspect_group() -> None:
    """Look into the files of a store, Java's or ours, or into frames."""


@inspect_group.command("commitlog")
@PATHS
@click.option("--topic", help="Only messages of this topic.")
@click.option("--no-crc", is_flag=True, help="Don't compare CRCs.")
@PLOT
@_options
def commitlog(
    paths: tuple[Path, ...],
    topic: str | None,
    plot: Path | None,
    *,
    no_crc: bool,
    as_json: bool,
    limit: int | None,
    offset: int | None,
) -> None:
    """Show the records of a commit log.

    PATHS are files, the folder commitlog, or a store's root. --offset is a physical offset in
    bytes, where a record begins. --plot draws message sizes and the rate of storing over time.
    """
    found = [commit_log_rows(path, offset, check_crc=not no_crc) for path in paths]
    rows: Iterator[Row] = itertools.chain.from_iterable(found)
    if topic is not None:
        rows = (row for row in rows if row.get("topic") == topic)
    if plot is not None:
        _draw(rows, CommitLogPlot, plot)
        return
    _show(rows, COMMIT_LOG, as_json=as_json, limit=limit)


@inspect_group.command("consumequeue")
@PATHS
@PLOT
@_options
def consumequeue(
    paths: tuple[Path, ...],
    plot: Path | None,
    *,
    as_json: bool,
    limit: int | None,
    offset: int | None,
) -> None:
    """Show the units of consume queues, those of batches too.

    PATHS are files, folders of queues or topics, the folder consumequeue or batchconsumequeue, or
    a store's root. --offset is a queue offset in messages. --plot draws how the queues grew with
    the log.
    """
    found = [consume_queue_rows(path, offset) for path in paths]
    rows = itertools.chain.from_iterable(found)
    if plot is not None:
        _draw(rows, ConsumeQueuePlot, plot)
        return
    _show(rows, CONSUME_QUEUE, as_json=as_json, limit=limit)


@inspect_group.command("consumequeueext")
@PATHS
@_options
def consumequeueext(
    paths: tuple[Path, ...], *, as_json: bool, limit: int | None, offset: int | None
) -> None:
    """Show the extension units of consume queues.

    PATHS are files, folders of queues or topics, the folder consumequeue_ext, or a store's root.
    --offset is a position in a queue's extension files in bytes, where a unit begins.
    """
    found = [ext_rows(path, offset) for path in paths]
    _show(itertools.chain.from_iterable(found), CONSUME_QUEUE_EXT, as_json=as_json, limit=limit)


@inspect_group.command("index")
@PATHS
@click.option("--slots", type=click.IntRange(min=1), help="maxHashSlotNum of the broker.")
@_options
def index(
    paths: tuple[Path, ...],
    slots: int | None,
    *,
    as_json: bool,
    limit: int | None,
    offset: int | None,
) -> None:
    """Show the entries of index files.

    PATHS are files, the folder index, or a store's root. --offset is a physical offset in bytes.
    """
    found = [index_rows(path, offset, slots=slots) for path in paths]
    _show(itertools.chain.from_iterable(found), INDEX, as_json=as_json, limit=limit)


@inspect_group.command("timerwheel")
@PATHS
@click.option(
    "--precision",
    type=click.IntRange(min=1),
    default=DEFAULT_PRECISION_MS,
    show_default=True,
    help="timerPrecisionMs of the broker.",
)
@_options
def timerwheel(
    paths: tuple[Path, ...],
    precision: int,
    *,
    as_json: bool,
    limit: int | None,
    offset: int | None,
) -> None:
    """Show the slots of a timer wheel that were ever used, by time.

    PATHS are the files timerwheel, or a store's root. --offset is a time in ms.
    """
    found = [timer_wheel_rows(path, offset, precision_ms=precision) for path in paths]
    _show(itertools.chain.from_iterable(found), TIMER_WHEEL, as_json=as_json, limit=limit)


@inspect_group.command("timerlog")
@PATHS
@_options
def timerlog(
    paths: tuple[Path, ...], *, as_json: bool, limit: int | None, offset: int | None
) -> None:
    """Show the units of a timer log.

    PATHS are files, the folder timerlog, or a store's root. --offset is a position in the timer
    log in bytes, where a unit begins.
    """
    found = [timer_log_rows(path, offset) for path in paths]
    _show(itertools.chain.from_iterable(found), TIMER_LOG, as_json=as_json, limit=limit)


@inspect_group.command("checkpoint")
@PATHS
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def checkpoint(paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Show the numbers of checkpoint files.

    PATHS are the files checkpoint or config/timercheck, or a store's root.
    """
    found = [checkpoint_rows(path) for path in paths]
    _show(itertools.chain.from_iterable(found), CHECKPOINT, as_json=as_json, limit=0)


@inspect_group.command("config")
@PATHS
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def config(paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Show a broker's tables: topics, groups, consumer offsets.

    PATHS are JSON files, the folder config, or a store's root.
    """
    found = [config_rows(path) for path in paths]
    _show(itertools.chain.from_iterable(found), CONFIG, as_json=as_json, limit=0)


@inspect_group.command("frame")
@click.argument("sources", nargs=-1, required=True)
@_options
def frame(
    sources: tuple[str, ...], *, as_json: bool, limit: int | None, offset: int | None
) -> None:
    """Show remoting frames.

    SOURCES are files, - for the standard input, or the hex or base64 text itself. A file may be
    binary, hex, base64, or a recording (a JSON object per line with frame_b64). --offset is a byte
    of the frames.
    """
    found = [frame_rows(_source_bytes(source), offset or 0) for source in sources]
    _show(itertools.chain.from_iterable(found), FRAME, as_json=as_json, limit=limit)


def _source_bytes(source: str) -> bytes:
    if source == "-":
        return stdin_bytes().read()
    path = Path(source)
    try:
        if path.is_file():
            return path.read_bytes()
    except OSError as error:
        if len(source) < 256:
            raise click.ClickException(f"{source}: {error.strerror}") from None
    if len(source) < 256 and ("/" in source or "." in source or path.exists()):
        raise click.ClickException(f"{source}: no such file")
    return source.encode()
