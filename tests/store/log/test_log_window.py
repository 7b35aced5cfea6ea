"""Which parts of a log are kept for those who read along it."""

from __future__ import annotations

import pytest

from rmqwire.store.folder.file_queue import FileQueue, HandleCache
from rmqwire.store.log import log_window
from rmqwire.store.log.log_window import (
    AHEAD,
    BLOCK,
    COMING,
    KEPT,
    SEVERAL,
    STRETCH,
    LogWindow,
)
from rmqwire.testing.memory_files import MemoryFiles

SIZE = 64  # of a block here: a window doesn't know how large they are
BLOCKS = KEPT + 2


def window_of(queue):
    return LogWindow(queue, lambda: queue.end_of_files)


@pytest.fixture
def log():
    files = MemoryFiles()
    queue = FileQueue("log", SIZE * BLOCKS, files, HandleCache(files, 2))
    for number in range(BLOCKS):
        queue.write(bytes([number]) * SIZE, number * SIZE)
    return queue


@pytest.fixture
def window(log):
    return window_of(log)


def block(window, number, records=SEVERAL):
    return data_of(window.find(number * SIZE, (number + 1) * SIZE, records), number * SIZE, SIZE)


def data_of(block, begin, size):
    """Return the bytes of a block."""
    if block is None:
        return None
    at = begin - block.begin
    return block.data if (at, size) == (0, len(block.data)) else block.data[at : at + size]


def test_a_block_is_read_when_several_of_its_records_are_wanted(window):
    assert block(window, 3) == b"\x03" * SIZE
    assert block(window, 4, SEVERAL - 1) is None


def test_a_block_is_read_when_it_is_wanted_again(window):
    assert block(window, 3, 1) is None
    assert block(window, 4, 1) is None
    assert block(window, 3, 1) == b"\x03" * SIZE


def test_the_block_behind_one_that_is_kept_is_read_for_one_record(large):
    window = window_of(large)
    assert window.find(BLOCK, BLOCK * 2, 1) is None
    assert window.find(0, BLOCK, SEVERAL) == (large.read(0, BLOCK), 0)
    window = window_of(large)
    window.find(0, BLOCK, SEVERAL)
    assert window.find(BLOCK, BLOCK * 2, 1) == (large.read(BLOCK, BLOCK), BLOCK)


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
    found, missing = window_of(large).cut(ranges, large.segment_size)
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
    window, end = window_of(large), large.segment_size
    wanted = b"".join(large.read(*one) for one in ranges)
    for begin, stop in ((0, BLOCK), (BLOCK, BLOCK * 2), (BLOCK * 2, end)):
        window.find(begin, stop, SEVERAL)
    offsets, sizes = zip(*ranges, strict=True)
    assert b"".join(window.pieces(offsets, sizes, end) or ()) == wanted


@pytest.mark.parametrize("end", [BLOCK - 1, BLOCK * 2 - 1])
def test_there_are_no_pieces_where_a_block_is_not_to_be_had(large, end):
    offsets, sizes = zip(*ranges_of(BLOCK - 5050, 6, 1000, 100), strict=True)
    assert window_of(large).pieces(offsets, sizes, end) is None


def test_a_block_that_is_not_written_to_its_end_is_not_kept(large):
    ranges = ranges_of(BLOCK, 8, 500, 100)
    assert window_of(large).cut(ranges, BLOCK * 2 - 1) == ([b""] * 8, list(range(8)))


@pytest.mark.parametrize("damaged", [(-300, 100), (1 << 62, 100), (500, -100), (500, 0)])
def test_what_can_be_no_record_is_cut_out_of_nothing(large, damaged):
    found, missing = window_of(large).cut([*ranges_of(0, 8, 500, 100), damaged], BLOCK * 2)
    assert (found[8], missing) == (b"", [8])


def test_nothing_more_is_read_than_is_asked_for_where_that_is_wanted():
    files = MemoryFiles()
    handles = HandleCache(files, 2, reads_ahead=False)
    queue = FileQueue("log", BLOCK, files, handles)
    queue.write(bytes(BLOCK), 0)
    window = window_of(queue)
    assert window.find(0, BLOCK, SEVERAL) is None
    handles.read_ahead(wanted=True)
    assert window.find(0, BLOCK, SEVERAL) == (bytes(BLOCK), 0)


IN_STRETCH = STRETCH // BLOCK
FILE_BLOCKS = IN_STRETCH * (AHEAD + 6) + 1
FILES = 2


class Reader:
    """Notes what is read ahead, as numbers of blocks, and reads when somebody waits for it."""

    def __init__(self, files):
        self.files = files
        self.begun = []
        self.waited_for = []
        self.forgotten = 0
        self.fails = False

    def forget(self):
        self.forgotten += 1

    def begin(self, path, size, offset):
        first = (int(path.rpartition("/")[2]) + offset) // BLOCK
        numbers = list(range(first, first + size // BLOCK))
        self.begun.append(numbers)

        def read():
            self.waited_for.append(numbers)
            return b"" if self.fails else bytes(self.files.data[path][offset : offset + size])

        return read


class Walk:
    """A log of two files, someone who reads along it, and what is read ahead for him."""

    def __init__(self, end=FILE_BLOCKS * FILES * BLOCK):
        self.files = MemoryFiles()
        self.handles = HandleCache(self.files, 2)
        size = FILE_BLOCKS * BLOCK
        self.queue = FileQueue("log", size, self.files, self.handles)
        for number in range(FILE_BLOCKS * FILES):
            self.queue.write(bytes([number]) * BLOCK, number * BLOCK)
        self.reader = Reader(self.files)
        self.window = LogWindow(self.queue, lambda: end)
        self.window.reader = self.reader

    def find(self, *numbers):
        for number in numbers:
            found = self.window.find(number * BLOCK, (number + 1) * BLOCK, SEVERAL)
            assert data_of(found, number * BLOCK, BLOCK) == bytes([number]) * BLOCK

    def pieces(self, offsets, sizes):
        return b"".join(self.window.pieces(offsets, sizes, self.queue.end_of_files) or ())


def blocks(first, last):
    """Return the stretches of blocks ``first`` to ``last``, without that."""
    found = []
    for number in range(first, last):
        if not found or number % FILE_BLOCKS % IN_STRETCH == 0:
            found.append([])
        found[-1].append(number)
    return found


def test_what_lies_ahead_of_who_walks_is_read_in_a_thread_file_after_file():
    walk = Walk()
    walk.find(7, 0)  # who jumps doesn't walk
    assert walk.reader.begun == []
    walk = Walk()
    last = FILE_BLOCKS * FILES
    walk.find(*range(last))
    assert walk.reader.begun == walk.reader.waited_for == blocks(2, last)


def test_as_far_is_read_ahead_as_somebody_has_come_but_not_farther_than_some_stretches():
    walk = Walk()
    for stretch, ahead in ((0, 1), (1, 2), (2, 4), (3, 4), (4, AHEAD), (5, AHEAD)):
        first = stretch * IN_STRETCH
        walk.find(*range(first, first + IN_STRETCH))
        assert walk.reader.begun[-1][-1] == IN_STRETCH * (stretch + ahead + 1) - 1


def test_records_are_cut_out_of_stretches():
    walk = Walk()
    walk.find(0, 1, 2)
    offsets = [3 * BLOCK - 10, 3 * BLOCK + 90, IN_STRETCH * BLOCK - 10]
    wanted = b"".join(walk.queue.read(offset, 100) for offset in offsets)
    assert walk.pieces(offsets, [100] * 3) == wanted
    found, missing = walk.window.cut([(offsets[1], 100)], walk.queue.end_of_files)
    assert (found, missing) == ([walk.queue.read(offsets[1], 100)], [])


def test_a_record_that_is_larger_than_a_block_goes_on_behind_its_stretch():
    walk = Walk()
    walk.find(*range(IN_STRETCH + 1))  # the next stretch is here, and the one behind it is coming
    begin = (IN_STRETCH + 1) * BLOCK + 10
    for size in (IN_STRETCH - 1, IN_STRETCH, IN_STRETCH * 2):
        assert walk.pieces([begin], [size * BLOCK]) == walk.queue.read(begin, size * BLOCK)


def test_a_block_that_is_there_already_ends_what_is_read_of_its_stretch():
    walk = Walk()
    walk.find(IN_STRETCH + 1, 0, 1)
    assert walk.reader.begun[:2] == [*blocks(2, IN_STRETCH), [IN_STRETCH]]


def test_a_block_that_is_not_written_to_its_end_is_not_read_ahead():
    walk = Walk(end=IN_STRETCH * BLOCK - 1)
    walk.find(*range(IN_STRETCH))
    assert walk.reader.begun == blocks(2, IN_STRETCH - 1)


def test_what_the_thread_could_not_read_is_read_again_and_fails_there(monkeypatch):
    walk = Walk()
    walk.find(0, 1)
    walk.reader.fails = True
    walk.find(2)

    def fail(*_):
        raise OSError(5, "injected")

    monkeypatch.setattr(walk.files, "pread", fail)
    with pytest.raises(OSError, match="injected"):
        walk.find(3)


def test_what_was_read_ahead_of_a_log_that_goes_on_elsewhere_is_forgotten():
    walk = Walk()
    walk.find(0, 1)
    walk.window.forget()
    walk.find(2)
    assert (walk.reader.waited_for, walk.reader.forgotten) == ([], 1)


def test_nothing_is_read_ahead_where_that_is_not_wanted():
    walk = Walk()
    walk.find(0)
    walk.handles.read_ahead(wanted=False)
    assert walk.window.find(BLOCK, BLOCK * 2, SEVERAL) is None
    assert walk.reader.begun == []


def test_what_is_read_ahead_is_bounded_however_many_walk_and_leave(monkeypatch):
    files = MemoryFiles()
    most = COMING * IN_STRETCH  # blocks
    file_blocks = IN_STRETCH * 2
    walkers = most // (file_blocks - 2) + 1
    queue = FileQueue("log", file_blocks * BLOCK, files, HandleCache(files, 2))
    for number in range(
        2 * walkers + 2
    ):  # two files for each: who walks through one goes on in the next
        queue.create(number * file_blocks * BLOCK)
    window, reader = window_of(queue), Reader(files)
    window.reader = reader

    def walk(place):
        for number in (0, 1):
            begin = (2 * place * file_blocks + number) * BLOCK
            window.find(begin, begin + BLOCK, SEVERAL)
        return sum(map(len, reader.begun))

    begun = [walk(place) for place in range(walkers)][-1]
    assert most <= begun < most + IN_STRETCH
    monkeypatch.setattr(log_window, "KEPT", 2)  # nobody has come for so long
    assert walk(walkers) == begun + IN_STRETCH * 2 - 2
