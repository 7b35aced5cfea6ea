"""Rows of fixed-size files and the handles they share."""

from __future__ import annotations

import errno

import pytest

from rmqwire.errors import CorruptLog, DiskFull
from rmqwire.store.folder.file_queue import FileQueue, HandleCache
from tests.support.memory_files import MemoryFiles


def make(files=None, size=100, limit=8):
    files = files or MemoryFiles()
    handles = HandleCache(files, limit)
    return FileQueue("/q", size, files, handles), files, handles


def test_rolling_and_reading():
    queue, files, _ = make()
    queue.write(b"a" * 100, 0)
    queue.write(b"b" * 50, 100)
    assert list(files.data) == [f"/q/{0:020d}", f"/q/{100:020d}"]
    assert [len(data) for data in files.data.values()] == [100, 100]
    assert queue.read(90, 50) == b"a" * 10
    assert queue.read(140, 20) == b"b" * 10 + b"\0" * 10
    assert queue.read(200, 1) == b""
    assert queue.read(-1, 1) == b""
    assert (queue.start, queue.end_of_files) == (0, 200)


def test_a_row_may_begin_anywhere():
    queue, files, _ = make()
    assert (queue.start, queue.end_of_files, queue.find(0)) == (0, 0, None)
    queue.write(b"x", 250)
    assert (queue.start, queue.end_of_files) == (200, 300)
    again, _, _ = make(files)
    again.load()
    assert again.read(250, 1) == b"x"


@pytest.mark.parametrize(
    "names", [["1"], ["1" + "x" * 19], [f"{0:020d}", f"{200:020d}"], [f"{0:020d}", f"{50:020d}"]]
)
def test_names_that_make_no_row(names):
    queue, files, _ = make()
    for name in names:
        files.put(f"/q/{name}", bytes(100))
    with pytest.raises(CorruptLog):
        queue.load()


def test_wrong_sizes():
    queue, files, _ = make()
    files.put(f"/q/{0:020d}", bytes(99))
    with pytest.raises(CorruptLog, match="99, not 100"):
        queue.load()
    files.put(f"/q/{0:020d}", bytes(100))
    files.put(f"/q/{100:020d}")
    queue.load()
    assert [segment.start for segment in queue.segments] == [0]
    assert list(files.data) == [f"/q/{0:020d}"]


@pytest.mark.parametrize(("code", "error"), [(errno.ENOSPC, DiskFull), (errno.EIO, OSError)])
def test_a_segment_that_can_not_be_made_leaves_nothing(code, error):
    queue, files, _ = make()
    files.fail("fallocate", code=code)
    with pytest.raises(error):
        queue.write(b"x", 0)
    assert (files.data, files.handles, queue.segments) == ({}, {}, [])
    queue.write(b"x", 0)


def test_zeroing_a_tail_touches_what_is_not_zero():
    queue, files, _ = make(size=20_000)
    queue.write(b"x" * 20_000, 0)
    assert queue.zero_tail(10_000) == 10_000
    assert files.data[f"/q/{0:020d}"] == b"x" * 10_000 + bytes(10_000)
    assert files.calls[-1][0] == "datasync"
    queue.write(b"y", 15_000)
    files.calls.clear()
    assert queue.zero_tail(10_000) == 4096
    assert [call[0] for call in files.calls] == ["pread", "pwrite", "datasync"]
    files.calls.clear()
    assert queue.zero_tail(10_000) == 0
    assert [call[0] for call in files.calls] == ["pread"]
    assert queue.zero_tail(20_000) == 0


def test_dropping_segments():
    queue, files, _ = make()
    for start in (0, 100, 200):
        queue.write(b"x", start)
    assert queue.drop_from(101) == [f"/q/{200:020d}"]
    queue.drop(queue.segments[0])
    assert list(files.data) == [f"/q/{100:020d}"]
    assert queue.new_names
    queue.sync_names()
    assert not queue.new_names
    files.calls.clear()
    queue.sync_names()
    assert files.calls == []
    queue.remove()
    assert (files.data, files.handles, files.exists("/q")) == ({}, {}, False)


@pytest.mark.parametrize("begin", [0, 200, 299, 300, 301, 450, 700])
@pytest.mark.parametrize("end", [0, 300, 301, 399, 400, 450, 700])
def test_pinned_are_those_that_hold_some_of_the_bytes(begin, end):
    queue, _, _ = make()
    for start in (200, 300, 400):
        queue.create(start)
    pinned = queue.pinned(begin, end)
    held = [start for start in (200, 300, 400) if start < end and start + 100 > begin]
    assert [segment.start for segment in pinned] == held
    queue.unpin(pinned)


def test_handles_are_few_and_pinned_ones_stay():
    queue, files, handles = make(limit=2)
    for start in (0, 100, 200, 300):
        queue.write(b"x", start)
    assert len(files.handles) == 2
    pinned = queue.pinned(0, 150)
    assert [segment.start for segment in pinned] == [0, 100]
    for start in (200, 300, 0, 200):
        queue.read(start, 1)
    assert all(segment.handle in files.handles for segment in pinned)
    queue.drop(pinned[0])
    assert pinned[0].handle in files.handles
    queue.unpin(pinned)
    assert pinned[0].handle == -1
    queue.close()
    handles.close()
    assert files.handles == {}
