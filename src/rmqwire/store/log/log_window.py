"""The parts of the log that are being read: whole blocks of it, the last ones that were wanted.

Queues that are written in turn lie interleaved in the log, so who walks along one of them meets, in each
block, messages of the others, for which somebody asks soon after. A block is read as a whole when several
records of it are wanted at once, when it is wanted a second time, or when the one before it is kept: a single
message somewhere costs no more than itself.

Who wants a block behind another one walks along the log. What lies ahead is read by a thread then, so that
the loop neither waits for the disk nor copies what comes from there.

Only blocks that are written to their end are kept: those don't change any more.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.store.folder.file_queue import FileQueue

    # Is told a file, how many bytes of it and from where on; returns what returns them, or fewer.
    BeginRead = Callable[[str, int, int], Callable[[], bytes]]

BLOCK: Final = 256 << 10  # bytes; a segment's last block may be shorter
KEPT: Final = 128  # blocks: 32 MiB, when so much is being read
SEVERAL: Final = 4  # records
AHEAD: Final = 8  # blocks that are read before somebody who walks wants them
COMING: Final = 4 * AHEAD  # blocks that are read ahead for all who walk
_REMEMBERED: Final = 256  # blocks of which a single record was wanted


class LogWindow:
    """Blocks of one log.

    Args:
        queue: the log's files.
        end: returns the offset behind what is written of it.

    Attributes:
        begin_read: begins a read in a thread; None: nothing is read ahead.
    """

    __slots__ = ("_blocks", "_coming", "_end", "_queue", "_reads", "_seen", "begin_read")

    def __init__(self, queue: FileQueue, end: Callable[[], int]) -> None:
        self._queue = queue
        self._end = end
        self._blocks: dict[int, bytes] = {}
        self._coming: dict[int, tuple[int, Callable[[], bytes]]] = {}  # when begun, what waits
        self._reads = 0  # blocks read since the start
        self._seen: dict[int, None] = {}
        self.begin_read: BeginRead | None = None

    def find(self, begin: int, stop: int, records: int) -> bytes | None:
        """Return a block; None if its records are better read by themselves.

        Args:
            begin: offset in the log of its first byte, a multiple of ``BLOCK`` in its segment.
            stop: offset behind its last byte; all before it is written.
            records: how many of it are wanted now.

        Raises:
            OSError: the disk failed.
        """
        block = self._blocks.get(begin)
        if block is not None:
            return block
        if not self._queue.reads_ahead:
            return None
        is_next = begin - BLOCK in self._blocks
        if records < SEVERAL and not is_next and begin not in self._seen:
            self._remember(begin)
            return None
        return self._read(begin, stop)

    def cut(self, ranges: Sequence[tuple[int, int]], end: int) -> tuple[list[bytes], list[int]]:
        """Cut records out of blocks.

        Args:
            ranges: their offsets and sizes, ascending.
            end: of what is written of the log.

        Returns:
            the records, and the numbers of those that are better read by themselves, because the block
            is not to be had or the record goes on in the next one; b"" stands for each.

        Raises:
            OSError: the disk failed.
        """
        begin = stop = 0
        block: bytes | None = None
        found, missing = [], []
        for number, (offset, size) in enumerate(ranges):
            if not begin <= offset < stop:
                begin, stop = self._block_at(offset)
                block = None
                if stop <= end:
                    block = self.find(begin, stop, _count_below(ranges, number, stop))
            if block is None or not 0 < size <= stop - offset:
                found.append(b"")
                missing.append(number)
            else:
                at = offset - begin
                found.append(block[at : at + size])
        return found, missing

    def pieces(self, offsets: Sequence[int], sizes: Sequence[int], end: int) -> list[bytes] | None:
        """Cut records out of blocks, all or none.

        Args:
            offsets: of the records, ascending.
            sizes: of each.
            end: of what is written of the log.

        Returns:
            their bytes one after the other, those of a record that goes on in the next block in two
            pieces; None when a block is not to be had.

        Raises:
            OSError: the disk failed.
        """
        found: list[bytes] = []
        first, count = 0, len(offsets)
        while first < count:
            begin, stop = self._block_at(offsets[first])
            below = bisect_left(offsets, stop, first)
            block = self.find(begin, stop, below - first) if stop <= end else None
            if block is None:
                return None
            places = zip(offsets[first:below], sizes[first:below], strict=True)
            found += [block[offset - begin : offset - begin + size] for offset, size in places]
            over = offsets[below - 1] + sizes[below - 1] - stop
            if over > 0:
                begin, stop = self._block_at(stop)
                block = self.find(begin, stop, 1) if stop <= end else None
                if block is None:
                    return None
                found.append(block[:over])
            first = below
        return found

    def _block_at(self, offset: int) -> tuple[int, int]:
        """Return where the block that holds ``offset`` begins, and where it ends."""
        segment = self._queue.segment_size
        base = offset - offset % segment
        begin = offset - (offset - base) % BLOCK
        return begin, min(begin + BLOCK, base + segment)

    def _remember(self, begin: int) -> None:
        seen = self._seen
        if len(seen) >= _REMEMBERED:
            del seen[next(iter(seen))]
        seen[begin] = None

    def _read(self, begin: int, stop: int) -> bytes | None:
        blocks = self._blocks
        if begin - BLOCK in blocks and self.begin_read is not None:
            self._read_ahead(stop, self.begin_read)
        coming = self._coming.pop(begin, None)
        block = b"" if coming is None else coming[1]()
        if len(block) < stop - begin:
            block = self._queue.read(begin, stop - begin)
        if len(block) < stop - begin:
            return None
        self._reads += 1
        if len(blocks) >= KEPT:
            del blocks[next(iter(blocks))]
        blocks[begin] = block
        self._seen.pop(begin, None)
        return block

    def _read_ahead(self, stop: int, begin_read: BeginRead) -> None:
        """Have the next blocks behind ``stop`` read while the messages before it are sent."""
        end = self._end()
        for _ in range(AHEAD):
            begin, stop = self._block_at(stop)
            segment = self._queue.find(begin)
            if stop > end or segment is None:
                return
            if begin not in self._blocks and begin not in self._coming:
                if not self._has_room():
                    return
                read = begin_read(segment.path, stop - begin, begin - segment.start)
                self._coming[begin] = self._reads, read

    def _has_room(self) -> bool:
        """Tell whether one more block may be read ahead; who hasn't come for the oldest doesn't walk any more."""
        coming = self._coming
        if len(coming) >= COMING:
            oldest = next(iter(coming))
            if self._reads - coming[oldest][0] <= KEPT:
                return False
            del coming[oldest]
        return True

    def forget(self) -> None:
        """Forget all blocks: the log ends, or begins, somewhere else now."""
        self._blocks.clear()
        self._coming.clear()
        self._seen.clear()


def _count_below(ranges: Sequence[tuple[int, int]], first: int, stop: int) -> int:
    """Count the ranges from number ``first`` on that begin below ``stop``."""
    return bisect_left(ranges, (stop, 0), first) - first
