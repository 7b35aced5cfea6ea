"""Split a byte stream into frames (Java ``NettyDecoder``, a ``LengthFieldBasedFrameDecoder``).

A frame on the wire::

    length    4 bytes, big endian: size of all that follows
    ...       length bytes: header length word, header, body (codec/command.py)

Java's limit counts the length word, so with 16,777,216 the largest legal length is 16,777,212.
A length below 4 can't hold the header length word and is refused like one that is too large.

What came is kept, never what was announced: a peer that promises 16 MiB and sends 5 bytes costs
5 bytes. A frame that lies whole in one received chunk is a view of that chunk; only an incomplete
tail is copied, once per byte, so a large frame in small chunks takes linear time.
"""

from __future__ import annotations

from struct import Struct

from rmqwire.errors import FrameTooLarge, ProtocolError
from rmqwire.remoting.limits import DEFAULT_LIMITS

_LENGTH = Struct(">i")
_PREFIX = 4


class FrameReader:
    """Receive bytes in any chunks, give back whole frames.

    Args:
        max_frame: bytes of the largest frame, its length word counted.

    Attributes:
        error: what made the stream unreadable; nothing can be read after it.
    """

    __slots__ = ("_max_length", "_need", "_tail", "error")

    def __init__(self, max_frame: int = DEFAULT_LIMITS.max_frame) -> None:
        self._max_length = max_frame - _PREFIX
        self._tail = bytearray()
        self._need = _PREFIX  # bytes the tail must reach before it can be split
        self.error: ProtocolError | None = None

    @property
    def pending(self) -> int:
        """Bytes of an incomplete frame held back."""
        return len(self._tail)

    def receive_data(self, data: bytes) -> list[memoryview]:
        """Take what was received and give every frame that is complete, without its length word.

        The views are on immutable bytes: valid as long as somebody holds them. Frames in front
        of a bad length are given first; the error is then in ``error`` and raised by the next call.

        Raises:
            FrameTooLarge: a length word above the limit.
            ProtocolError: a length word below 4.
        """
        size = len(data) - _PREFIX
        if (
            not self._tail
            and self.error is None
            and _PREFIX <= size <= self._max_length
            and _LENGTH.unpack_from(data)[0] == size
        ):
            return [memoryview(data)[_PREFIX:]]  # the usual case: one frame, whole
        return self.split(self.join(data))

    def join(self, data: bytes) -> bytes:
        """Put what was left before in front of what came; b"" while that is no whole frame.

        Raises:
            ProtocolError: a length word before was bad.
        """
        if self.error is not None:
            raise self.error
        tail = self._tail
        if not tail:
            return data
        tail += data
        if len(tail) < self._need:
            return b""
        self._tail = bytearray()
        return bytes(tail)

    def split(self, data: bytes, position: int = 0, stop: int | None = None) -> list[memoryview]:
        """Give the frames of joined bytes from ``position`` on; the incomplete rest is kept.

        Args:
            data: what ``join`` gave.
            position: where the first frame begins.
            stop: where the last one ends, when that is known; the whole of ``data`` when not.

        Raises:
            ProtocolError: as ``receive_data``.
        """
        frames: list[memoryview] = []
        view = memoryview(data)
        unpack_length = _LENGTH.unpack_from
        end, max_length = len(data) if stop is None else stop, self._max_length
        need = _PREFIX
        while end - position >= _PREFIX:
            (length,) = unpack_length(data, position)
            if not _PREFIX <= length <= max_length:
                return self._refuse(length, frames)
            start = position + _PREFIX
            after = start + length
            if after > end:
                need = _PREFIX + length
                break
            frames.append(view[start:after])
            position = after
        if position < end:
            self._tail += view[position:]
        self._need = need
        return frames

    def _refuse(self, length: int, frames: list[memoryview]) -> list[memoryview]:
        if length > self._max_length:
            self.error = FrameTooLarge(
                f"frame length {length} exceeds {self._max_length + _PREFIX}, the limit"
            )
        else:
            self.error = ProtocolError(f"frame length {length} is not a length")
        if not frames:
            raise self.error
        return frames
