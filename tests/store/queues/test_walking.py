"""Reading along the files of a queue: units that come along with others are those that stand there."""

from __future__ import annotations

import pytest

from rmqwire.codec.consume_queue import UNIT, pack_unit
from rmqwire.store.folder.file_queue import HandleCache
from rmqwire.store.queues.consume_queue import TAIL_KEPT, ConsumeQueue
from rmqwire.testing.memory_files import MemoryFiles

PER_FILE = 500
COUNT = 1200


def units(first, count, size=100):
    return b"".join(pack_unit(number * size, size, 0) for number in range(first, first + count))


@pytest.fixture
def queue():
    files = MemoryFiles()
    queue = ConsumeQueue("T", 0, "queue", PER_FILE * UNIT, files, HandleCache(files, 3))
    queue.dispatch(units(0, COUNT))
    queue.write_tail()
    assert queue.tail.start == COUNT * UNIT - TAIL_KEPT
    return queue


@pytest.mark.parametrize("step", [1, 2, 33, 300])
def test_units_are_those_of_the_queue_wherever_one_walks(queue, step):
    for offset in [*range(0, COUNT, step), *range(COUNT - 1, 0, -step)]:
        stop = min(offset + step, COUNT, offset - offset % PER_FILE + PER_FILE)
        assert queue.read(offset, step) == units(offset, stop - offset)


def test_one_read_serves_the_next_ones(queue, monkeypatch):
    reads = []
    read = queue.files.read

    def counted(*place):
        reads.append(place)
        return read(*place)

    monkeypatch.setattr(type(queue.files), "read", lambda _, *place: counted(*place))
    for offset in range(0, 256, 32):
        queue.read(offset, 32)
    assert reads == [(0, 256 * UNIT)]
    queue.unit(3)
    assert not reads[1:]
    queue.unit(300)  # one by itself brings nothing along
    assert reads[1:] == [(300 * UNIT, UNIT)]


def test_what_was_cut_away_does_not_come_back(queue):
    queue.read(0, 32)
    queue.cut(10 * UNIT)
    queue.dispatch(units(10, COUNT, size=77))
    queue.write_tail()
    assert queue.read(0, 32) == units(0, 10) + units(10, 22, size=77)
