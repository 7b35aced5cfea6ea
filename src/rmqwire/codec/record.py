"""The commit log record (``CommitLog``, ``MessageExtEncoder``, ``MessageDecoder``).

All integers are signed and big-endian::

    offset  field                       size
     0      TOTALSIZE                   4
     4      MAGICCODE                   4      V1, V2, or BLANK at the end of a file
     8      BODYCRC                     4      crc32(body) & 0x7FFFFFFF
    12      QUEUEID                     4
    16      FLAG                        4
    20      QUEUEOFFSET                 8
    28      PHYSICALOFFSET              8
    36      SYSFLAG                     4
    40      BORNTIMESTAMP               8
    48      BORNHOST                    8 | 20 when SYSFLAG has 0x10
    56      STORETIMESTAMP              8      (from here on: the offsets of an IPv4 record)
    64      STOREHOST                   8 | 20 when SYSFLAG has 0x20
    72      RECONSUMETIMES              4
    76      PREPAREDTRANSACTIONOFFSET   8
    84      BODY length + body          4 + n
            TOPIC length + topic        1 + n (V1)  2 + n (V2)
            PROPERTIES length + string  2 + n  the last 20 bytes may be ``__CRC32#``

A file's unused end holds BLANK: TOTALSIZE = bytes left, BLANK magic, the rest undefined.
"""

from __future__ import annotations

from struct import Struct
from struct import error as struct_error
from typing import TYPE_CHECKING
from zlib import crc32

from rmqwire.codec.crc import CRC32_PREFIX, CRC32_RESERVED_LEN, crc_property, parse_crc_property
from rmqwire.codec.host import pack_host, unpack_host
from rmqwire.codec.message import BLANK_MAGIC, MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2, StoredMessage
from rmqwire.codec.message_const import PROPERTY_CRC32
from rmqwire.codec.properties import MAX_PROPERTIES_LENGTH, decode_properties, encode_properties
from rmqwire.codec.release import DEFAULT_RELEASE, Release
from rmqwire.codec.sys_flag import BORNHOST_V6_FLAG, STOREHOSTADDRESS_V6_FLAG
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BLANK_MAGIC",
    "BLANK_SIZE",
    "MESSAGE_MAGIC_V1",
    "MESSAGE_MAGIC_V2",
    "MIN_RECORD_SIZE",
    "RecordPosition",
    "append_blank",
    "append_record",
    "check_record",
    "decode_message",
    "encode_message",
    "iter_messages",
    "pack_host",
    "peek",
    "read_position",
    "record_size",
    "unpack_host",
]

Data = bytes | bytearray | memoryview

MIN_RECORD_SIZE = 91  # bytes: V1, IPv4, nothing in it
BLANK_SIZE = 8  # CommitLog.END_FILE_MIN_BLANK_LENGTH, bytes
MAX_TOPIC_V1 = 127  # bytes: the length is a signed byte
MAX_TOPIC_V2 = 32767  # bytes
_V6_EXTRA = 12
HOST_BITS = BORNHOST_V6_FLAG | STOREHOSTADDRESS_V6_FLAG

# Everything up to BODY length, by the two host bits of SYSFLAG (shifted down by four).
PREFIXES = (
    Struct(">5i2qiq8sq8siqi"),
    Struct(">5i2qiq20sq8siqi"),
    Struct(">5i2qiq8sq20siqi"),
    Struct(">5i2qiq20sq20siqi"),
)
_PREFIX_V4 = PREFIXES[0]
_SYS_FLAG_AT = 36
_SIZE_AND_MAGIC = Struct(">ii")
_SHORT = Struct(">h")
_MAGICS = (MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2)
_V1_TAILS = tuple(bytes([n]) for n in range(MAX_TOPIC_V1 + 1))


def record_size(
    topic_len: int,
    body_len: int,
    properties_len: int,
    *,
    born_v6: bool = False,
    store_v6: bool = False,
    v2: bool = False,
) -> int:
    """Return the bytes a record takes (``MessageExtEncoder.calMsgLength``); all lengths in bytes."""
    return (
        MIN_RECORD_SIZE
        + topic_len
        + body_len
        + properties_len
        + (_V6_EXTRA if born_v6 else 0)
        + (_V6_EXTRA if store_v6 else 0)
        + (1 if v2 else 0)
    )


def append_record(  # noqa: PLR0913 - one argument per field of the record, on the hot path
    buffer: bytearray,
    *,
    topic: bytes,
    body: Data,
    properties: Data,
    queue_id: int,
    flag: int,
    queue_offset: int,
    physical_offset: int,
    sys_flag: int,
    born_timestamp: int,
    born_host: bytes,
    store_timestamp: int,
    store_host: bytes,
    reconsume_times: int,
    prepared_transaction_offset: int,
    v2: bool = False,
    append_crc: bool = False,
    body_crc: int | None = None,
) -> int:
    """Append one record to ``buffer``; the host bits of SYSFLAG follow from the hosts given.

    Args:
        buffer: grows by the record, or stays as it is when an error is raised.
        topic: UTF-8, at most 127 bytes, in V2 32767.
        body: as stored, that is compressed when sys_flag says so.
        properties: the property string, at most 32767 bytes; kept as it is.
        born_host: ip and port, 8 or 20 bytes; ``store_host`` likewise.
        v2: write the two-byte topic length (5.x, topics over 127 bytes).
        append_crc: close the properties with ``__CRC32#`` (5.x ``enabledAppendPropCRC``).
        body_crc: what to write as BODYCRC instead of the body's CRC.

    Returns:
        The record's size in bytes.

    Raises:
        BadRecord: a field that doesn't fit.
    """
    tail = bytes(properties)
    if append_crc and tail and tail[-1] != 2:
        tail += b"\x02"
    tail_length = len(tail) + CRC32_RESERVED_LEN if append_crc else len(tail)
    topic_length = len(topic)
    if topic_length > (MAX_TOPIC_V2 if v2 else MAX_TOPIC_V1) or tail_length > MAX_PROPERTIES_LENGTH:
        raise BadRecord(f"a topic of {topic_length} or properties of {tail_length} bytes don't fit")
    hosts = (len(born_host) == 20) | (len(store_host) == 20) << 1
    layout = PREFIXES[hosts]
    body_length = len(body)
    size = layout.size + body_length + topic_length + tail_length + (4 if v2 else 3)
    try:
        prefix = layout.pack(
            size,
            MESSAGE_MAGIC_V2 if v2 else MESSAGE_MAGIC_V1,
            crc32(body) & 0x7FFFFFFF if body_crc is None else body_crc,
            queue_id,
            flag,
            queue_offset,
            physical_offset,
            sys_flag & ~HOST_BITS | hosts << 4,
            born_timestamp,
            born_host,
            store_timestamp,
            store_host,
            reconsume_times,
            prepared_transaction_offset,
            body_length,
        )
    except struct_error as error:
        raise BadRecord(f"a field of the record is out of range: {error}") from None
    length = _SHORT.pack(topic_length) if v2 else _V1_TAILS[topic_length]
    start = len(buffer)
    buffer += b"".join((prefix, body, length, topic, _SHORT.pack(tail_length), tail))
    if append_crc:
        with memoryview(buffer) as view:
            value = crc32(view[start:]) & 0x7FFFFFFF
        buffer += crc_property(value)
    return size


def append_blank(buffer: bytearray, size_left: int) -> None:
    """Append the filler of a file's end: 8 bytes of BLANK, then zeros up to ``size_left`` bytes.

    Raises:
        BadRecord: fewer than 8 bytes left.
    """
    if size_left < BLANK_SIZE:
        raise BadRecord(f"{size_left} bytes are too few for the end of a file")
    buffer += _SIZE_AND_MAGIC.pack(size_left, BLANK_MAGIC) + bytes(size_left - BLANK_SIZE)


def peek(data: Data, pos: int = 0) -> tuple[int, int]:
    """Return (TOTALSIZE, MAGICCODE) at byte ``pos``, unchecked.

    Raises:
        BadRecord: fewer than 8 bytes left.
    """
    try:
        size, magic = _SIZE_AND_MAGIC.unpack_from(data, pos)
    except struct_error:
        raise BadRecord("fewer than 8 bytes left", pos) from None
    return size, magic


def locate_fields(data: Data, pos: int) -> tuple[tuple[int, ...], int, int, int]:
    """Check a record's frame: (fields before the body, body start, topic start, properties start)."""
    left = len(data) - pos
    if left < MIN_RECORD_SIZE or pos < 0:
        raise BadRecord(f"record cut off: {max(left, 0)} bytes left", pos)
    fields = _PREFIX_V4.unpack_from(data, pos)
    size = fields[0]
    magic = fields[1]
    if size > left or size < MIN_RECORD_SIZE:
        raise BadRecord(f"record of {size} bytes, {left} left", pos)
    if magic not in _MAGICS:
        raise BadRecord(f"unknown magic {magic & 0xFFFFFFFF:#010x}", pos)
    body_at = pos + 88
    hosts = (fields[7] & HOST_BITS) >> 4
    if hosts:
        layout = PREFIXES[hosts]
        if size < layout.size + 3:
            raise BadRecord(f"record of {size} bytes with IPv6 hosts", pos)
        fields = layout.unpack_from(data, pos)
        body_at = pos + layout.size
    topic_at = body_at + fields[14]
    end = pos + size
    head = 1 if magic == MESSAGE_MAGIC_V1 else 2
    if fields[14] < 0 or topic_at + head + 2 > end:
        raise BadRecord(f"body of {fields[14]} bytes in a record of {size}", pos)
    length = data[topic_at] if head == 1 else _SHORT.unpack_from(data, topic_at)[0]
    properties_at = topic_at + head + length
    if not 0 <= length <= (MAX_TOPIC_V1 if head == 1 else MAX_TOPIC_V2) or properties_at + 2 > end:
        raise BadRecord(f"topic of {length} bytes in a record of {size}", pos)
    (length,) = _SHORT.unpack_from(data, properties_at)
    if length < 0 or properties_at + 2 + length != end:
        raise BadRecord(f"properties of {length} bytes in a record of {size}", pos)
    return fields, body_at, topic_at + head, properties_at + 2


class RecordPosition:
    """What dispatch and recovery want to know of a record, read without building the message.

    ``body_start`` and ``body_end`` are positions in the buffer it was read from. ``properties`` is
    the raw property string. At a BLANK only ``total_size`` and ``magic`` mean anything.
    """

    __slots__ = (
        "body_crc",
        "body_end",
        "body_start",
        "magic",
        "physical_offset",
        "prepared_transaction_offset",
        "properties",
        "queue_id",
        "queue_offset",
        "reconsume_times",
        "store_timestamp",
        "sys_flag",
        "topic",
        "total_size",
    )

    total_size: int
    magic: int
    body_crc: int
    queue_id: int
    queue_offset: int
    physical_offset: int
    sys_flag: int
    store_timestamp: int
    reconsume_times: int
    prepared_transaction_offset: int
    body_start: int
    body_end: int
    topic: str
    properties: bytes

    @property
    def is_blank(self) -> bool:
        """Whether this is the filler of a file's end."""
        return self.magic == BLANK_MAGIC


def read_position(data: Data, pos: int = 0) -> RecordPosition:
    """Read what dispatch needs of the record, or BLANK, at byte ``pos``.

    Raises:
        BadRecord: no whole, consistent record there (TOTALSIZE 0 too: nothing written yet).
    """
    size, magic = peek(data, pos)
    if magic == BLANK_MAGIC:
        return _blank_position(size, pos)
    fields, body_at, topic_at, properties_at = locate_fields(data, pos)
    found = RecordPosition()
    (
        found.total_size,
        found.magic,
        found.body_crc,
        found.queue_id,
        _,
        found.queue_offset,
        found.physical_offset,
        found.sys_flag,
        _,
        _,
        found.store_timestamp,
        _,
        found.reconsume_times,
        found.prepared_transaction_offset,
        body_length,
    ) = fields
    found.body_start = body_at
    found.body_end = body_at + body_length
    found.topic = str(data[topic_at : properties_at - 2], "utf-8", "replace")
    found.properties = bytes(data[properties_at : pos + size])
    return found


def _blank_position(size: int, pos: int) -> RecordPosition:
    if size < BLANK_SIZE:
        raise BadRecord(f"blank of {size} bytes", pos)
    found = RecordPosition()
    found.total_size = size
    found.magic = BLANK_MAGIC
    return found


def check_record(data: Data, pos: int = 0, *, check_crc: bool = True) -> RecordPosition:
    """Read a record as recovery does (``CommitLog.checkMessageAndReturnSize``), CRCs included.

    Args:
        data: a range of a commit log file.
        pos: where in it the record begins, bytes.
        check_crc: compare BODYCRC, and ``__CRC32#`` when the properties end in it.

    Raises:
        BadRecord: inconsistent, or a CRC that doesn't match.
    """
    found = read_position(data, pos)
    if not check_crc or found.is_blank:
        return found
    view = memoryview(data)
    crc = crc32(view[found.body_start : found.body_end]) & 0x7FFFFFFF
    if crc != found.body_crc and found.body_start != found.body_end:
        raise BadRecord(f"body CRC {crc} instead of {found.body_crc}", pos)
    reserved = found.properties[-CRC32_RESERVED_LEN:]
    if reserved.startswith(CRC32_PREFIX):
        end = pos + found.total_size - CRC32_RESERVED_LEN
        crc = crc32(view[pos:end]) & 0x7FFFFFFF
        if parse_crc_property(reserved) != crc:
            raise BadRecord(f"record CRC {crc} instead of {reserved!r}", pos)
    return found


def record_properties(record: Data) -> dict[str, str]:
    """Return a record's properties, without reading anything else of it.

    Raises:
        BadRecord: the record's frame is damaged.
    """
    return decode_properties(record[locate_fields(record, 0)[3] :])


def decode_message(record: Data) -> StoredMessage:
    """Read one whole record.

    The message keeps the bytes, so ``encode_message`` gives them back while it is unchanged. CRCs
    are not compared, as Java's client doesn't: see ``check_record``.

    Raises:
        BadRecord: not exactly one consistent record.
    """
    data = record if isinstance(record, bytes) else bytes(record)
    message = read_message(data, 0)
    if message.total_size != len(data):
        raise BadRecord(f"record of {message.total_size} bytes in {len(data)}", message.total_size)
    return message


def read_message(data: bytes, pos: int) -> StoredMessage:
    """Read the record at ``pos``."""
    fields, body_at, topic_at, properties_at = locate_fields(data, pos)
    size = fields[0]
    end = pos + size
    return StoredMessage(
        data[topic_at : properties_at - 2].decode("utf-8", "replace"),
        data[body_at : body_at + fields[14]],
        decode_properties(data[properties_at:end]),
        fields[3],
        fields[4],
        fields[5],
        fields[6],
        fields[7],
        fields[8],
        unpack_host(fields[9]),
        fields[10],
        unpack_host(fields[11]),
        fields[12],
        fields[13],
        fields[2],
        fields[1],
        size,
        data[pos:end],
    )


def encode_message(message: StoredMessage, release: Release = DEFAULT_RELEASE) -> bytes:
    """Write one whole record; ``total_size`` and the host bits of sysFlag follow from the rest.

    ``body_crc`` is written as it stands, as Java's client codec does. Bytes that came from a
    decoded record are kept: all of them when nothing changed, else topic and properties each while
    unchanged. A ``__CRC32#`` property is computed again.

    Raises:
        BadRecord: a field that doesn't fit.
        BadProperties: a property that can't be written.
    """
    topic = message.topic.encode("utf-8", "replace")
    properties = None
    if message.record:
        original = decode_message(message.record)
        if original == message:
            return message.record
        _, _, topic_at, properties_at = locate_fields(message.record, 0)
        if original.topic == message.topic:
            topic = message.record[topic_at : properties_at - 2]
        if original.properties == message.properties:
            properties = message.record[properties_at:]
    append_crc = PROPERTY_CRC32 in message.properties
    if append_crc or properties is None:
        kept = {n: v for n, v in message.properties.items() if n != PROPERTY_CRC32}
        properties = encode_properties(kept, release)
    buffer = bytearray()
    append_record(
        buffer,
        topic=topic,
        body=message.body,
        properties=properties,
        queue_id=message.queue_id,
        flag=message.flag,
        queue_offset=message.queue_offset,
        physical_offset=message.physical_offset,
        sys_flag=message.sys_flag,
        born_timestamp=message.born_timestamp,
        born_host=pack_host(*message.born_host),
        store_timestamp=message.store_timestamp,
        store_host=pack_host(*message.store_host),
        reconsume_times=message.reconsume_times,
        prepared_transaction_offset=message.prepared_transaction_offset,
        v2=message.magic == MESSAGE_MAGIC_V2,
        append_crc=append_crc,
        body_crc=message.body_crc,
    )
    return bytes(buffer)


def iter_messages(body: Data) -> Iterator[StoredMessage]:
    """Read every message of a pull answer: records back to back.

    Raises:
        BadRecord: a record that is cut off or inconsistent; ``offset`` says where it begins.
    """
    data = body if isinstance(body, bytes) else bytes(body)
    pos, end = 0, len(data)
    while pos < end:
        message = read_message(data, pos)
        yield message
        pos += message.total_size
