"""Answer a pull (Java ``DefaultMessageStore.getMessage``): units of a queue to ranges of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import UNIT, UNIT_STRUCT
from rmqwire.store.results import GetMessageResult, GetStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.store.commit_log import CommitLog
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.consume_queue import ConsumeQueue

MAX_PULL_MSG_SIZE = 128 * 1024 * 1024  # bytes: DefaultMessageStore.MAX_PULL_MSG_SIZE
MIN_PULL_MSG_SIZE = 100  # bytes: a smaller wish is raised to it


class Pull:
    """One pull: the limits that hold for it and what it has found so far."""

    __slots__ = (
        "bytes_in_disk",
        "bytes_in_memory",
        "count_in_disk",
        "count_in_memory",
        "found",
        "log",
        "matches",
        "max_bytes",
        "max_messages",
        "memory_from",
        "newest",
        "next_offset",
        "status",
        "total",
    )

    def __init__(
        self,
        config: StoreConfig,
        log: CommitLog,
        max_messages: int,
        max_bytes: int,
        matches: Callable[[int], bool] | None,
        memory_bytes: int,
    ) -> None:
        self.bytes_in_disk = config.max_transfer_bytes_on_message_in_disk
        self.bytes_in_memory = config.max_transfer_bytes_on_message_in_memory
        self.count_in_disk = config.max_transfer_count_on_message_in_disk
        self.count_in_memory = config.max_transfer_count_on_message_in_memory
        self.log = log
        self.matches = matches
        self.max_bytes = max_bytes
        self.max_messages = max_messages
        self.memory_from = log.end - memory_bytes  # below it a record counts as on the disk only
        self.found: list[tuple[int, int]] = []
        self.total = 0
        self.newest = 0  # physical offset of the last unit looked at
        self.next_offset = 0
        self.status = GetStatus.NO_MATCHED_MESSAGE

    def is_full(self, offset: int, size: int) -> bool:
        """Tell whether the record at ``offset`` is one too many (Java ``isTheBatchFull``)."""
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
        matches = self.matches
        log_start = self.log.min_offset
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
            self.found.append((offset, size))
            self.total += size
        return True

    def body(self) -> bytes:
        """Fetch the records found; what the log doesn't give any more is left out."""
        records = self.log.read_ranges(self.found)
        if not all(records):
            self.found = [place for place, data in zip(self.found, records, strict=True) if data]
        return b"".join(records)


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
    begin = offset
    for _ in range(config.travel_cq_file_num_when_get_message):
        wanted = budget if pull.matches is not None else max(pull.max_messages, 1) + 1
        units = queue.read(begin, min(wanted, budget - (begin - offset)))
        if not units:
            behind = queue.next_file(begin)
            next_offset = behind if config.corrects_offsets else begin
            return GetMessageResult(GetStatus.OFFSET_FOUND_NULL, next_offset, low, high)
        more = pull.take(units, begin)
        begin = pull.next_offset
        if not more or pull.found or begin >= high or begin - offset >= budget:
            break
    return _answer(pull, low, high)


def _answer(pull: Pull, low: int, high: int) -> GetMessageResult:
    body = pull.body() if pull.found else b""
    status = pull.status
    if pull.found:
        status = GetStatus.FOUND
    elif pull.total:
        status = GetStatus.MESSAGE_WAS_REMOVING
    far_behind = pull.newest < pull.memory_from
    return GetMessageResult(status, pull.next_offset, low, high, body, len(pull.found), far_behind)
