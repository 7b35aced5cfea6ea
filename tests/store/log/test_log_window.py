"""Which parts of a log are kept for those who read along it."""

from __future__ import annotations

import pytest

from rmqwire.store.folder.file_queue import FileQueue, HandleCache
from rmqwire.store.log.log_window import AHEAD, BLOCK, KEPT, SEVERAL, LogWindow
from rmqwire.testing.memory_files import MemoryFiles

SIZE = 64  # of a block here: a window doesn't know how large they are
BLOCKS = KEPT + 2


@pytest.fixture
def log():
    files = MemoryFiles()
    queue = FileQueue("log", SIZE * BLOCKS, files, HandleCache(files, 2))
    for number in range(BLOCKS):
        queue.write(bytes([number]) * SIZE, number * SIZE)
    return queue


@pytest.fixture
def window(log):
    return LogWindow(log)


def block(window, number, records=SEVERAL):
    return window.find(number * SIZE, (number + 1) * SIZE, records)


def test_a_block_is_read_when_several_of_its_records_are_wanted(window):
    assert block(window, 3) == b"\x03" * SIZE
    assert block(window, 4, SEVERAL - 1) is None


def test_a_block_is_read_when_it_is_wanted_again(window):
    assert block(window, 3, 1) is None
    assert block(window, 4, 1) is None
    assert block(window, 3, 1) == b"\x03" * SIZE


def test_the_block_behind_one_that_is_kept_is_read_for_one_record(large):
    window = LogWindow(large)
    assert window.find(BLOCK, BLOCK * 2, 1) is None
    assert window.find(0, BLOCK, SEVERAL) == large.read(0, BLOCK)
    window = LogWindow(large)
    window.find(0, BLOCK, SEVERAL)
    assert window.find(BLOCK, BLOCK * 2, 1) == large.read(BLOCK, BLOCK)


def test_a_block_is_read_once(window, log):
    first = block(window, 3)
    log.write(b"other", 3 * SIZE)
    assert block(window, 3, 1) is first


def test_the_block_read_first_goes_first(window, log):
    for number in range(KEPT + 1):
        block(window, number)
    log.write(b"other", 0)
    log.write(b"other", SIZE)
    assert block(window, 1) == b"\x01" * SIZE
    assert block(window, 0).startswith(b"other")


def test_nothing_is_kept_of_a_log_that_goes_on_elsewhere(window, log):
    block(window, 3)
    block(window, 4, 1)
    window.forget()
    log.write(b"other", 3 * SIZE)
    assert block(window, 4, 1) is None
    assert block(window, 3).startswith(b"other")


def test_a_block_that_is_not_there_is_none(window):
    assert block(window, BLOCKS) is None


def test_blocks_wanted_once_are_not_remembered_for_ever(window):
    assert block(window, 0, 1) is None
    for number in range(1000, 1300):
        assert block(window, number, 1) is None
    assert block(window, 0, 1) is None


@pytest.fixture(scope="module")
def large():
    """Return a log of one file, two blocks and a half, whose bytes say where they stand."""
    files = MemoryFiles()
    queue = FileQueue("log", BLOCK * 5 // 2, files, HandleCache(files, 2))
    queue.write(b"".join(n.to_bytes(4, "big") for n in range(BLOCK * 5 // 8)), 0)
    return queue


def ranges_of(begin, count, step, size):
    return [(begin + number * step, size) for number in range(count)]


@pytest.mark.parametrize(
    "ranges",
    [
        ranges_of(0, 10, 1000, 100),
        ranges_of(BLOCK - 5050, 10, 1000, 100),
        ranges_of(0, 60, 10_000, 10_000),
        ranges_of(BLOCK * 2, 4, 100, 100),
    ],
)
def test_records_are_cut_out_of_blocks(large, ranges):
    found, missing = LogWindow(large).cut(ranges, large.segment_size)
    assert missing == [
        number
        for number, (offset, size) in enumerate(ranges)
        if offset // BLOCK != (offset + size - 1) // BLOCK
    ]
    for number, (offset, size) in enumerate(ranges):
        assert found[number] == (b"" if number in missing else large.read(offset, size))


@pytest.mark.parametrize(
    "ranges",
    [
        ranges_of(0, 10, 1000, 100),
        ranges_of(BLOCK - 5050, 10, 1000, 100),
        ranges_of(BLOCK - 5050, 6, 1000, 100),
        ranges_of(0, 60, 10_000, 10_000),
        ranges_of(BLOCK * 2, 4, 100, 100),
        ranges_of(BLOCK * 5 // 2 - 100, 1, 100, 100),
    ],
)
def test_records_come_in_pieces_where_blocks_end(large, ranges):
    window, end = LogWindow(large), large.segment_size
    wanted = b"".join(large.read(*one) for one in ranges)
    for begin, stop in ((0, BLOCK), (BLOCK, BLOCK * 2), (BLOCK * 2, end)):
        window.find(begin, stop, SEVERAL)
    offsets, sizes = zip(*ranges, strict=True)
    assert b"".join(window.pieces(offsets, sizes, end) or ()) == wanted


@pytest.mark.parametrize("end", [BLOCK - 1, BLOCK * 2 - 1])
def test_there_are_no_pieces_where_a_block_is_not_to_be_had(large, end):
    offsets, sizes = zip(*ranges_of(BLOCK - 5050, 6, 1000, 100), strict=True)
    assert LogWindow(large).pieces(offsets, sizes, end) is None


def test_a_block_that_is_not_written_to_its_end_is_not_kept(large):
    ranges = ranges_of(BLOCK, 8, 500, 100)
    assert LogWindow(large).cut(ranges, BLOCK * 2 - 1) == ([b""] * 8, list(range(8)))


@pytest.mark.parametrize("damaged", [(-300, 100), (1 << 62, 100), (500, -100), (500, 0)])
def test_what_can_be_no_record_is_cut_out_of_nothing(large, damaged):
    found, missing = LogWindow(large).cut([*ranges_of(0, 8, 500, 100), damaged], BLOCK * 2)
    assert (found[8], missing) == (b"", [8])


def test_nothing_more_is_read_than_is_asked_for_where_that_is_wanted():
    files = MemoryFiles()
    handles = HandleCache(files, 2, reads_ahead=False)
    queue = FileQueue("log", BLOCK, files, handles)
    queue.write(bytes(BLOCK), 0)
    window = LogWindow(queue)
    assert window.find(0, BLOCK, SEVERAL) is None
    handles.read_ahead(wanted=True)
    assert window.find(0, BLOCK, SEVERAL) == bytes(BLOCK)


def test_the_disk_is_asked_for_what_lies_ahead_of_who_walks(monkeypatch):
    size = AHEAD + BLOCK * 4  # of a file
    files = MemoryFiles()
    queue = FileQueue("log", size, files, HandleCache(files, 2))
    for begin in (0, size):
        queue.write(bytes(size), begin)
    fetched = []

    def will_need(handle, count, offset):
        begin = int(files.handles[handle].rpartition("/")[2]) + offset
        fetched.extend(range(begin, begin + count, BLOCK))

    monkeypatch.setattr(files, "will_need", will_need)
    window = LogWindow(queue)
    window.find(BLOCK * 7, BLOCK * 8, SEVERAL)  # who jumps doesn't walk
    window.find(0, BLOCK, SEVERAL)
    assert fetched == []
    for begin in range(BLOCK, size * 2, BLOCK):
        window.find(begin, begin + BLOCK, SEVERAL)
    assert fetched == list(range(BLOCK * 2, size * 2, BLOCK))
