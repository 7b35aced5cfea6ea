"""The bloom filter of a consume queue's extended units (``BloomFilter``, ``BitsArray``).

Every pair of a consumer group and a topic has a few of ``bits`` bits. When a message is stored, the
bits of all groups whose expressions match it are set in the bit map of its unit; a group whose bits
are not all set there need not look at the message. A bit map is bytes with the lowest bit first, so
here it is a whole number, little endian: the bits of a group are a mask.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MASK_64: Final = (1 << 64) - 1
_C1: Final = 0x87C37B91114253D5
_C2: Final = 0x4CF5AD432745937F


class BloomFilter:
    """The size of the bit maps and the bits of a name (``BloomFilter.createByFn``).

    Args:
        error_rate: percent of messages looked at in vain when ``expected`` groups filter.
        expected: number of groups with a filter, per topic.

    Attributes:
        hashes: how many bits a name has.
        bits: length of a bit map, a multiple of 8.

    Raises:
        UsageError: an error rate below 1 or above 99, or nobody expected.
    """

    __slots__ = ("bits", "hashes")

    def __init__(self, error_rate: int, expected: int) -> None:
        if not 1 <= error_rate < 100:
            raise UsageError("f must be greater or equal than 1 and less than 100")
        if expected < 1:
            raise UsageError("n must be greater than 0")
        rate = error_rate / 100.0
        self.hashes = math.ceil(_log(0.5, rate))
        needed = math.ceil(expected * _log(2, 1 / rate) * _log(2, math.e))
        self.bits = 8 * math.ceil(needed / 8)

    def positions(self, name: str) -> list[int]:
        """Return the bits of a name, in Java's order; a bit may come twice."""
        hash64 = murmur3_128(name.encode("utf-8", "replace"))
        first, second = hash64 & 0xFFFFFFFF, hash64 >> 32
        found = []
        for turn in range(1, self.hashes + 1):
            combined = (first + turn * second) & 0xFFFFFFFF
            if combined & 0x80000000:
                combined ^= 0xFFFFFFFF
            found.append(combined % self.bits)
        return found


def mask(positions: Sequence[int]) -> int:
    """Return the number in which these bits are set."""
    value = 0
    for position in positions:
        value |= 1 << position
    return value


def _log(base: float, number: float) -> float:
    return math.log(number) / math.log(base)


def murmur3_128(data: bytes) -> int:
    """Return the first 64 bits of MurmurHash3 x64 128 with seed 0, unsigned.

    As Guava's ``Hashing.murmur3_128().hashBytes(data).asLong()``.
    """
    h1 = h2 = 0
    whole = len(data) - len(data) % 16
    for at in range(0, whole, 16):
        h1 ^= _mix_first(int.from_bytes(data[at : at + 8], "little"))
        h1 = ((_rotate(h1, 27) + h2) * 5 + 0x52DCE729) & _MASK_64
        h2 ^= _mix_second(int.from_bytes(data[at + 8 : at + 16], "little"))
        h2 = ((_rotate(h2, 31) + h1) * 5 + 0x38495AB5) & _MASK_64
    h1 ^= _mix_first(int.from_bytes(data[whole : whole + 8], "little"))
    h2 ^= _mix_second(int.from_bytes(data[whole + 8 :], "little"))
    h1 ^= len(data)
    h2 ^= len(data)
    h1 = (h1 + h2) & _MASK_64
    h2 = (h2 + h1) & _MASK_64
    return (_finish(h1) + _finish(h2)) & _MASK_64


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _MASK_64


def _mix_first(word: int) -> int:
    return _rotate(word * _C1 & _MASK_64, 31) * _C2 & _MASK_64


def _mix_second(word: int) -> int:
    return _rotate(word * _C2 & _MASK_64, 33) * _C1 & _MASK_64


def _finish(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & _MASK_64
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & _MASK_64
    return value ^ value >> 33
