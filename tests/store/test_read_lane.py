"""What is read ahead on either lane, from real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.disk.files import RealFiles
from rmqwire.store.folder.file_queue import FileQueue, HandleCache
from rmqwire.store.log.log_window import BLOCK, SEVERAL, LogWindow
from rmqwire.store.read_thread import ReadThread, reader_of
from tests.support.memory_files import MemoryFiles

FILE_BLOCKS, FILES = 5, 3
SIZE = FILE_BLOCKS * FILES * BLOCK


def reader(lane):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMQWIRE_LANE", lane)
        return reader_of(RealFiles())


@pytest.fixture(params=["python", "native"])
def lane(request):
    return request.param


@pytest.fixture
def ten(tmp_path):
    path = tmp_path / "ten"
    path.write_bytes(b"0123456789")
    return path


def tasks():
    return {task.name for task in Path("/proc/self/task").iterdir()}


def open_files():
    return {handle.resolve() for handle in Path("/proc/self/fd").iterdir()}


def test_the_native_thread_reads_real_files_alone():
    assert type(reader("python")) is ReadThread
    assert type(reader("native")) is not ReadThread
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMQWIRE_LANE", "native")
        assert type(reader_of(MemoryFiles())) is ReadThread


def test_parts_are_cut_out_of_what_was_read(lane, ten):
    with reader(lane) as ahead:
        found = ahead.begin(str(ten), 8, 1)()
        assert (len(found), found[:], found[2:5], found[-3:-1]) == (8, b"12345678", b"345", b"67")
        assert (found[7:20], found[20:], found[5:2]) == (b"8", b"", b"")


def test_native_parts_have_no_steps_and_no_single_bytes(ten):
    with reader("native") as ahead:
        found = ahead.begin(str(ten), 8, 1)()
        with pytest.raises(ValueError, match="step"):
            found[::2]
        with pytest.raises(TypeError):
            found[0]


def test_what_is_short_cut_or_gone_is_nothing_whole_and_the_next_is_read(lane, ten):
    with reader(lane) as ahead:
        for path, size, offset in (
            (ten, 11, 0),
            (ten, 1, 10),
            (ten / "no", 1, 0),
            (ten.parent, 1, 0),
        ):
            assert len(ahead.begin(str(path), size, offset)()) < size
        assert ahead.begin(str(ten), 10, 0)()[:] == b"0123456789"
        os.truncate(ten, 5)
        assert len(ahead.begin(str(ten), 10, 0)()) < 10
        ten.unlink()
        ahead.forget()
        assert len(ahead.begin(str(ten), 5, 0)()) == 0


def test_neither_thread_nor_file_is_left_behind_the_end(lane, ten):
    before = tasks()
    with reader(lane) as ahead:
        begun = [ahead.begin(str(ten), 1, at) for at in range(10)]
        started = tasks() - before
        assert len(started) == 1
    while started & tasks():  # the system takes its time
        os.sched_yield()
    assert ten.resolve() not in open_files()
    assert [read()[:] for read in begun] == [b"%d" % at for at in range(10)]
    assert ahead.begin(str(ten), 2, 2)()[:] == b"23"
    assert ten.resolve() not in open_files()
    with reader(lane):
        pass


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Return a log of some files whose words say where they stand."""
    files = RealFiles()
    folder = str(tmp_path_factory.mktemp("log"))
    queue = FileQueue(folder, FILE_BLOCKS * BLOCK, files, HandleCache(files, 4))
    words = b"".join(number.to_bytes(4, "big") for number in range(SIZE // 4))
    for begin in range(0, SIZE, FILE_BLOCKS * BLOCK):
        queue.write(words[begin : begin + FILE_BLOCKS * BLOCK], begin)
    yield queue, words
    for segment in queue.segments:
        files.close(segment.handle)


place = st.tuples(st.integers(0, SIZE // BLOCK - 1), st.integers(1, 8), st.booleans())


@given(st.lists(place, min_size=1, max_size=8), st.sampled_from(["python", "native"]))
def test_whatever_is_read_in_whatever_order_has_the_bytes_of_the_files(log, places, lane):
    queue, words = log
    window = LogWindow(queue, lambda: SIZE)
    with reader(lane) as window.reader:
        for first, count, forgets in places:
            for number in range(first, min(first + count, SIZE // BLOCK)):
                begin = number * BLOCK
                found = window.find(begin, begin + BLOCK, SEVERAL)
                at = begin - found.begin
                assert found.data[at : at + BLOCK] == words[begin : begin + BLOCK]
                ranges = [(begin + 100, 50), (begin + BLOCK - 30, 60)]
                (whole, rest), missing = window.cut(ranges, SIZE)
                assert (whole, rest, missing) == (words[begin + 100 : begin + 150], b"", [1])
                if (begin + BLOCK) % queue.segment_size:
                    offsets, sizes = zip(*ranges, strict=True)
                    pieces = window.pieces(offsets, sizes, SIZE)
                    assert pieces is not None
                    wanted = b"".join(words[offset : offset + size] for offset, size in ranges)
                    assert b"".join(pieces) == wanted
            if forgets:
                window.forget()
