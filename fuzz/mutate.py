"""Change bytes the way damage and malice do: bits, lengths, cuts, copies, splices, odd tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

WORDS = (0, 1, -1, 2, 3, 4, 7, 8, 20, 91, 127, 128, 255, 256, 32767, 32768, 65535, 65536)
LONG_WORDS = (*WORDS, 16_777_212, 16_777_216, 2**31 - 1, -(2**31), 2**31, 2**32 - 1)
TOKENS = (
    b"null", b"true", b"{}", b"[]", b'""', b"{", b"}", b"[", b"]", b",", b":", b'"', b"'", b"\\",
    b"\\u", b"\\ud800", b"\\udc00", b"\\u0000", b"1e400", b"-0", b"NaN", b"1.5", b"-",
    b"9223372036854775808", b"-2147483649", b"9" * 400, b"\xff", b"\xed\xa0\x80", b"\xc3", b"\x00",
    b"\x01", b"\x02", b"\x01\x02", b'{"$ref":"$"}', b'{"$ref":".."}', b"[" * 3000, b'{"a":' * 3000,
    b"GET / HTTP/1.1\r\n", b"\xda\xa3 \xa7", b"\xcb\xd41\x94", b"@type", b" ", b";", b"@",
)  # fmt: skip


def flip_bit(data: bytearray, rng: Random, _pool: Sequence[bytes]) -> None:
    """Turn one bit over."""
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def set_byte(data: bytearray, rng: Random, _pool: Sequence[bytes]) -> None:
    """Set one byte to anything."""
    if data:
        data[rng.randrange(len(data))] = rng.randrange(256)


def set_word(data: bytearray, rng: Random, _pool: Sequence[bytes]) -> None:
    """Put a telling number of 1, 2, 4 or 8 bytes somewhere: most lengths are such words."""
    size = rng.choice((1, 2, 4, 4, 8))
    if len(data) >= size:
        start = rng.randrange(len(data) - size + 1)
        value = rng.choice(LONG_WORDS) & ((1 << (8 * size)) - 1)
        data[start : start + size] = value.to_bytes(size, "big")


def nudge_word(data: bytearray, rng: Random, _pool: Sequence[bytes]) -> None:
    """Add a little to a 4-byte number: a length that is off by one."""
    if len(data) >= 4:
        start = rng.randrange(len(data) - 3)
        value = int.from_bytes(data[start : start + 4], "big") + rng.choice((-4, -1, 1, 2, 8))
        data[start : start + 4] = (value & 0xFFFFFFFF).to_bytes(4, "big")


def cut(data: bytearray, rng: Random, _pool: Sequence[bytes]) -> None:
    """Drop the end."""
    del data[rng.randrange(len(data) + 1) :]


def drop(data: bytearray, rng: Random, _pool: Sequence[bytes]) -> None:
    """Drop a few bytes from the middle."""
    start = rng.randrange(len(data) + 1)
    del data[start : start + rng.randrange(1, 9)]


def repeat(data: bytearray, rng: Random, _pool: Sequence[bytes]) -> None:
    """Write a stretch twice."""
    start = rng.randrange(len(data) + 1)
    piece = data[start : start + rng.randrange(1, 33)]
    data[start:start] = piece


def insert_token(data: bytearray, rng: Random, _pool: Sequence[bytes]) -> None:
    """Put an odd token in, or over what is there."""
    start = rng.randrange(len(data) + 1)
    token = rng.choice(TOKENS)
    data[start : start + (len(token) if rng.random() < 0.5 else 0)] = token


def splice(data: bytearray, rng: Random, pool: Sequence[bytes]) -> None:
    """Go on with the end of another sample."""
    other = rng.choice(pool)
    data[rng.randrange(len(data) + 1) :] = other[rng.randrange(len(other) + 1) :]


MUTATIONS: tuple[Callable[[bytearray, Random, Sequence[bytes]], None], ...] = (
    flip_bit,
    set_byte,
    set_word,
    set_word,
    nudge_word,
    cut,
    drop,
    repeat,
    insert_token,
    splice,
)


def mutate(rng: Random, pool: Sequence[bytes]) -> bytes:
    """Return a sample of the pool with one to four mutations."""
    data = bytearray(rng.choice(pool))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        rng.choice(MUTATIONS)(data, rng, pool)
    return bytes(data)


def with_true_length(frame: bytes) -> bytes:
    """Return a frame whose total length word is right, so that what is behind it gets read."""
    return (len(frame) - 4).to_bytes(4, "big") + frame[4:] if len(frame) >= 4 else frame
