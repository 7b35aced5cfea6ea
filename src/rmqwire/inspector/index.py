"""Rows of index files (``IndexFile``): which commit log offsets a key's hash leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmqwire.codec.index_file import (
    DEFAULT_HASH_SLOT_NUM,
    DEFAULT_INDEX_NUM,
    ENTRY_SIZE,
    HEADER_SIZE,
    SLOT_SIZE,
    IndexHeader,
    entry_position,
    file_size,
    unpack_entry,
)
from rmqwire.errors import BadRecord, CorruptLog, StoreError
from rmqwire.inspector.files import read_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = dict[str, Any]

_DEFAULT_RATIO = DEFAULT_INDEX_NUM // DEFAULT_HASH_SLOT_NUM


def index_files(path: Path) -> list[Path]:
    """Return the index files under ``path``: a file, the folder ``index``, or the store's root.

    Raises:
        StoreError: nothing there.
    """
    if not path.exists():
        raise StoreError(f"{path}: no such file or folder")
    if path.is_file():
        return [path]
    folder = path / "index" if (path / "index").is_dir() else path
    found = sorted(entry for entry in folder.iterdir() if entry.is_file() and entry.name.isdigit())
    if not found:
        raise StoreError(f"{folder}: no index files in this folder")
    return found


def guess_slots(size: int) -> int | None:
    """Return maxHashSlotNum for a file of ``size`` bytes with Java's default four entries a slot."""
    if size == file_size(DEFAULT_HASH_SLOT_NUM, DEFAULT_INDEX_NUM):
        return DEFAULT_HASH_SLOT_NUM
    per_slot = SLOT_SIZE + _DEFAULT_RATIO * ENTRY_SIZE
    slots, rest = divmod(size - HEADER_SIZE, per_slot)
    return slots if slots > 0 and not rest else None


def index_rows(path: Path, offset: int | None = None, *, slots: int | None = None) -> Iterator[Row]:
    """Read the entries of index files in the order they were made.

    Args:
        path: see ``index_files``.
        offset: commit log offset (bytes); entries below it are left out.
        slots: maxHashSlotNum of the broker; guessed from the file's size when left out.

    Raises:
        StoreError: no such file, or its number of slots can't be guessed.
        CorruptLog: a header that doesn't fit the file.
    """
    for file in index_files(path):
        data = read_file(file)
        number = slots or guess_slots(len(data))
        if number is None:
            raise StoreError(f"{file}: tell maxHashSlotNum, {len(data)} bytes don't show it")
        for row in _file_rows(file, data, number):
            if offset is None or row["phyOffset"] >= offset:
                yield row


def _file_rows(file: Path, data: bytes, slots: int) -> Iterator[Row]:
    try:
        header = IndexHeader.decode(data)
    except BadRecord as error:
        raise CorruptLog(str(error), str(file), 0) from None
    if not 0 <= header.index_count <= (len(data) - entry_position(0, slots)) // ENTRY_SIZE:
        reason = f"indexCount {header.index_count} in a file of {len(data)} bytes"
        raise CorruptLog(reason, str(file), 36)
    for number in range(1, header.index_count):
        entry = unpack_entry(data, entry_position(number, slots))
        yield {
            "file": str(file),
            "index": number,
            "keyHash": entry.key_hash,
            "slot": entry.key_hash % slots,
            "phyOffset": entry.phy_offset,
            "storeTimestamp": header.begin_timestamp + entry.time_diff * 1000,
            "previous": entry.previous,
        }
