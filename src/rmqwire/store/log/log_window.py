"""The parts of the log that are being read: whole blocks of it, the last ones that were wanted.

Queues that are written in turn lie interleaved in the log, so who walks along one of them meets, in each
block, messages of the others, for which somebody asks soon after. A block is read as a whole when several
records of it are wanted at once, when it is wanted a second time, or when the one before it is kept: a single
message somewhere costs no more than itself.

Who wants a block behind another one walks along the log. What lies ahead is read by a thread then, so that
the loop neither waits for the disk nor copies what comes from there. It reads stretches of several blocks,
each in one call: a thread of the Python waits for the interpreter at each, and the loop for the thread then. As
far ahead as the disk takes to begin a new file.

Only blocks that are written to their end are kept: those don't change any more.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.store.folder.file_queue import FileQueue

BLOCK: Final = 256 << 10  # bytes; a segment's last block may be shorter
KEPT: Final = 48  # blocks: 12 MiB, when so much is being read
SEVERAL: Final = 4  # records
STRETCH: Final = 8 * BLOCK  # is read ahead in one call, or what is wanted of it
AHEAD: Final = 4  # stretches behind that of who walks, read before he wants them
COMING: Final = 8  # stretches that are read ahead for all who walk
_REMEMBERED: Final = 256  # blocks of which a single record was wanted


class Data(Protocol):
    """Bytes, or what the native thread has read."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes: ...


class Block(NamedTuple):
    """Where the bytes of a block are.

    Args:
        data: they, and perhaps those of blocks that were read with it.
        begin: offset in the log of its first byte.
    """

    data: Data
    begin: int


class Reader(Protocol):
    """Reads in a thread what somebody will want."""

    def begin(self, path: str, size: int, offset: int, /) -> Callable[[], Data]:
        """Have ``size`` bytes of a file read; return what returns them, or fewer, once."""

    def forget(self) -> None:
        """Take files for others from now on."""


class _Coming:
    """A stretch that is being read.

    Args:
        blocks: where those of it begin in the log.
        size: bytes of them all.
        since: how many blocks had been read since the start when it was begun.
        take: returns them, once.
    """

    __slots__ = ("blocks", "since", "size", "take")

    def __init__(
        self, blocks: Sequence[int], size: int, since: int, take: Callable[[], Data]
    ) -> None:
        self.blocks = blocks
        self.size = size
        self.since = since
        self.take = take


class LogWindow:
    """Blocks of one log.

    Args:
        queue: the log's files.
        end: returns the offset behind what is written of it.

    Attributes:
        reader: reads ahead; None: nothing is.
    """

    __slots__ = ("_blocks", "_coming", "_end", "_queue", "_reads", "_seen", "reader")

    def __init__(self, queue: FileQueue, end: Callable[[], int]) -> None:
        self._queue = queue
        self._end = end
        self._blocks: dict[int, Block] = {}
        self._coming: dict[int, _Coming] = {}  # by the beginning of each of its blocks
        self._reads = 0  # blocks read since the start
        self._seen: dict[int, None] = {}
        self.reader: Reader | None = None

    def find(self, begin: int, stop: int, records: int) -> Block | None:
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
        block: Block | None = None
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
                at = offset - block.begin
                found.append(block.data[at : at + size])
        return found, missing

    def pieces(
        self, offsets: Sequence[int], sizes: Sequence[int], end: int
    ) -> list[memoryview] | None:
        """Cut records out of blocks, all or none.

        Args:
            offsets: of the records, ascending.
            sizes: of each.
            end: of what is written of the log.

        Returns:
            views of their bytes one after the other, those of a record that goes on in another block in
            several pieces; None when a block is not to be had.

        Raises:
            OSError: the disk failed.
        """
        found: list[memoryview] = []
        first, count = 0, len(offsets)
        while first < count:
            begin, stop = self._block_at(offsets[first])
            below = bisect_left(offsets, stop, first)
            block = self.find(begin, stop, below - first) if stop <= end else None
            if block is None:
                return None
            data, base = _view(block.data), block.begin
            below = bisect_left(offsets, base + len(data), below)  # those read with it, too
            places = zip(offsets[first:below], sizes[first:below], strict=True)
            found += [data[offset - base : offset - base + size] for offset, size in places]
            last_end = offsets[below - 1] + sizes[below - 1]
            while (here := base + len(data)) < last_end:
                begin, stop = self._block_at(here)
                block = self.find(begin, stop, 1) if stop <= end else None
                if block is None:
                    return None
                data, base = _view(block.data), block.begin
                found.append(data[here - base : last_end - base])
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

    def _read(self, begin: int, stop: int) -> Block | None:
        if begin - BLOCK in self._blocks and self.reader is not None:
            self._read_ahead(begin, stop, self.reader)
        coming = self._coming.get(begin)
        if coming is not None and self._take(coming):
            return self._blocks[begin]
        data = self._queue.read(begin, stop - begin)
        if len(data) < stop - begin:
            return None
        block = Block(data, begin)
        self._keep(begin, block)
        return block

    def _take(self, coming: _Coming) -> bool:
        """Keep what was read ahead; tell whether it was."""
        for begin in coming.blocks:
            del self._coming[begin]
        data = coming.take()
        if len(data) < coming.size:
            return False
        block = Block(data, coming.blocks[0])
        for begin in coming.blocks:
            self._keep(begin, block)
        return True

    def _keep(self, begin: int, block: Block) -> None:
        blocks = self._blocks
        self._reads += 1
        if len(blocks) >= KEPT:
            del blocks[next(iter(blocks))]
        blocks[begin] = block
        self._seen.pop(begin, None)

    def _read_ahead(self, begin: int, stop: int, reader: Reader) -> None:
        """Have what lies behind a block read while its messages are sent: about as far as he has come who walks."""
        end, ahead = self._end(), 1
        while ahead < AHEAD and begin - ahead * STRETCH in self._blocks:
            ahead *= 2
        for _ in range(ahead + 1):
            segment = self._queue.find(stop)
            if segment is None:
                return
            missing, size, stop = self._missing(stop, end)
            if missing:
                if not self._has_room():
                    return
                take = reader.begin(segment.path, size, missing[0] - segment.start)
                coming = _Coming(missing, size, self._reads, take)
                self._coming.update(dict.fromkeys(missing, coming))

    def _missing(self, first: int, end: int) -> tuple[list[int], int, int]:
        """Return what is missing of a stretch from one of its blocks on.

        Args:
            first: where that block begins.
            end: of what is written of the log.

        Returns:
            where the first blocks in a row begin that are neither here nor coming, though written to
            their end; their bytes; where the stretch ends.
        """
        begin = stop = first
        base = first - first % self._queue.segment_size
        stretch_end = min(
            first + STRETCH - (first - base) % STRETCH, base + self._queue.segment_size
        )
        missing: list[int] = []
        while stop < stretch_end:
            begin, stop = self._block_at(stop)
            is_missing = stop <= end and begin not in self._blocks and begin not in self._coming
            if is_missing:
                missing.append(begin)
            elif missing:
                return missing, begin - missing[0], stretch_end
        return missing, stop - missing[0] if missing else 0, stretch_end

    def _has_room(self) -> bool:
        """Tell whether one more stretch may be read ahead; who hasn't come for the oldest doesn't walk any more."""
        coming = self._coming
        if len(coming) * BLOCK >= COMING * STRETCH:
            oldest = next(iter(coming.values()))
            if self._reads - oldest.since <= KEPT:
                return False
            for begin in oldest.blocks:
                del coming[begin]
        return True

    def forget(self) -> None:
        """Forget all blocks: the log ends, or begins, somewhere else now."""
        self._blocks.clear()
        self._coming.clear()
        self._seen.clear()
        if self.reader is not None:
            self.reader.forget()


def _view(data: Data) -> memoryview:
    return memoryview(data if isinstance(data, bytes) else data[:])


def _count_below(ranges: Sequence[tuple[int, int]], first: int, stop: int) -> int:
    """Count the ranges from number ``first`` on that begin below ``stop``."""
    return bisect_left(ranges, (stop, 0), first) - first
