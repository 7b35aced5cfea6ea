"""The head of an entry in a DLedger log (``DLedgerEntry``): enough to tell such a log from a commit log.

RocketMQ's brokers with ``enableDLegerCommitLog`` keep their messages in one: each record is the body of an
entry, behind a head of 48 bytes, so neither its bytes nor its offsets are those of a commit log.
"""

from __future__ import annotations

import struct
from typing import Final

HEAD_SIZE: Final = 48
_HEAD: Final = struct.Struct(">iiqqqiiii")
_MAGICS: Final = (1, 2)  # a normal entry, one without a body (DLedgerEntryType)


def is_dledger_entry(data: bytes, offset: int) -> bool:
    """Return whether an entry begins here.

    Args:
        data: the first bytes of a file, or of what stands at ``offset``.
        offset: in the log, bytes; an entry names its own.
    """
    if len(data) < HEAD_SIZE:
        return False
    magic, size, index, term, position, _channel, _chain_crc, _crc, body = _HEAD.unpack_from(data)
    head_fits = magic in _MAGICS and position == offset and index >= 0 and term >= 0
    return head_fits and body >= 0 and size == HEAD_SIZE + body
