"""Message ids: the store's offset id and the client's unique id.

::

    offset id (MessageDecoder.createMessageId): upper-case hex of
        ip 4|16   port 4   commit log offset 8                         32 or 56 digits
    unique id (MessageClientIDSetter, property UNIQ_KEY): upper-case hex of
        ip 4|16   pid 2   class loader hash 4   ms since the month began 4   counter 2
                                                                       32 or 56 digits
"""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address
from struct import Struct
from typing import TYPE_CHECKING

from rmqwire.codec.host import pack_host, unpack_host
from rmqwire.errors import ProtocolError

if TYPE_CHECKING:
    from rmqwire.clock import WallMs

ID_LENGTHS = (32, 56)  # hex digits: IPv4, IPv6
_TAIL = Struct(">HIIH")
_OFFSET = Struct(">q")
_MAX_NTP_STEP_MS = 1_000_000  # a clock set back by less counts as the month's first moment


def encode_offset_id(ip: str, port: int, offset: int) -> str:
    """Return the offset message id of the record at ``offset`` bytes in the log of a broker.

    Raises:
        ProtocolError: no IP address, or a number out of range.
    """
    return offset_id(pack_host(ip, port), offset)


def offset_id(host: bytes, offset: int) -> str:
    """Return the offset message id for a host already packed (8 or 20 bytes)."""
    if not 0 <= offset <= 0x7FFFFFFFFFFFFFFF:
        raise ProtocolError(f"commit log offset {offset} is out of range")
    return f"{host.hex().upper()}{offset:016X}"


def decode_offset_id(message_id: str) -> tuple[str, int, int]:
    """Take an offset message id apart into (ip, port, commit log offset in bytes).

    Raises:
        ProtocolError: neither 32 nor 56 hex digits.
    """
    data = _unhex(message_id)
    ip, port = unpack_host(data[:-8])
    return ip, port, _OFFSET.unpack_from(data, len(data) - 8)[0]


def is_message_id(text: str) -> bool:
    """Return whether ``text`` has the form of an id, offset id or unique id alike."""
    return len(text) in ID_LENGTHS and text.isascii() and all(c in _HEX for c in text)


_HEX = frozenset("0123456789ABCDEFabcdef")


def _unhex(message_id: str) -> bytes:
    if not is_message_id(message_id):
        raise ProtocolError(f"{message_id!r} is no message id: 32 or 56 hex digits needed")
    return bytes.fromhex(message_id)


def _month_start_ms(wall_ms: int, months_back: int = 0) -> int:
    """Return the first moment of the month, local time, as Java's Calendar does."""
    first = datetime.fromtimestamp(wall_ms / 1000).astimezone().replace(tzinfo=None)
    year, month = divmod(first.year * 12 + first.month - 1 - months_back, 12)
    return int(datetime(year, month + 1, 1).astimezone().timestamp()) * 1000


class UniqueIdGenerator:
    """Make the unique ids of one client process (``MessageClientIDSetter``).

    Args:
        ip: own address, 4 or 16 bytes packed or as text.
        pid: process id; its low two bytes are used.
        wall_ms: the wall clock in ms since the epoch.
        seed: the four bytes where Java has its class loader's hash code; any number, so that two
            generators of one process differ.

    Attributes:
        count: number of the next id, 16 bits.
        head: of the ids of the millisecond that it was at the last ``turn``.
    """

    __slots__ = (
        "_head_ms",
        "_month_end",
        "_month_start",
        "_prefix",
        "_wall_ms",
        "count",
        "head",
    )

    def __init__(self, ip: str | bytes, pid: int, wall_ms: WallMs, seed: int = 0) -> None:
        packed = ip if isinstance(ip, bytes) else pack_host(ip, 0)[:-4]
        self._prefix = f"{packed.hex().upper()}{pid & 0xFFFF:04X}{seed & 0xFFFFFFFF:08X}"
        self._wall_ms = wall_ms
        self.count = 0
        self._month_start = 0
        self._month_end = -1
        self._head_ms = -1
        self.head = ""

    def next(self) -> str:
        """Return a new id; unique among 65536 of one millisecond."""
        _, head, count = self.next_parts()
        return f"{head}{count:04X}"

    def turn(self) -> int:
        """Make ``head`` that of this millisecond, and return which it is, since the epoch."""
        now = self._wall_ms()
        if now != self._head_ms:
            self._head_ms, self.head = now, self._head_at(now)
        return now

    def next_parts(self) -> tuple[int, str, int]:
        """Return this millisecond, and what a new id is made of: its head and its number."""
        now, count = self._wall_ms(), self.count
        if now != self._head_ms:  # as ``turn``, for each send
            self._head_ms, self.head = now, self._head_at(now)
        self.count = count + 1 & 0xFFFF
        return now, self.head, count

    def take(self, count: int) -> None:
        """Go on by so many ids, which were made of ``head`` and the next numbers."""
        self.count = (self.count + count) & 0xFFFF

    def _head_at(self, now: int) -> str:
        if now >= self._month_end:
            self._month_start = _month_start_ms(now)
            self._month_end = _month_start_ms(now, -1)
        elapsed = now - self._month_start
        if -_MAX_NTP_STEP_MS < elapsed < 0:
            elapsed = 0
        return f"{self._prefix}{elapsed & 0xFFFFFFFF:08X}"


def unique_id_ip(message_id: str) -> str:
    """Return the client address inside a unique id (``getIPStrFromID``)."""
    return str(ip_address(_unhex(message_id)[:-12]))


def unique_id_pid(message_id: str) -> int:
    """Return the low two bytes of the client's process id (``getPidFromID``)."""
    pid: int = _TAIL.unpack(_unhex(message_id)[-12:])[0]
    return pid


def unique_id_time_ms(message_id: str, wall_ms: int) -> int:
    """Return when a unique id was made, in ms since the epoch (``getNearlyTimeFromID``).

    The id knows the time within its month only: the newest month that isn't in the future of
    ``wall_ms`` is taken.
    """
    elapsed: int = _TAIL.unpack(_unhex(message_id)[-12:])[2]
    start = _month_start_ms(wall_ms)
    if start + elapsed >= wall_ms:
        start = _month_start_ms(wall_ms, 1)
    return start + elapsed
