"""Answer a pull (Java ``DefaultMessageStore.getMessage``): units of a queue to ranges of the log."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

import msgspec

from rmqwire.codec.consume_queue import UNIT, UNIT_STRUCT
from rmqwire.codec.record import MIN_RECORD_SIZE
from rmqwire.store.queues.ext_queue import ExtConsumeQueue
from rmqwire.store.reading.check import all_right, count_right, damaged
from rmqwire.store.reading.full_test import FullTest
from rmqwire.store.results import GetMessageResult, GetStatus

if TYPE_CHECKING:
    from rmqwire.filter.message_filter import Filter
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.log.commit_log import CommitLog
    from rmqwire.store.queues.consume_queue import ConsumeQueue

MAX_PULL_MSG_SIZE = 128 * 1024 * 1024  # bytes: DefaultMessageStore.MAX_PULL_MSG_SIZE
MIN_PULL_MSG_SIZE = 100  # bytes: a smaller wish is raised to it


@lru_cache(256)
def _units_struct(count: int) -> Struct:
    """Return what reads offset and size of so many units at once."""
    return Struct(">" + "qi8x" * count)


class Bounds(msgspec.Struct):
    """What bounds plain pulls while the log is as it is.

    Args:
        memory_from: records from this offset on are there, and count as in memory.
        trusted_from: those from this offset on are surely right.
        most_bytes: of one pull.
        most_messages: of one pull.
    """

    memory_from: int
    trusted_from: int
    most_bytes: int
    most_messages: int


class Pull:
    """One pull: the limits that hold for it and what it has found so far."""

    __slots__ = (
        "bytes_in_disk",
        "bytes_in_memory",
        "count_in_disk",
        "count_in_memory",
        "found",
        "full_test",
        "log",
        "matches",
        "max_bytes",
        "max_messages",
        "memory_from",
        "newest",
        "next_offset",
        "offsets",
        "queue",
        "start",
        "status",
        "total",
    )

    def __init__(
        self,
        config: StoreConfig,
        log: CommitLog,
        queue: ConsumeQueue,
        max_messages: int,
        max_bytes: int,
        wanted: Filter | None,
        memory_bytes: int,
    ) -> None:
        self.bytes_in_disk = config.max_transfer_bytes_on_message_in_disk
        self.bytes_in_memory = config.max_transfer_bytes_on_message_in_memory
        self.count_in_disk = config.max_transfer_count_on_message_in_disk
        self.count_in_memory = config.max_transfer_count_on_message_in_memory
        self.log = log
        self.matches = None if wanted is None else wanted.wants_code
        self.full_test = None
        if wanted is not None:
            if isinstance(queue, ExtConsumeQueue):
                self.matches = queue.matching(wanted)
            if wanted.wants is not None:
                self.full_test = FullTest(log, queue, wanted.wants)
        self.max_bytes = max_bytes
        self.max_messages = max_messages
        self.memory_from = log.end - memory_bytes  # below it a record counts as on the disk only
        self.found: list[tuple[int, int]] = []
        self.queue = queue
        self.offsets: list[int] = []  # queue offsets of ``found``
        self.total = 0
        self.newest = 0  # physical offset of the last unit looked at
        self.start = self.next_offset = 0
        self.status = GetStatus.NO_MATCHED_MESSAGE

    @property
    def filters(self) -> bool:
        """Whether there are messages that aren't wanted."""
        return self.matches is not None or self.full_test is not None

    def is_full(self, offset: int, size: int) -> bool:
        """Return whether the record at ``offset`` is one too many (Java ``isTheBatchFull``)."""
        count = len(self.found)
        if count == 0:
            return False
        total = self.total + size
        if count >= self.max_messages or total > self.max_bytes or self.total >= self.max_bytes:
            return True
        if offset >= self.memory_from:
            return total > self.bytes_in_memory or count >= self.count_in_memory
        return total > self.bytes_in_disk or count >= self.count_in_disk

    def take(self, units: bytes, first_offset: int) -> bool:
        """Look at units in a row, the first of which is message ``first_offset``.

        Returns:
            False when no more units are wanted.
        """
        matches, full_test = self.matches, self.full_test
        log_start = self.log.min_offset
        if full_test is not None:
            full_test.expect(
                (offset, size)
                for offset, size, tags_code in UNIT_STRUCT.iter_unpack(units)
                if (matches is None or matches(tags_code)) and offset >= log_start
            )
        self.next_offset = first_offset
        for offset, size, tags_code in UNIT_STRUCT.iter_unpack(units):
            if self.found and self.is_full(offset, size):
                return False
            self.newest = offset
            self.next_offset += 1
            if matches is not None and not matches(tags_code):
                continue
            if offset < log_start:
                if not self.found:
                    self.status = GetStatus.MESSAGE_WAS_REMOVING
                continue
            if full_test is not None and not full_test.is_next_wanted():
                if not full_test.met_damage:
                    continue
                if self.next_offset - 1 > self.start:  # the next pull begins with it, and fails
                    self.next_offset -= 1
                    return False
            self.found.append((offset, size))
            self.offsets.append(self.next_offset - 1)
            self.total += size
        return True

    def take_all(self, units: bytes, first_offset: int) -> bool | None:
        """Do what ``take`` does where no unit is left out and the bytes don't matter; None elsewhere."""
        fields = _units_struct(len(units) // UNIT).unpack(units)
        offsets, sizes = fields[::2], fields[1::2]
        most = max(min(self.max_messages, self.count_in_memory), 1)
        more = len(sizes) <= most
        if not more:
            offsets, sizes = offsets[:most], sizes[:most]
        total = sum(sizes)
        if (
            total > min(self.max_bytes, self.bytes_in_memory)
            or min(sizes) <= 0
            or min(offsets) < max(self.log.min_offset, self.memory_from)
        ):
            return None
        self.found = list(zip(offsets, sizes, strict=True))
        self.next_offset = first_offset + len(sizes)
        self.offsets = list(range(first_offset, self.next_offset))
        self.total = total
        self.newest = offsets[-1]
        return more

    def body(self) -> bytes:
        """Fetch the records found; the answer ends before one that is not right.

        Raises:
            CorruptLog: already the first is damaged, or is not the message its unit is for.
        """
        found, offsets = self.found, self.offsets
        records = self.log.read_ranges(found)
        if min(found)[0] >= self.log.trusted_from and all(records):
            return b"".join(records)
        in_a_row = offsets[-1] - offsets[0] == len(offsets) - 1
        right = count_right(records, found, self.queue, offsets[0] if in_a_row else -1)
        if right == len(records):
            return b"".join(records)
        if right == 0:
            raise damaged(self.log, found[0][0], self.queue, offsets[0])
        self.next_offset = offsets[right]
        del found[right:], offsets[right:]
        return b"".join(records[:right])


def out_of_range(queue: ConsumeQueue, offset: int, config: StoreConfig) -> GetMessageResult | None:
    """Answer a pull whose offset the queue doesn't have; None if it has it."""
    low, high = queue.min_offset, queue.max_offset
    if high == 0:
        status, corrected = GetStatus.NO_MESSAGE_IN_QUEUE, 0
    elif offset < low:
        status, corrected = GetStatus.OFFSET_TOO_SMALL, low
    elif offset == high:
        status, corrected = GetStatus.OFFSET_OVERFLOW_ONE, offset
    elif offset > high:
        status, corrected = GetStatus.OFFSET_OVERFLOW_BADLY, high
    else:
        return None
    return GetMessageResult(status, corrected if config.corrects_offsets else offset, low, high)


def get_message(
    queue: ConsumeQueue, offset: int, config: StoreConfig, pull: Pull
) -> GetMessageResult:
    """Answer a pull from ``queue`` at message ``offset``."""
    missed = out_of_range(queue, offset, config)
    if missed is not None:
        return missed
    low, high = queue.min_offset, queue.max_offset
    budget = max(config.max_filter_message_size // UNIT, pull.max_messages)
    begin = pull.start = offset
    for _ in range(config.travel_cq_file_num_when_get_message):
        wanted = budget if pull.filters else max(pull.max_messages, 1) + 1
        units = queue.read(begin, min(wanted, budget - (begin - offset)))
        if not units:
            behind = queue.next_file(begin)
            next_offset = behind if config.corrects_offsets else begin
            return GetMessageResult(GetStatus.OFFSET_FOUND_NULL, next_offset, low, high)
        more = None if pull.filters else pull.take_all(units, begin)
        if more is None:
            more = pull.take(units, begin)
        begin = pull.next_offset
        if not more or pull.found or begin >= high or begin - offset >= budget:
            break
    return _answer(pull, queue)


def _answer(pull: Pull, queue: ConsumeQueue) -> GetMessageResult:
    low, high = queue.min_offset, queue.max_offset
    body = pull.body() if pull.found else b""
    status = pull.status
    if pull.found:
        status = GetStatus.FOUND
    elif pull.total:
        status = GetStatus.MESSAGE_WAS_REMOVING
    far_behind = pull.newest < pull.memory_from
    count = len(pull.found)
    return GetMessageResult(
        status, pull.next_offset, low, high, body, count, far_behind, pull.offsets
    )


def plain_pull(
    log: CommitLog, queue: ConsumeQueue, offset: int, most: int, bounds: Bounds
) -> tuple[bytes, int] | None:
    """Return records of a queue from message ``offset`` on, and how many they are, if nothing is unusual.

    What ``get_message`` would find, in fewer steps.

    Args:
        log: where the records are.
        queue: has that message.
        offset: of the first.
        most: messages wanted; one comes even if none is.
        bounds: of all pulls now.

    Returns:
        None when it takes more than this to tell what the pull gets.

    Raises:
        OSError: the disk failed.
    """
    units = queue.read(offset, max(min(most, bounds.most_messages), 1))
    count = len(units) // UNIT
    if not count:
        return None
    fields = _units_struct(count).unpack(units)
    offsets, sizes = fields[::2], fields[1::2]
    total, lowest = sum(sizes), min(offsets)
    if total > bounds.most_bytes or min(sizes) < MIN_RECORD_SIZE or lowest < bounds.memory_from:
        return None
    pieces = log.window.pieces(offsets, sizes, log.end)
    body = b"".join(
        log.read_ranges(list(zip(offsets, sizes, strict=True))) if pieces is None else pieces
    )
    if len(body) != total:
        return None
    if lowest < bounds.trusted_from and not all_right(body, offsets, sizes, queue, offset):
        return None
    return body, count
