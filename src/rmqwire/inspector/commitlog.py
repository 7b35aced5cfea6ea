"""Rows of a commit log (``CommitLog``): one per record, and one per filler of a full file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire.codec.batch import decode_batch
from rmqwire.codec.compression import DEFAULT_LIMIT, compression_type
from rmqwire.codec.dledger import HEAD_SIZE, is_dledger_entry
from rmqwire.codec.host import format_host
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.record import MESSAGE_MAGIC_V2, check_record, decode_message, peek
from rmqwire.codec.sys_flag import INNER_BATCH_FLAG
from rmqwire.errors import BadBody, CorruptLog, ProtocolError, StoreError
from rmqwire.inspector.files import Segment, open_file, segments
from rmqwire.inspector.text import printable
from rmqwire.store.folder.dledger import ADVICE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rmqwire.codec.message import StoredMessage

Row = dict[str, Any]

MAX_RECORD_SIZE = 64 * 1024 * 1024  # bytes; far above any maxMessageSize: not read into memory
_HEAD = 8


def commit_log_rows(
    path: Path, offset: int | None = None, *, check_crc: bool = True
) -> Iterator[Row]:
    """Read the records of a commit log in order, up to the zeros where nothing was written.

    Args:
        path: a commit log file, the folder ``commitlog``, or the store's root.
        offset: physical offset (bytes) of the record to begin with.
        check_crc: compare the CRCs of bodies and records.

    Raises:
        StoreError: no such file, the offset isn't in it, or it is a DLedger log.
        CorruptLog: a damaged record; the rows before it have been given.
    """
    files = segments(path, "commitlog")
    if offset is not None:
        files = [segment for segment in files if segment.end > offset]
        if not files or files[0].start > offset:
            raise StoreError(f"{path}: offset {offset} is not in this commit log")
    for segment in files:
        begin = max(offset - segment.start, 0) if offset is not None else 0
        yield from _segment_rows(segment, begin, check_crc=check_crc)


def _segment_rows(segment: Segment, pos: int, *, check_crc: bool) -> Iterator[Row]:
    with open_file(segment.path) as file:
        while segment.size - pos >= _HEAD:
            file.seek(pos)
            size, magic = peek(file.read(_HEAD))
            if size == 0 and magic == 0:
                return
            if not _HEAD <= size <= min(segment.size - pos, MAX_RECORD_SIZE):
                file.seek(pos)
                if is_dledger_entry(file.read(HEAD_SIZE), segment.start + pos):
                    raise StoreError(f"{segment.path} is {ADVICE}")
                raise _corrupt(segment, pos, f"no record begins here (TOTALSIZE {size})")
            file.seek(pos)
            row = _row(segment, pos, file.read(size), check_crc=check_crc)
            yield row
            pos += size


def _corrupt(segment: Segment, pos: int, reason: str) -> CorruptLog:
    return CorruptLog(reason, str(segment.path), segment.start + pos)


def _row(segment: Segment, pos: int, record: bytes, *, check_crc: bool) -> Row:
    place = {"file": str(segment.path), "offset": segment.start + pos, "size": len(record)}
    try:
        found = check_record(record, check_crc=check_crc)
        if found.is_blank:
            return {"kind": "blank", **place}
        message = decode_message(record)
    except ProtocolError as error:
        raise _corrupt(segment, pos, str(error)) from None
    if segment.named and message.physical_offset != segment.start + pos:
        raise _corrupt(segment, pos, f"the record says it lies at {message.physical_offset}")
    return {"kind": "message", **place, **message_row(message)}


def message_row(message: StoredMessage) -> Row:
    """Return a message's fields under Java's names, the body as text or hex, uncompressed.

    A batch that is one record has ``messages`` in its place.
    """
    return {
        "msgId": message.message_id,
        "version": 2 if message.magic == MESSAGE_MAGIC_V2 else 1,
        "topic": message.topic,
        "queueId": message.queue_id,
        "queueOffset": message.queue_offset,
        "flag": message.flag,
        "sysFlag": message.sys_flag,
        "bodyCRC": message.body_crc,
        "bornTimestamp": message.born_timestamp,
        "bornHost": format_host(message.born_host),
        "storeTimestamp": message.store_timestamp,
        "storeHost": format_host(message.store_host),
        "reconsumeTimes": message.reconsume_times,
        "preparedTransactionOffset": message.prepared_transaction_offset,
        "properties": message.properties,
        **_body_fields(message),
    }


def _inner_rows(message: StoredMessage, body: bytes) -> list[Row]:
    """Return the messages of an inner batch (BatchCQ).

    Raises:
        BadBody: it isn't one.
    """
    rows = []
    for index, entry in enumerate(decode_batch(body)):
        text, encoding = printable(entry.body)
        rows.append(
            {
                "queueOffset": message.queue_offset + index,
                "flag": entry.flag,
                "properties": decode_properties(entry.properties),
                "body": text,
                "bodyEncoding": encoding,
            }
        )
    return rows


def _body_fields(message: StoredMessage) -> Row:
    fields: Row = {"bodyLength": len(message.body)}
    body = message.body
    try:
        kind = compression_type(message.sys_flag)
        if kind is not None:
            body = message.decompressed_body(DEFAULT_LIMIT)
            fields["compression"] = kind.name
        if message.sys_flag & INNER_BATCH_FLAG:
            return fields | {"messages": _inner_rows(message, body)}
    except BadBody as error:  # the record is whole all the same: show what is stored
        fields["bodyError"] = str(error)
    fields["body"], fields["bodyEncoding"] = printable(body)
    return fields
