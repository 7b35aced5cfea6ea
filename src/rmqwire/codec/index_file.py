"""The index file (``IndexFile``, ``IndexHeader``): finds messages by key.

::

    header 40   beginTimestamp 8  endTimestamp 8  beginPhyOffset 8  endPhyOffset 8
                hashSlotCount 4 (slots in use)  indexCount 4 (next number, from 1)
    slots       hashSlotNum x 4: number of the newest entry with that hash, 0 for none
    entries     indexNum x 20: keyHash 4  phyOffset 8  timeDiff 4 (s since beginTimestamp)
                previous entry's number 4

Entry 0 is never used. A key's slot is its hash modulo hashSlotNum.
"""

from __future__ import annotations

from struct import Struct
from struct import error as struct_error
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from rmqwire.codec.java_hash import index_key_hash
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

Data = bytes | bytearray | memoryview

HEADER_SIZE = 40  # bytes
SLOT_SIZE = 4  # bytes
ENTRY_SIZE = 20  # bytes
DEFAULT_HASH_SLOT_NUM = 5_000_000  # maxHashSlotNum
DEFAULT_INDEX_NUM = 20_000_000  # maxIndexNum
INVALID_INDEX = 0

_HEADER = Struct(">qqqqii")
_SLOT = Struct(">i")
ENTRY_FIELDS = "iqii"  # of one entry, see IndexEntry, as ``struct`` names them
ENTRY_STRUCT = Struct(f">{ENTRY_FIELDS}")


class IndexHeader(msgspec.Struct):
    """The first 40 bytes; times in ms, offsets in bytes of the commit log."""

    begin_timestamp: int = 0
    end_timestamp: int = 0
    begin_phy_offset: int = 0
    end_phy_offset: int = 0
    hash_slot_count: int = 0
    index_count: int = 1

    def encode(self) -> bytes:
        """Write the header.

        Raises:
            BadRecord: a number out of range.
        """
        try:
            return _HEADER.pack(
                self.begin_timestamp,
                self.end_timestamp,
                self.begin_phy_offset,
                self.end_phy_offset,
                self.hash_slot_count,
                self.index_count,
            )
        except struct_error as error:
            raise BadRecord(f"index header out of range: {error}") from None

    @classmethod
    def decode(cls, data: Data) -> IndexHeader:
        """Read the header.

        Raises:
            BadRecord: fewer than 40 bytes.
        """
        if len(data) < HEADER_SIZE:
            raise BadRecord(f"index header of {len(data)} bytes")
        return cls(*_HEADER.unpack_from(data))


class IndexEntry(NamedTuple):
    """One key of one message; ``time_diff`` in seconds since the file's beginTimestamp."""

    key_hash: int
    phy_offset: int
    time_diff: int
    previous: int


def file_size(hash_slot_num: int, index_num: int) -> int:
    """Return the size of an index file in bytes."""
    return HEADER_SIZE + hash_slot_num * SLOT_SIZE + index_num * ENTRY_SIZE


def slot_position(key_hash: int, hash_slot_num: int) -> int:
    """Return where a key's slot lies in the file, in bytes."""
    return HEADER_SIZE + key_hash % hash_slot_num * SLOT_SIZE


def entry_position(index: int, hash_slot_num: int) -> int:
    """Return where entry number ``index`` lies in the file, in bytes."""
    return HEADER_SIZE + hash_slot_num * SLOT_SIZE + index * ENTRY_SIZE


def pack_slot(index: int) -> bytes:
    """Write a slot."""
    return _SLOT.pack(index)


def unpack_slot(data: Data, pos: int = 0) -> int:
    """Read the slot at byte ``pos``.

    Raises:
        BadRecord: fewer than 4 bytes left.
    """
    if pos < 0 or len(data) - pos < SLOT_SIZE:
        raise BadRecord("index slot cut off", pos)
    index: int = _SLOT.unpack_from(data, pos)[0]
    return index


def pack_entry(entry: IndexEntry) -> bytes:
    """Write an entry."""
    return ENTRY_STRUCT.pack(*entry)


def unpack_entry(data: Data, pos: int = 0) -> IndexEntry:
    """Read the entry at byte ``pos``.

    Raises:
        BadRecord: fewer than 20 bytes left.
    """
    if pos < 0 or len(data) - pos < ENTRY_SIZE:
        raise BadRecord("index entry cut off", pos)
    return IndexEntry._make(ENTRY_STRUCT.unpack_from(data, pos))


def find_key(data: Data, hash_slot_num: int, key: str) -> Iterator[IndexEntry]:
    """Walk the entries with the hash of ``key`` (``topic#key``), newest first.

    Two keys may share a hash: the caller compares the messages. A damaged chain ends, as in Java.

    Raises:
        BadRecord: the file is too short for its slots.
    """
    header = IndexHeader.decode(data)
    key_hash = index_key_hash(key)
    index = unpack_slot(data, slot_position(key_hash, hash_slot_num))
    upper = min(header.index_count, (len(data) - entry_position(0, hash_slot_num)) // ENTRY_SIZE)
    while 0 < index < upper:
        entry = unpack_entry(data, entry_position(index, hash_slot_num))
        if entry.key_hash == key_hash:
            yield entry
        # Numbers fall strictly along a sound chain, so a loop in a damaged one ends here.
        upper = index
        index = entry.previous


def index_key(topic: str, key: str, index_type: str | None = None) -> str:
    """Return the text that is hashed: ``topic#key``, or with a type ``topic#T#key`` (5.5.0, tags)."""
    return f"{topic}#{key}" if index_type is None else f"{topic}#{index_type}#{key}"
