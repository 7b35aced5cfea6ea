"""Frames out of chunks: every chunking, every bad length, linear time."""

import itertools
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.errors import FrameTooLarge, ProtocolError
from rmqwire.remoting.frame_reader import FrameReader

MAX = 16_777_216


def framed(payloads):
    return b"".join(pack(">i", len(p)) + p for p in payloads)


def fed(reader, data, cuts):
    edges = [0, *sorted(cuts), len(data)]
    frames = []
    for start, stop in itertools.pairwise(edges):
        frames += reader.receive_data(data[start:stop])
    return [bytes(frame) for frame in frames]


payload_lists = st.lists(st.binary(min_size=4, max_size=40), max_size=6)


@given(payload_lists, st.data())
def test_every_chunking_gives_the_same_frames(payloads, data):
    stream = framed(payloads)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    assert fed(FrameReader(), stream, cuts) == payloads


@given(payload_lists.filter(bool))
def test_byte_by_byte(payloads):
    stream = framed(payloads)
    assert fed(FrameReader(), stream, range(1, len(stream))) == payloads


def test_whole_frames_are_views_of_the_chunk():
    chunk = framed([b"aaaa", b"bbbbbb"])
    frames = FrameReader().receive_data(chunk)
    assert all(frame.obj is chunk and frame.readonly for frame in frames)


def test_frames_stay_valid_after_later_data():
    reader = FrameReader()
    assert reader.receive_data(framed([b"first"])[:6]) == []
    (first,) = reader.receive_data(framed([b"first"])[6:])
    reader.receive_data(framed([b"second"])[:7])
    assert bytes(first) == b"first"


@pytest.mark.parametrize("length", [-(2**31), -1, 0, 1, 2, 3])
def test_a_length_that_is_none(length):
    reader = FrameReader()
    with pytest.raises(ProtocolError) as raised:
        reader.receive_data(pack(">i", length))
    assert not isinstance(raised.value, FrameTooLarge)
    assert str(length) in str(raised.value)


@pytest.mark.parametrize("length", [MAX - 3, MAX, 2**31 - 1])
def test_a_length_above_the_limit(length):
    with pytest.raises(FrameTooLarge):
        FrameReader().receive_data(pack(">i", length))


@pytest.mark.parametrize(
    "greeting",
    [b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", b"\x16\x03\x01\x02\x00\x01",
     b"\r\n\r\n\x00\r\nQUIT\n"],
)  # fmt: skip
def test_other_protocols_are_refused_at_once(greeting):
    with pytest.raises(FrameTooLarge):
        FrameReader().receive_data(greeting)


def test_the_largest_frame_in_chunks_of_64_kib_costs_what_came():
    reader = FrameReader()
    stream = pack(">i", MAX - 4) + bytes(MAX - 4)
    step = 65_536
    frames = []
    for position in range(0, len(stream), step):
        frames += reader.receive_data(stream[position : position + step])
        assert reader.pending <= position + step
    assert [len(frame) for frame in frames] == [MAX - 4]
    assert reader.pending == 0


def test_no_memory_for_what_was_only_announced():
    reader = FrameReader()
    reader.receive_data(pack(">i", MAX - 4) + b"x")
    assert reader.pending == 5
    assert reader._tail.__sizeof__() < 1024


def test_frames_before_a_bad_length_are_given_first():
    reader = FrameReader()
    frames = reader.receive_data(framed([b"good"]) + pack(">i", -5) + framed([b"lost"]))
    assert [bytes(frame) for frame in frames] == [b"good"]
    assert isinstance(reader.error, ProtocolError)
    with pytest.raises(ProtocolError):
        reader.receive_data(framed([b"more"]))


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_garbage_raises_only_protocol_errors(chunks):
    reader = FrameReader(max_frame=64)
    for chunk in chunks:
        try:
            frames = reader.receive_data(chunk)
        except ProtocolError:
            assert reader.error is not None
            return
        assert all(4 <= len(frame) <= 60 for frame in frames)
