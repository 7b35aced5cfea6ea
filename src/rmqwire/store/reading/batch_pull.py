"""Answer a pull from a queue of kind BatchCQ (Java ``DefaultMessageStore.getMessage``, 5.x)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import BATCH_UNIT
from rmqwire.store.reading.pull import out_of_range
from rmqwire.store.results import GetMessageResult, GetStatus

if TYPE_CHECKING:
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.queues.batch_queue import BatchConsumeQueue
    from rmqwire.store.reading.pull import Pull


def get_batch_message(
    queue: BatchConsumeQueue, offset: int, config: StoreConfig, pull: Pull
) -> GetMessageResult:
    """Answer a pull from a BatchCQ queue: whole records, the first holds message ``offset``.

    The limits count messages, not records; the first record comes in any case, as in Java.
    """
    missed = out_of_range(queue, offset, config)
    if missed is not None:
        return missed
    low, high = queue.min_offset, queue.max_offset
    budget = max(config.max_filter_message_size, pull.max_messages * BATCH_UNIT)
    pull.next_offset = offset
    numbers: list[int] = []  # messages of each record found
    for unit in queue.units_from(offset):
        if (unit.msg_base_offset - offset) * BATCH_UNIT > budget:
            break
        if numbers and (
            sum(numbers) + unit.batch_num > pull.max_messages
            or pull.is_full(unit.physical_offset, unit.size)
        ):
            break
        pull.newest = unit.physical_offset
        pull.next_offset = unit.msg_base_offset + unit.batch_num
        if pull.matches is not None and not pull.matches(unit.tags_code):
            continue
        if unit.physical_offset < pull.log.min_offset:
            pull.status = GetStatus.MESSAGE_WAS_REMOVING
            continue
        if pull.full_test is not None:
            pull.full_test.expect([(unit.physical_offset, unit.size)])
            if not pull.full_test.is_next_wanted() and not pull.full_test.met_damage:
                continue
        pull.found.append((unit.physical_offset, unit.size))
        pull.offsets.append(unit.msg_base_offset)
        pull.total += unit.size
        numbers.append(unit.batch_num)
    body = pull.body() if pull.found else b""
    status = GetStatus.FOUND if pull.found else pull.status
    far_behind = pull.newest < pull.memory_from
    count = sum(numbers[: len(pull.found)])  # fewer when a record is damaged
    return GetMessageResult(
        status, pull.next_offset, low, high, body, count, far_behind, pull.offsets
    )
