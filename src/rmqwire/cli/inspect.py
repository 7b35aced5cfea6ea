"""``rmqwire inspect``: look into store files and frames without a running broker."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rmqwire.cli.inspect_timers import TIMER_COMMANDS
from rmqwire.cli.inspecting import PATHS, PLOT, Row, row_options, show, show_or_draw, time_of
from rmqwire.cli.output import stdin_bytes
from rmqwire.cli.table import Column, clip
from rmqwire.inspector.checkpoint import checkpoint_rows
from rmqwire.inspector.commitlog import commit_log_rows
from rmqwire.inspector.config import config_rows
from rmqwire.inspector.consumequeue import consume_queue_rows
from rmqwire.inspector.consumequeue_ext import ext_rows
from rmqwire.inspector.frame import frame_rows
from rmqwire.inspector.index import index_rows
from rmqwire.inspector.plot import CommitLogPlot, ConsumeQueuePlot
from rmqwire.inspector.text import local_time

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY_WIDTH = 48  # characters of a body in a table


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
    Column("stored", time_of("storeTimestamp"), optional=True),
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
    Column("stored", time_of("storeTimestamp"), sparse=True),
    Column("extension", "extOffset", right=True, sparse=True),
    Column("deliver", time_of("deliverTimestamp"), sparse=True),
)
CONSUME_QUEUE_EXT = (
    Column("topic", lambda row: clip(row["topic"])),
    Column("queue", "queueId", right=True),
    Column("extOffset", "extOffset", right=True),
    Column("size", "size", right=True),
    Column("tagsCode", "tagsCode", right=True),
    Column("stored", time_of("storeTimestamp")),
    Column("bitMap", "bitMap", flexible=True, sparse=True),
)
INDEX = (
    Column("file", lambda row: Path(row["file"]).name),
    Column("index", "index", right=True),
    Column("keyHash", "keyHash", right=True),
    Column("slot", "slot", right=True, optional=True),
    Column("phyOffset", "phyOffset", right=True),
    Column("stored", time_of("storeTimestamp")),
    Column("previous", "previous", right=True),
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


@click.group("inspect")
def inspect_group() -> None:
    """Look into the files of a store, Java's or ours, or into frames."""


for timer_command in TIMER_COMMANDS:
    inspect_group.add_command(timer_command)


@inspect_group.command("commitlog")
@PATHS
@click.option("--topic", help="Only messages of this topic.")
@click.option("--no-crc", is_flag=True, help="Don't compare CRCs.")
@PLOT
@row_options
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
    show_or_draw(rows, COMMIT_LOG, CommitLogPlot, plot, as_json=as_json, limit=limit)


@inspect_group.command("consumequeue")
@PATHS
@PLOT
@row_options
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
    show_or_draw(rows, CONSUME_QUEUE, ConsumeQueuePlot, plot, as_json=as_json, limit=limit)


@inspect_group.command("consumequeueext")
@PATHS
@row_options
def consumequeueext(
    paths: tuple[Path, ...], *, as_json: bool, limit: int | None, offset: int | None
) -> None:
    """Show the extension units of consume queues.

    PATHS are files, folders of queues or topics, the folder consumequeue_ext, or a store's root.
    --offset is a position in a queue's extension files in bytes, where a unit begins.
    """
    found = [ext_rows(path, offset) for path in paths]
    show(itertools.chain.from_iterable(found), CONSUME_QUEUE_EXT, as_json=as_json, limit=limit)


@inspect_group.command("index")
@PATHS
@click.option("--slots", type=click.IntRange(min=1), help="maxHashSlotNum of the broker.")
@row_options
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
    show(itertools.chain.from_iterable(found), INDEX, as_json=as_json, limit=limit)


@inspect_group.command("checkpoint")
@PATHS
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def checkpoint(paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Show the numbers of checkpoint files.

    PATHS are the files checkpoint or config/timercheck, or a store's root.
    """
    found = [checkpoint_rows(path) for path in paths]
    show(itertools.chain.from_iterable(found), CHECKPOINT, as_json=as_json, limit=0)


@inspect_group.command("config")
@PATHS
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def config(paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Show a broker's tables: topics, groups, consumer offsets.

    PATHS are JSON files, the folder config, or a store's root.
    """
    found = [config_rows(path) for path in paths]
    show(itertools.chain.from_iterable(found), CONFIG, as_json=as_json, limit=0)


@inspect_group.command("frame")
@click.argument("sources", nargs=-1, required=True)
@row_options
def frame(
    sources: tuple[str, ...], *, as_json: bool, limit: int | None, offset: int | None
) -> None:
    """Show remoting frames.

    SOURCES are files, - for the standard input, or the hex or base64 text itself. A file may be
    binary, hex, base64, or a recording (a JSON object per line with frame_b64). --offset is a byte
    of the frames.
    """
    found = [frame_rows(_source_bytes(source), offset or 0) for source in sources]
    show(itertools.chain.from_iterable(found), FRAME, as_json=as_json, limit=limit)


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
