"""Message body compression (``CompressionType``, ``CompressorFactory``).

COMPRESSED_FLAG of sysFlag says that the body is compressed, bits 0x700 how: 1 LZ4 frame, 2 ZSTD,
3 zlib; 0 is zlib too, as clients before 4.9.4 wrote it. Output is bounded: a body that would grow
over the limit is refused before it is there.
"""

from __future__ import annotations

import sys
import zlib
from enum import IntEnum
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rmqwire.codec.sys_flag import COMPRESSED_FLAG, COMPRESSION_TYPE_COMPARATOR
from rmqwire.errors import BadBody

if TYPE_CHECKING:
    from collections.abc import Callable

Data = bytes | bytearray | memoryview

DEFAULT_LEVEL = 5  # rocketmq.message.compressLevel
DEFAULT_LIMIT = 64 * 1024 * 1024  # bytes; sixteen times maxMessageSize
_SHIFT = 8
_ZSTD_LEVELS = (1, 22)
# Imported when they are used first: few bodies are compressed with either.
_LZ4 = "lz4.frame"
_ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


class CompressionType(IntEnum):
    """How a body is compressed (``CompressionType`` of RocketMQ)."""

    LZ4 = 1
    ZSTD = 2
    ZLIB = 3

    @property
    def sys_flag(self) -> int:
        """Bits to set in sysFlag, COMPRESSED_FLAG among them."""
        return COMPRESSED_FLAG | self << _SHIFT

    @classmethod
    def named(cls, name: str) -> CompressionType:
        """Return the type for ``rocketmq.message.compressType``, e.g. ``ZLIB``.

        Raises:
            BadBody: no such type.
        """
        try:
            return cls[name.strip().upper()]
        except KeyError:
            raise BadBody(f"unknown compression type {name!r}") from None


@cache
def _library(name: str) -> Any:  # noqa: ANN401  a module of either Python's own or others' names
    return import_module(name)


def compression_type(sys_flag: int) -> CompressionType | None:
    """Return how a body with this sysFlag is compressed; None when it isn't.

    Raises:
        BadBody: bits of a type that doesn't exist.
    """
    if not sys_flag & COMPRESSED_FLAG:
        return None
    kind = (sys_flag & COMPRESSION_TYPE_COMPARATOR) >> _SHIFT
    if kind > CompressionType.ZLIB:
        raise BadBody(f"unknown compression type {kind} in sysFlag {sys_flag:#x}")
    return CompressionType(kind or CompressionType.ZLIB)


def compress(data: Data, kind: CompressionType, level: int = DEFAULT_LEVEL) -> bytes:
    """Compress a body as Java's Compressor of that type does.

    Args:
        data: the plain body.
        kind: see CompressionType.
        level: 0-9 for zlib, 1-22 for ZSTD; LZ4 has one level, as in Java.
    """
    if kind is CompressionType.ZLIB:
        return zlib.compress(data, level)
    return _lz4(data) if kind is CompressionType.LZ4 else _zstd(data, level)


def _lz4(data: Data) -> bytes:
    """Compress as Java's LZ4FrameOutputStream: independent 4 MiB blocks, no size, no checksums.

    One call for the whole frame would choose a smaller block for a small body.
    """
    lz4 = _library(_LZ4)
    with lz4.LZ4FrameCompressor(block_size=lz4.BLOCKSIZE_MAX4MB, block_linked=False) as stream:
        return bytes(stream.begin() + stream.compress(data) + stream.flush())


def _zstd(data: Data, level: int) -> bytes:
    """Compress as Java's ZstdOutputStream, which flushes before it ends: no content size."""
    zstd = _library(_ZSTD)
    low, high = _ZSTD_LEVELS
    stream = zstd.ZstdCompressor(level=min(max(level, low), high))
    block = stream.compress(data, zstd.ZstdCompressor.FLUSH_BLOCK)
    return bytes(block + stream.flush(zstd.ZstdCompressor.FLUSH_FRAME))


def decompress(data: Data, sys_flag: int, limit: int = DEFAULT_LIMIT) -> bytes:
    """Return the plain body for a stored one; a body without COMPRESSED_FLAG comes back as it is.

    Args:
        data: the body as stored.
        sys_flag: the record's SYSFLAG.
        limit: most bytes that may come out.

    Raises:
        BadBody: unknown type, damaged or cut off data, or more than ``limit`` bytes.
    """
    kind = compression_type(sys_flag)
    return bytes(data) if kind is None else _DECOMPRESS[kind](data, limit)


def _too_large(kind: str, limit: int) -> BadBody:
    return BadBody(f"{kind} body inflates to more than {limit} bytes")


def inflate(data: Data, limit: int = DEFAULT_LIMIT) -> bytes:
    """Return what a zlib stream holds, at most ``limit`` bytes.

    Bytes after the stream are ignored, as Java's InflaterInputStream does.

    Raises:
        BadBody: damaged, cut off, or larger.
    """
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise BadBody(f"bad zlib body: {error}") from None
    if len(plain) > limit:
        raise _too_large("zlib", limit)
    if not stream.eof:
        raise BadBody(f"zlib body of {len(data)} bytes is cut off")
    return plain


def _unzstd(data: Data, limit: int) -> bytes:
    zstd = _library(_ZSTD)
    stream = zstd.ZstdDecompressor()
    try:
        plain = stream.decompress(bytes(data), max_length=limit + 1)
    except zstd.ZstdError as error:
        raise BadBody(f"bad zstd body: {error}") from None
    if len(plain) > limit:
        raise _too_large("zstd", limit)
    if not stream.eof:
        raise BadBody(f"zstd body of {len(data)} bytes is cut off")
    return bytes(plain)


def _unlz4(data: Data, limit: int) -> bytes:
    stream = _library(_LZ4).LZ4FrameDecompressor()
    try:
        plain = stream.decompress(data, max_length=limit + 1)
    except (RuntimeError, ValueError) as error:
        raise BadBody(f"bad LZ4 body: {error}") from None
    if len(plain) > limit:
        raise _too_large("LZ4", limit)
    if not stream.eof:
        raise BadBody(f"LZ4 body of {len(data)} bytes is cut off")
    return bytes(plain)


_DECOMPRESS: dict[CompressionType, Callable[[Data, int], bytes]] = {
    CompressionType.LZ4: _unlz4,
    CompressionType.ZSTD: _unzstd,
    CompressionType.ZLIB: inflate,
}
