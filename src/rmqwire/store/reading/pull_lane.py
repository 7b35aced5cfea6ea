"""Plain pulls by the native lane: from units of a queue to the answer's body.

A pull is plain when it finds something in one read of a consume queue of Java's usual kind, takes all or
goes by tags, and each of its records is either this process's own or one of the usual kind that is
right. ``get_message`` in pull.py is the reference and answers whatever else there is: nothing found,
damage, light queues, extended units, SQL92.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import UNIT
from rmqwire.codec.message_const import LMQ_PREFIX
from rmqwire.codec.native import is_native
from rmqwire.filter.message_filter import TagFilter
from rmqwire.store.log.commit_log import MERGE_GAP
from rmqwire.store.queues.consume_queue import ConsumeQueue
from rmqwire.store.results import GetMessageResult, GetStatus

if TYPE_CHECKING:
    from rmqwire.filter.message_filter import Filter
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.log.commit_log import CommitLog


class PullLane:
    """The native lane of one store's pulls.

    Args:
        config: limits, which may change while it runs.
        log: where the records are.

    Raises:
        ImportError: ``rmqwire_speedups`` is not there.
    """

    def __init__(self, config: StoreConfig, log: CommitLog) -> None:
        from rmqwire_speedups import scan_units  # noqa: PLC0415  a distribution of its own

        self._config = config
        self._log = log
        self._scan = scan_units

    def get(
        self,
        queue: ConsumeQueue,
        offset: int,
        max_messages: int,
        max_bytes: int,
        wanted: Filter | None,
        memory_bytes: int,
    ) -> GetMessageResult | None:
        """Answer a pull; None: it is not plain.

        Args:
            queue: any queue.
            offset: queue offset of the first message wanted.
            max_messages: messages wanted at most.
            max_bytes: bytes wanted at most.
            wanted: which messages; None takes all.
            memory_bytes: of the log's end that count as in memory.
        """
        low, high = queue.min // UNIT, queue.end // UNIT
        if type(queue) is not ConsumeQueue or not low <= offset < high:
            return None
        codes = None
        if wanted is not None:
            if type(wanted) is not TagFilter:
                return None
            codes = wanted.codes
        config, log = self._config, self._log
        budget = max(config.max_filter_message_size // UNIT, max_messages)
        wish = max(max_messages, 1) + 1 if codes is None else budget
        units = queue.read(offset, min(wish, budget))
        memory_from = log.end - memory_bytes
        limits = (
            (max_bytes, max_messages),
            memory_from,
            (
                config.max_transfer_bytes_on_message_in_memory,
                config.max_transfer_count_on_message_in_memory,
            ),
            (
                config.max_transfer_bytes_on_message_in_disk,
                config.max_transfer_count_on_message_in_disk,
            ),
            log.min_offset,
        )
        found = self._scan(units, limits, codes, MERGE_GAP, log.queue.segment_size)
        if found is None or not found.count:
            return None
        parts = found.parts
        expected = None
        if min(parts)[0] < log.trusted_from:
            if queue.topic.startswith(LMQ_PREFIX):  # records of other topics
                return None
            topic = queue.topic.encode("utf-8", "surrogateescape")
            expected = (topic, queue.queue_id, offset)
        body = found.join(log.read_each(parts), expected)
        if body is None:
            return None
        count, looked = found.count, found.looked
        offsets = (
            range(offset, offset + count)
            if looked == count
            else [offset + index for index in found.indexes]
        )
        far_behind = found.newest < memory_from
        return GetMessageResult(
            GetStatus.FOUND, offset + looked, low, high, body, count, far_behind, offsets
        )


def pull_lane(config: StoreConfig, log: CommitLog) -> PullLane | None:
    """Return the native lane of a store's pulls, None when there is none.

    Raises:
        ConfigError: the switch wants a lane that can't be used.
    """
    return PullLane(config, log) if is_native() else None
