"""The table of decoders under fire: what each reads, what it may raise, and what must hold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from fuzz.files import (
    BROKER_CONFS,
    KV_TABLES,
    NAMESRV_CONFS,
    read_broker_conf,
    read_kv_table,
    read_namesrv_conf,
    read_table,
    tables,
)
from fuzz.mutate import with_true_length
from rmqwire.codec import bodies, java_json
from rmqwire.codec.auto_switch_ha import (
    unpack_master_handshake,
    unpack_master_transfer,
    unpack_slave_handshake,
    unpack_slave_report,
)
from rmqwire.codec.batch import decode_batch
from rmqwire.codec.checkpoint import StoreCheckpoint, TimerCheckpoint
from rmqwire.codec.command import decode_command, encode_command
from rmqwire.codec.compression import CompressionType, compress, decompress
from rmqwire.codec.consume_queue import (
    ConsumeQueueExtUnit,
    iter_units,
    pack_ext_unit,
    unpack_batch_unit,
    unpack_ext_unit,
)
from rmqwire.codec.ha import unpack_report, unpack_transfer
from rmqwire.codec.header_binary import decode_binary_header
from rmqwire.codec.header_json import decode_json_header
from rmqwire.codec.headers.registry import REQUEST_HEADERS
from rmqwire.codec.index_file import IndexHeader, find_key, unpack_entry
from rmqwire.codec.message_id import decode_offset_id
from rmqwire.codec.pop import (
    ExtraInfo,
    parse_msg_offset_info,
    parse_order_count_info,
    parse_start_offset_info,
)
from rmqwire.codec.properties import decode_properties, find_property
from rmqwire.codec.record import check_record, decode_message, encode_message, iter_messages
from rmqwire.codec.timer import unpack_slot, unpack_unit
from rmqwire.errors import (
    BadBody,
    BadExpression,
    BadHeader,
    BadRecord,
    ConfigError,
    FrameTooLarge,
    ProtocolError,
    RmqError,
    StoreError,
)
from rmqwire.filter.sql92 import compile_sql92
from rmqwire.remoting.frame_reader import FrameReader
from tests.filter.recordings import chosen
from tests.support.golden import (
    commit_log_files,
    frame_files,
    frames,
    ha_streams,
    protocol_table,
    store_archives,
    store_files,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SMALL = 16_384  # bytes: larger samples only make a run slower


@dataclass(frozen=True, slots=True)
class Row:
    """One decoder.

    Args:
        name: what the table calls it.
        decode: reads the bytes, and asserts what must hold of the result.
        pool: the sound samples to start from.
        documented: error classes that the decoder may raise.
        finish: last touch on a mutated sample.
    """

    name: str
    decode: Callable[[bytes], object]
    pool: Callable[[], Sequence[bytes]]
    documented: tuple[type[RmqError], ...]
    finish: Callable[[bytes], bytes] | None = None


# --- samples ---------------------------------------------------------------------------------


@cache
def golden_frames(serialize_type: int) -> list[bytes]:
    """Return the recorded frames of one serialisation, one per request, shape and size class."""
    kept: dict[tuple[object, ...], bytes] = {}
    for path in frame_files():
        for entry, frame in frames(path):
            if frame[4] == serialize_type and len(frame) <= SMALL:
                key = (entry["name"], entry["kind"], entry["code"], len(frame).bit_length())
                kept.setdefault(key, frame)
    return list(kept.values())


def headers_of(serialize_type: int) -> list[bytes]:
    """Return the headers of the recorded frames."""
    return [f[8 : 8 + int.from_bytes(f[5:8], "big")] for f in golden_frames(serialize_type)]


def bodies_of(*names: str) -> list[bytes]:
    """Return the bodies of recorded requests or answers of these names."""
    found = []
    for path in frame_files():
        for entry, frame in frames(path):
            if entry["name"] in names and len(frame) <= SMALL:
                found.append(frame[8 + int.from_bytes(frame[5:8], "big") :])
    return [body for body in found if body]


@cache
def records() -> list[bytes]:
    """Return whole records of the recorded commit logs, at most 40 of an archive."""
    found: list[bytes] = []
    for archive in store_archives():
        for _, data in commit_log_files(archive)[:1]:
            position = 0
            for _ in range(40):
                size = int.from_bytes(data[position : position + 4], "big")
                if not 91 < size < SMALL or data[position + 4 : position + 7] != b"\xda\xa3 ":
                    break
                found.append(data[position : position + size])
                position += size
    return found


@cache
def store_samples(part: str, size: int) -> list[bytes]:
    """Return the beginnings of the store files whose path holds ``part``."""
    return [
        data[:size]
        for archive in store_archives()
        for name, data in store_files(archive).items()
        if part in name and data
    ]


def store_files_named(name: str) -> list[bytes]:
    """Return the store files of one path, cut to 64 bytes."""
    files = [store_files(archive).get(name, b"") for archive in store_archives()]
    return [data[:64] for data in files if data]


@cache
def ha_samples(suffix: str) -> list[bytes]:
    """Return stretches of the replication streams of one direction."""
    streams = [path.read_bytes() for path in ha_streams(suffix)]
    return [
        data[start : start + 64] for data in streams for start in (0, 8, 12, 16) if data[start:]
    ]


@cache
def json_samples() -> list[bytes]:
    """Return Java's own body texts."""
    return [text for _, text in body_samples() if len(text) <= SMALL]


@cache
def body_samples() -> list[tuple[str, bytes]]:
    """Return (class, text) of the recorded bodies."""
    return [
        (name, release["sample"].encode())
        for name, releases in protocol_table("bodies")["bodies"].items()
        for release in releases.values()
        if isinstance(release, dict) and isinstance(release.get("sample"), str)
    ]


def ext_units() -> list[bytes]:
    """Return units of a ConsumeQueueExt file, which no recording holds."""
    bit_maps = (b"", b"\x01", bytes(range(64)))
    return [pack_ext_unit(ConsumeQueueExtUnit(5, 1_795_179_522_000, bits)) for bits in bit_maps]


def property_samples() -> list[bytes]:
    """Return property strings out of records."""
    return [record[-200:] for record in records()]


STRINGS = (b"7F00000100002A9F0000000000000123", b"1795 179522 60000 0 0 gold-a 3 17", b"0 3 17;1 2 5",
           b"0 3 17,18;2 0 1", b"0 3 2;0 qo3%17 1")  # fmt: skip


# --- what is read, and what must hold ------------------------------------------------------------


def read_frame(data: bytes) -> None:
    """A frame that is read comes out as it came, and its header class takes it or says BadHeader."""
    command = decode_command(data)
    assert encode_command(command) == data
    header_class = REQUEST_HEADERS.get(command.code)
    if header_class is not None and not command.is_response:
        header = command.decode_header(header_class)
        assert header_class.decode(header.encode()) == header


def read_stream(data: bytes) -> None:
    """A stream gives the same frames in one piece and byte by byte."""
    whole = [bytes(frame) for frame in FrameReader().receive_data(data)]
    reader, found = FrameReader(), []
    for start in range(0, len(data), 7):
        found += [bytes(frame) for frame in reader.receive_data(data[start : start + 7])]
    assert whole == found


def read_record(data: bytes) -> None:
    """A record that is read comes out as it came."""
    assert encode_message(decode_message(data)) == data


def read_index(data: bytes) -> None:
    """An index file of 100 slots is walked for a few keys."""
    for key in ("a", "T#k", "goldx#key1"):
        list(find_key(data, 100, key))
    unpack_entry(data, 440)


def read_body(data: bytes) -> None:
    """A body class reads any JSON or says BadBody; the first byte of the sample chooses it."""
    names = bodies.__all__
    body_class = getattr(bodies, names[data[0] % len(names)]) if data else None
    if isinstance(body_class, type) and hasattr(body_class, "decode"):
        body_class.decode(data[1:])


def read_strings(data: bytes) -> None:
    """The little languages inside header fields; each may refuse what the others read."""
    text = data.decode("utf-8", "replace")
    refused = 0
    readers = (decode_offset_id, ExtraInfo.decode, parse_start_offset_info, parse_msg_offset_info,
               parse_order_count_info)  # fmt: skip
    for read in readers:
        try:
            read(text)
        except ProtocolError:
            refused += 1
    if refused == len(readers):
        raise ProtocolError("refused by all")


def read_compressed(data: bytes) -> None:
    """A compressed body stays within its limit."""
    flag = data[0] if data else 0
    result = decompress(data[1:], 1 | (flag % 8) << 8, 65_536)
    assert len(result) <= 65_536


def read_condition(data: bytes) -> None:
    """A condition (SQL92) is compiled, printed and asked, whatever the text is."""
    condition = compile_sql92(data.decode("utf-8", "replace"))
    assert str(condition)
    assert condition.matches({"a": "5", "s": "x"}) in {True, False}


def conditions() -> list[bytes]:
    """Return the conditions that Java was asked about and took."""
    return [one["expr"].encode() for one in chosen()["expressions"] if one["compiles"]]


def compressed_samples() -> list[bytes]:
    """Return bodies compressed in each way, the type in the first byte."""
    text = b"The quick brown fox. " * 200
    return [bytes([kind.value]) + compress(text, kind) for kind in CompressionType]


def tagged_bodies() -> list[bytes]:
    """Return body texts behind a byte that chooses their class."""
    index = {name: number for number, name in enumerate(bodies.__all__)}
    return [
        bytes([index[name] % 256]) + text
        for name, text in body_samples()
        if name in index and len(text) <= SMALL
    ]


FRAME_ERRORS = (ProtocolError, BadHeader, FrameTooLarge)

ROWS = (
    Row("frame JSON", read_frame, lambda: golden_frames(0), FRAME_ERRORS, with_true_length),
    Row("frame ROCKETMQ", read_frame, lambda: golden_frames(1), FRAME_ERRORS, with_true_length),
    Row("frame, any length", read_frame, lambda: golden_frames(0), FRAME_ERRORS),
    Row("frame stream", read_stream, lambda: golden_frames(1), FRAME_ERRORS),
    Row("header JSON", decode_json_header, lambda: headers_of(0), (BadHeader,)),
    Row("header ROCKETMQ", decode_binary_header, lambda: headers_of(1), (BadHeader,)),
    Row("record", read_record, records, (BadRecord,)),
    Row("record check", check_record, records, (BadRecord,)),
    Row("pull body", lambda d: list(iter_messages(d)), lambda: bodies_of("PULL_MESSAGE"), (BadRecord,)),
    Row("properties", decode_properties, property_samples, ()),
    Row("find property", lambda d: find_property(d, b"TAGS"), property_samples, ()),
    Row("batch", decode_batch, lambda: bodies_of("SEND_BATCH_MESSAGE"), (BadBody,)),
    Row("compressed", read_compressed, compressed_samples, (BadBody,)),
    Row("consume queue", iter_units, lambda: store_samples("consumequeue/", 200), (BadRecord,)),
    Row("batch unit", unpack_batch_unit, lambda: store_samples("consumequeue/", 46), (BadRecord,)),
    Row("ext unit", unpack_ext_unit, ext_units, (BadRecord,)),
    Row("index header", IndexHeader.decode, lambda: store_samples("index/", 60), (BadRecord,)),
    Row("index", read_index, lambda: store_samples("index/", 2000), (BadRecord,)),
    Row("checkpoint", StoreCheckpoint.decode, lambda: store_files_named("checkpoint"), (BadRecord,)),
    Row("timer check", TimerCheckpoint.decode, lambda: store_files_named("config/timercheck"), (BadRecord,)),
    Row("timer log", unpack_unit, lambda: store_samples("timerlog/", 104), (BadRecord,)),
    Row("timer slot", unpack_slot, lambda: store_samples("timerwheel", 64), (BadRecord,)),
    Row("HA report", unpack_report, lambda: ha_samples("c2s"), (ProtocolError,)),
    Row("HA transfer", unpack_transfer, lambda: ha_samples("s2c"), (ProtocolError,)),
    Row("HA slave report", unpack_slave_report, lambda: ha_samples("c2s"), (ProtocolError,)),
    Row("HA slave hello", unpack_slave_handshake, lambda: ha_samples("c2s"), (ProtocolError,)),
    Row("HA master data", unpack_master_transfer, lambda: ha_samples("s2c"), (ProtocolError,)),
    Row("HA master hello", unpack_master_handshake, lambda: ha_samples("s2c"), (ProtocolError,)),
    Row("JSON", java_json.loads, json_samples, (BadBody,)),
    Row("bodies", read_body, tagged_bodies, (BadBody,)),
    Row("config JSON", read_table, tables, (StoreError,)),
    Row("kvConfig.json", read_kv_table, lambda: KV_TABLES, (StoreError,)),
    Row("broker.conf", read_broker_conf, lambda: BROKER_CONFS, (ConfigError,)),
    Row("namesrv.conf", read_namesrv_conf, lambda: NAMESRV_CONFS, (ConfigError,)),
    Row("SQL92", read_condition, conditions, (BadExpression,)),
    Row("strings", read_strings, lambda: STRINGS, (ProtocolError,)),
)  # fmt: skip
