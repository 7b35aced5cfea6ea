"""The parts of the log that are being read: whole blocks of it, the last ones that were wanted.

Queues that are written in turn lie interleaved in the log, so who walks along one of them meets, in each
block, messages of the others, for which somebody asks soon after. A block is read as a whole when several
records of it are wanted at once, when it is wanted a second time, or when the one before it is kept: a single
message somewhere costs no more than itself.

Who wants a block behind another one walks along the log, and the disk is asked for what lies ahead.

Only blocks that are written to their end are kept: those don't change any more.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.store.folder.file_queue import FileQueue

BLOCK: Final = 256 << 10  # bytes; a segment's last block may be shorter
KEPT: Final = 128  # blocks: 32 MiB, when so much is being read
SEVERAL: Final = 4  # records
AHEAD: Final = 2 << 20  # bytes that come from the disk before somebody who walks wants them
_REMEMBERED: Final = 256  # blocks of which a single record was wanted


class LogWindow:
    """Blocks of one log.

    Args:
        queue: the log's files.
    """

    __slots__ = ("_blocks", "_fetched", "_queue", "_seen")

    def __init__(self, queue: FileQueue) -> None:
        self._queue = queue
        self._blocks: dict[int, bytes] = {}
        self._seen: dict[int, None] = {}
        self._fetched = 0  # behind what was asked of the disk last

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

    def _fetch(self, stop: int) -> None:
        """Let the disk work on what lies behind ``stop`` while the messages before it are sent."""
        begin = self._fetched if stop <= self._fetched <= stop + AHEAD else stop
        if begin <= stop + AHEAD // 2:
            self._fetched = self._queue.will_need(begin, stop + AHEAD - begin)

    def _read(self, begin: int, stop: int) -> bytes | None:
        if begin - BLOCK in self._blocks:
            self._fetch(stop)
        block = self._queue.read(begin, stop - begin)
        if len(block) < stop - begin:
            return None
        blocks = self._blocks
        if len(blocks) >= KEPT:
            del blocks[next(iter(blocks))]
        blocks[begin] = block
        self._seen.pop(begin, None)
        return block

    def forget(self) -> None:
        """Forget all blocks: the log ends, or begins, somewhere else now."""
        self._blocks.clear()
        self._seen.clear()


def _count_below(ranges: Sequence[tuple[int, int]], first: int, stop: int) -> int:
    """Count the ranges from number ``first`` on that begin below ``stop``."""
    return bisect_left(ranges, (stop, 0), first) - first
