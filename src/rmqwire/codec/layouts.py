"""Every binary layout, declared in ``construct``: the specification one can read.

The other modules of this room do the same by hand, many times faster; tests prove the two equal on
valid, cut off and damaged bytes. Integers are big-endian and signed unless they say otherwise.
Only tests, tools and documents import this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import crcmod.predefined
from construct import (
    Array,
    Bytes,
    Check,
    Const,
    Construct,
    ConstructError,
    Container,
    Default,
    FocusedSeq,
    GreedyBytes,
    GreedyRange,
    GreedyString,
    IfThenElse,
    Int8sb,
    Int8ub,
    Int16sb,
    Int16ub,
    Int24ub,
    Int32sb,
    Int64sb,
    ListContainer,
    NullTerminated,
    OneOf,
    Optional,
    Prefixed,
    Rebuild,
    Struct,
    Switch,
    Terminated,
    this,
)

from rmqwire.codec.message import BLANK_MAGIC, MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2
from rmqwire.errors import BadBody, BadHeader, BadProperties, BadRecord, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Value: TypeAlias = dict[str, "Value"] | list["Value"] | int | str | bytes | None

_crc32 = crcmod.predefined.mkPredefinedCrcFun("crc-32")


def crc31(data: bytes) -> int:
    """Return RocketMQ's CRC: CRC-32 without its top bit (``UtilAll.crc32``)."""
    value: int = _crc32(data)
    return value & 0x7FFFFFFF


class Layout:
    """A construct and the error that bad bytes for it raise.

    Args:
        construct: the declaration.
        error: what ``parse`` and ``build`` raise instead of construct's own errors.
    """

    def __init__(self, construct: Construct, error: type[ProtocolError]) -> None:
        self.construct = construct
        self.error = error

    def parse(self, data: bytes | bytearray | memoryview) -> Value:
        """Read bytes into dicts, lists and numbers.

        Raises:
            ProtocolError: of the layout's class; the bytes don't fit the declaration.
        """
        try:
            return _plain(self.construct.parse(bytes(data)))
        except ConstructError as error:
            raise self.error(str(error).replace("\n", " ")) from None

    def build(self, value: Mapping[str, Value] | Sequence[Value]) -> bytes:
        """Write what ``parse`` gives; lengths and sizes may be left out.

        Raises:
            ProtocolError: of the layout's class; a value that doesn't fit.
        """
        try:
            return bytes(self.construct.build(value))
        except ConstructError as error:
            raise self.error(str(error).replace("\n", " ")) from None


def _plain(value: Value) -> Value:
    """Turn construct's containers into dicts and lists, without its private entries."""
    if isinstance(value, Container):
        return {k: _plain(v) for k, v in value.items() if isinstance(k, str) and k[0] != "_"}
    if isinstance(value, ListContainer):
        return [_plain(item) for item in value]
    return value


# --- RemotingCommand frame ---------------------------------------------------------------------
_TEXT = GreedyString("utf8")
_EXT_FIELD = Struct("name" / Prefixed(Int16ub, _TEXT), "value" / Prefixed(Int32sb, _TEXT))
BINARY_HEADER = Layout(
    Struct(
        "code" / Int16sb,
        "language" / Int8ub,
        "version" / Int16sb,
        "opaque" / Int32sb,
        "flag" / Int32sb,
        "remark" / Prefixed(Int32sb, _TEXT),
        "ext_fields"
        / Prefixed(Int32sb, FocusedSeq("all", "all" / GreedyRange(_EXT_FIELD), Terminated)),
        Terminated,
    ),
    BadHeader,
)
FRAME = Layout(
    FocusedSeq(
        "frame",
        "frame"
        / Prefixed(
            Int32sb,
            Struct(
                "serialize_type" / OneOf(Int8ub, [0, 1]),
                "header"
                / Prefixed(
                    Int24ub,
                    Switch(
                        this.serialize_type,
                        {0: GreedyBytes, 1: BINARY_HEADER.construct},  # 0: JSON text
                    ),
                ),
                "body" / GreedyBytes,
            ),
        ),
        Terminated,
    ),
    ProtocolError,
)


# --- commit log record -------------------------------------------------------------------------
def _host(v6_flag: int) -> Construct:
    return Struct(
        "ip" / Bytes(lambda ctx: 16 if ctx._.sys_flag & v6_flag else 4),
        "port" / Int32sb,
    )


RECORD = Layout(
    FocusedSeq(
        "record",
        "record"
        / Prefixed(
            Int32sb,  # TOTALSIZE
            Struct(
                "magic" / OneOf(Int32sb, [MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2]),
                "body_crc" / Int32sb,
                "queue_id" / Int32sb,
                "flag" / Int32sb,
                "queue_offset" / Int64sb,
                "physical_offset" / Int64sb,
                "sys_flag" / Int32sb,
                "born_timestamp" / Int64sb,
                "born_host" / _host(0x10),
                "store_timestamp" / Int64sb,
                "store_host" / _host(0x20),
                "reconsume_times" / Int32sb,
                "prepared_transaction_offset" / Int64sb,
                "body" / Prefixed(Int32sb, GreedyBytes),
                "topic"
                / IfThenElse(
                    this.magic == MESSAGE_MAGIC_V1,
                    Prefixed(Int8sb, GreedyBytes),
                    Prefixed(Int16sb, GreedyBytes),
                ),
                "properties" / Prefixed(Int16sb, GreedyBytes),
                Terminated,
            ),
            includelength=True,
        ),
        Terminated,
    ),
    BadRecord,
)
BLANK = Layout(
    Prefixed(
        Int32sb,
        Struct("magic" / Const(BLANK_MAGIC, Int32sb), "filler" / GreedyBytes),
        includelength=True,
    ),
    BadRecord,
)
# Entries that are no name 0x01 value are dropped on reading: see properties.py.
PROPERTIES = Layout(
    Struct(
        "entries" / GreedyRange(NullTerminated(GreedyBytes, term=b"\x02")),
        "unterminated" / GreedyBytes,
    ),
    BadProperties,
)
CRC_PROPERTY = Layout(
    Struct(
        "name" / Const(b"__CRC32#\x01"),
        "reversed_digits" / Bytes(10),
        "end" / Const(b"\x02"),
    ),
    BadRecord,
)
BATCH = Layout(
    FocusedSeq(
        "entries",
        "entries"
        / GreedyRange(
            Struct(
                "total_size"
                / Rebuild(Int32sb, lambda ctx: 22 + len(ctx.body) + len(ctx.properties)),
                "magic" / Default(Int32sb, 0),
                "body_crc" / Default(Int32sb, 0),
                "flag" / Int32sb,
                "body" / Prefixed(Int32sb, GreedyBytes),
                "properties" / Prefixed(Int16sb, GreedyBytes),
            )
        ),
        Terminated,
    ),
    BadBody,
)

# --- consume queues ----------------------------------------------------------------------------
CONSUME_QUEUE_UNIT = Layout(
    Struct("physical_offset" / Int64sb, "size" / Int32sb, "tags_code" / Int64sb), BadRecord
)
BATCH_CONSUME_QUEUE_UNIT = Layout(
    Struct(
        "physical_offset" / Int64sb,
        "size" / Int32sb,
        "tags_code" / Int64sb,
        "store_time" / Int64sb,
        "msg_base_offset" / Int64sb,
        "batch_num" / Int16sb,
        "compacted_offset" / Default(Int32sb, -1),
        "reserved" / Default(Int32sb, 0),
    ),
    BadRecord,
)
CONSUME_QUEUE_EXT_UNIT = Layout(
    Struct(
        "size" / Rebuild(Int16sb, lambda ctx: 20 + len(ctx.bit_map)),
        "tags_code" / Int64sb,
        "msg_store_time" / Int64sb,
        "bit_map" / Prefixed(Int16sb, GreedyBytes),
        Check(lambda ctx: ctx.size == 20 + len(ctx.bit_map)),
    ),
    BadRecord,
)

# --- index file --------------------------------------------------------------------------------
INDEX_HEADER = Layout(
    Struct(
        "begin_timestamp" / Int64sb,
        "end_timestamp" / Int64sb,
        "begin_phy_offset" / Int64sb,
        "end_phy_offset" / Int64sb,
        "hash_slot_count" / Int32sb,
        "index_count" / Int32sb,
    ),
    BadRecord,
)
INDEX_ENTRY = Layout(
    Struct(
        "key_hash" / Int32sb,
        "phy_offset" / Int64sb,
        "time_diff" / Int32sb,
        "previous" / Int32sb,
    ),
    BadRecord,
)


def index_file(hash_slot_num: int, index_num: int) -> Layout:
    """Declare a whole index file with the given numbers of slots and entries."""
    return Layout(
        Struct(
            "header" / INDEX_HEADER.construct,
            "slots" / Array(hash_slot_num, Int32sb),
            "entries" / Array(index_num, INDEX_ENTRY.construct),
            Terminated,
        ),
        BadRecord,
    )


# --- checkpoints -------------------------------------------------------------------------------
STORE_CHECKPOINT = Layout(
    Struct(
        "physic_msg_timestamp" / Int64sb,
        "logics_msg_timestamp" / Int64sb,
        "index_msg_timestamp" / Int64sb,
        "master_flushed_offset" / Int64sb,
        "confirm_phy_offset" / Int64sb,
        "logics_physical_offset" / Int64sb,
        "unused" / Default(GreedyBytes, bytes(4096 - 48)),
    ),
    BadRecord,
)
TIMER_CHECKPOINT = Layout(
    Struct(
        "last_read_time_ms" / Int64sb,
        "last_timer_log_flush_pos" / Int64sb,
        "last_timer_queue_offset" / Int64sb,
        "master_timer_queue_offset" / Int64sb,
        "data_version"
        / Optional(Struct("state_version" / Int64sb, "timestamp" / Int64sb, "counter" / Int64sb)),
    ),
    BadRecord,
)

# --- timer -------------------------------------------------------------------------------------
TIMER_LOG_UNIT = Layout(
    Struct(
        "size" / Const(52, Int32sb),
        "prev_pos" / Int64sb,
        "magic" / Int32sb,
        "curr_write_time" / Int64sb,
        "delayed_time" / Int32sb,
        "offset_py" / Int64sb,
        "size_py" / Int32sb,
        "hash_code" / Int32sb,
        "reserved" / Int64sb,
    ),
    BadRecord,
)
TIMER_LOG_BLANK = Layout(
    Struct("size" / Int32sb, "unused" / Const(0, Int64sb), "magic" / Const(BLANK_MAGIC, Int32sb)),
    BadRecord,
)
TIMER_SLOT = Layout(
    Struct(
        "time" / Int64sb,
        "first_pos" / Int64sb,
        "last_pos" / Int64sb,
        "num" / Int32sb,
        "magic" / Int32sb,
    ),
    BadRecord,
)

# --- replication -------------------------------------------------------------------------------
HA_REPORT = Layout(Struct("max_offset" / Int64sb), ProtocolError)
HA_TRANSFER = Layout(
    Struct(
        "physical_offset" / Int64sb,
        "body_size" / Int32sb,
        Check(this.body_size >= 0),
    ),
    ProtocolError,
)
HA_STREAM = Layout(
    FocusedSeq(
        "all",
        "all"
        / GreedyRange(Struct("physical_offset" / Int64sb, "body" / Prefixed(Int32sb, GreedyBytes))),
        Terminated,
    ),
    ProtocolError,
)
HA_SLAVE_HANDSHAKE = Layout(
    Struct(
        "state" / Int32sb,
        "sync_from_last_file" / Int16sb,
        "async_learner" / Int16sb,
        "broker_id" / Int64sb,
    ),
    ProtocolError,
)
HA_MASTER_HANDSHAKE = Layout(
    Struct(
        "state" / Int32sb,
        "size" / Rebuild(Int32sb, lambda ctx: 12 * len(ctx.epochs)),
        Check(lambda ctx: ctx.size >= 0 and ctx.size % 12 == 0),
        "max_offset" / Int64sb,
        "last_epoch" / Int32sb,
        "epochs"
        / Array(lambda ctx: ctx.size // 12, Struct("epoch" / Int32sb, "start_offset" / Int64sb)),
    ),
    ProtocolError,
)
HA_SLAVE_REPORT = Layout(Struct("state" / Int32sb, "max_offset" / Int64sb), ProtocolError)
HA_MASTER_TRANSFER = Layout(
    Struct(
        "state" / Int32sb,
        "body_size" / Int32sb,
        Check(this.body_size >= 0),
        "offset" / Int64sb,
        "epoch" / Int32sb,
        "epoch_start_offset" / Int64sb,
        "confirm_offset" / Int64sb,
    ),
    ProtocolError,
)


# --- ids ---------------------------------------------------------------------------------------
def offset_id(ip_size: int) -> Layout:
    """Declare the bytes behind the hex digits of an offset message id (ip of 4 or 16 bytes)."""
    return Layout(
        Struct("ip" / Bytes(ip_size), "port" / Int32sb, "offset" / Int64sb, Terminated),
        ProtocolError,
    )


def unique_id(ip_size: int) -> Layout:
    """Declare the bytes behind the hex digits of a client's unique id."""
    return Layout(
        Struct(
            "ip" / Bytes(ip_size),
            "pid" / Int16ub,
            "class_loader_hash" / Int32sb,
            "ms_of_month" / Int32sb,
            "counter" / Int16ub,
            Terminated,
        ),
        ProtocolError,
    )
