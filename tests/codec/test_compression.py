from __future__ import annotations

import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.command import decode_command
from rmqwire.codec.compression import CompressionType, compress, compression_type, decompress
from rmqwire.codec.sys_flag import COMPRESSED_FLAG
from rmqwire.errors import BadBody
from tests.codec.record_strategies import damaged
from tests.support import golden

KINDS = list(CompressionType)
PLAIN = b"compress me " * 400


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=50)
@given(data=st.binary(max_size=500), level=st.integers(0, 9))
def test_what_is_compressed_comes_out_again(kind, data, level):
    assert decompress(compress(data, kind, level), kind.sys_flag) == data


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_stopped_at_the_limit(kind):
    bomb = compress(bytes(5_000_000), kind)
    assert len(bomb) < 50_000
    with pytest.raises(BadBody, match="more than 1000000 bytes"):
        decompress(bomb, kind.sys_flag, 1_000_000)
    assert decompress(bomb, kind.sys_flag, 5_000_000) == bytes(5_000_000)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_damage_raises_bad_body_and_nothing_else(kind, data):
    with suppress(BadBody):
        decompress(data.draw(damaged(compress(PLAIN, kind))), kind.sys_flag, 100_000)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_off_body_is_refused(kind):
    with pytest.raises(BadBody, match="cut off"):
        decompress(compress(PLAIN, kind)[:-5], kind.sys_flag)


@pytest.mark.parametrize("kind", KINDS)
def test_nonsense_is_refused(kind):
    with pytest.raises(BadBody):
        decompress(b"no compressed body at all", kind.sys_flag)


def test_the_flag_without_a_type_is_zlib():
    assert compression_type(COMPRESSED_FLAG) is CompressionType.ZLIB
    assert decompress(zlib.compress(PLAIN, 5), COMPRESSED_FLAG) == PLAIN


def test_a_body_without_the_flag_stays_as_it_is():
    assert compression_type(0x300) is None
    assert decompress(b"plain", 0x300) == b"plain"


def test_an_unknown_type_is_refused():
    with pytest.raises(BadBody, match="unknown compression type 4"):
        decompress(b"", 0x401)
    with pytest.raises(BadBody, match="SNAPPY"):
        CompressionType.named("SNAPPY")
    assert CompressionType.named("zstd") is CompressionType.ZSTD


def test_zlib_writes_java_s_first_bytes():
    assert compress(PLAIN, CompressionType.ZLIB).startswith(b"\x78\x5e")
    assert compress(PLAIN, CompressionType.LZ4).startswith(b"\x04\x22\x4d\x18")
    assert compress(PLAIN, CompressionType.ZSTD).startswith(b"\x28\xb5\x2f\xfd")


def test_every_recorded_compressed_send_inflates():
    kinds = set()
    for path in golden.frame_files("b_send_compressed*"):
        for entry, frame in golden.frames(path):
            if entry["name"] == "SEND_MESSAGE_V2" and entry["kind"] == "request":
                command = decode_command(frame)
                sys_flag = int(command.ext_fields["f"])
                kinds.add(compression_type(sys_flag))
                plain = decompress(command.body, sys_flag)
                assert len(plain) >= 4096  # compressMsgBodyOverHowmuch
                # Magic and frame descriptor; what follows may differ between library versions.
                assert compress(plain, compression_type(sys_flag))[:6] == command.body[:6]
    assert kinds == set(CompressionType)
