"""Consume queues against what the log says they must hold, without any code of the store.

Each record of the log names its own place: topic, queue, offset. So every unit is compared where
the record says it stands, and units that no record claimed are counted at the end. Memory grows
with the number of queues, not of messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import (
    BATCH_UNIT,
    PRE_BLANK,
    UNIT,
    BatchConsumeQueueUnit,
    ConsumeQueueUnit,
    ext_offset,
    pack_batch_unit,
    unpack_batch_unit,
    unpack_unit,
)
from rmqwire.codec.message_const import (
    LMQ_PREFIX,
    PROPERTY_INNER_BASE,
    PROPERTY_INNER_MULTI_DISPATCH,
    PROPERTY_INNER_MULTI_QUEUE_OFFSET,
    PROPERTY_INNER_NUM,
)
from rmqwire.codec.properties import find_property
from rmqwire.codec.sys_flag import (
    is_in_no_queue,
)
from rmqwire.errors import BadRecord, StoreError
from rmqwire.inspector.consumequeue_ext import ext_folder_of, find_ext_unit
from rmqwire.inspector.expected_unit import expected_tags_code
from rmqwire.inspector.findings import NOTE, PROBLEM
from rmqwire.inspector.unit_reader import UnitReader

if TYPE_CHECKING:
    from pathlib import Path

    from rmqwire.codec.record import RecordPosition
    from rmqwire.inspector.findings import Findings

PART = "consumequeue"
_BATCH = PROPERTY_INNER_NUM.encode(), PROPERTY_INNER_BASE.encode()
_MULTI = PROPERTY_INNER_MULTI_DISPATCH.encode(), PROPERTY_INNER_MULTI_QUEUE_OFFSET.encode()


class _Queue:
    """One queue's units and how many of them a record claimed since it (re)began."""

    __slots__ = ("batch", "behind", "claimed", "cursor", "last", "reader", "wrong", "wrong_count")

    def __init__(self, reader: UnitReader, *, batch: bool) -> None:
        self.reader = reader
        self.batch = batch
        self.cursor = reader.start
        self.begin_again()

    def begin_again(self) -> None:
        """Forget what was compared: the topic was deleted and made again."""
        self.last = -1  # offset of the newest record
        self.claimed = 0
        self.behind = 0  # records that have no unit yet
        self.wrong: tuple[int, str] | None = None
        self.wrong_count = 0


class QueueCheck:
    """Compare the consume queues of a store with its log.

    Args:
        root: the store's folder.
        findings: where findings go.
        delay_levels: level -> delay in ms.
        batch_topics: topics whose queues are of kind BatchCQ.
        known_topics: topics in the broker's table, none if that can't be read.
        lag: level of what the next start puts right: a note while the store isn't closed.
    """

    def __init__(
        self,
        root: Path,
        findings: Findings,
        delay_levels: dict[int, int],
        *,
        batch_topics: set[str],
        known_topics: set[str],
        lag: str,
    ) -> None:
        self._findings = findings
        self._delay_levels = delay_levels
        self._batch_topics = batch_topics
        self._known_topics = known_topics
        self._lag = lag
        self._absent: dict[tuple[str, int], int] = {}
        self._queues: dict[tuple[str, int], _Queue] = {}
        self.units = 0
        self._open_all(root / "consumequeue", batch=False)
        self._open_all(root / "batchconsumequeue", batch=True)

    def _open_all(self, folder: Path, *, batch: bool) -> None:
        if not folder.is_dir():
            return
        for topic in sorted(path for path in folder.iterdir() if path.is_dir()):
            if batch:
                self._batch_topics.add(topic.name)
            for queue in sorted(path for path in topic.iterdir() if path.name.isdecimal()):
                self._open(queue, topic.name, int(queue.name), batch=batch)

    def _open(self, folder: Path, topic: str, queue_id: int, *, batch: bool) -> None:
        if not any(folder.iterdir()):
            return
        try:
            reader = UnitReader(folder, BATCH_UNIT if batch else UNIT)
        except StoreError as error:
            self._findings.add(PROBLEM, PART, "files", folder, None, str(error))
            return
        for text in reader.gaps():
            self._findings.add(PROBLEM, PART, "files", folder, None, text)
        self._queues[topic, queue_id] = _Queue(reader, batch=batch)

    def ends(self) -> dict[tuple[str, int], int]:
        """Return the offset behind the last message of each queue."""
        return {key: _end_offset(queue) for key, queue in self._queues.items()}

    def __len__(self) -> int:
        """Return the number of queues."""
        return len(self._queues)

    # --- record by record --------------------------------------------------------------------

    def take(self, found: RecordPosition) -> None:
        """Compare the units that a record must have."""
        if is_in_no_queue(found.sys_flag):
            return
        code = expected_tags_code(found, self._delay_levels)
        if found.topic in self._batch_topics:
            self._take_batch(found, code)
        else:
            self._take_unit(found, found.topic, found.queue_id, found.queue_offset, code)
        self._take_multi(found, code)

    def _take_unit(
        self, found: RecordPosition, topic: str, queue_id: int, offset: int, code: int
    ) -> None:
        queue = self._queues.get((topic, queue_id))
        if queue is None:
            self._absent[topic, queue_id] = self._absent.get((topic, queue_id), 0) + 1
            return
        self._follow(queue, offset, found.physical_offset)
        if offset * UNIT < queue.reader.start:
            return  # the queue's first files were removed
        unit = queue.reader.at(offset * UNIT)
        if not unit:
            queue.behind += 1
        elif self._resolved(queue, unit) == (found.physical_offset, found.total_size, code):
            queue.claimed += 1
        else:
            seen = unpack_unit(unit)
            expected = ConsumeQueueUnit(found.physical_offset, found.total_size, code)
            self._wrong(queue, offset, f"{_shown(seen)}, the log has {_shown(expected)}")

    def _follow(self, queue: _Queue, offset: int, physical_offset: int) -> None:
        if queue.last >= 0 and offset != queue.last + 1:
            text = f"record at {physical_offset} has offset {offset} behind {queue.last}"
            if offset == 0:
                queue.begin_again()
                text += ": the topic was deleted and made again"
                self._findings.add(NOTE, PART, "again", queue.reader.folder, offset, text)
            else:
                self._findings.add(PROBLEM, PART, "order", queue.reader.folder, offset, text)
        queue.last = offset

    def _resolved(self, queue: _Queue, unit: bytes) -> tuple[int, int, int]:
        """Return the unit with the tags code that an extension unit holds for it."""
        place, size, code = unpack_unit(unit)
        at = ext_offset(code)
        if at is not None:
            code = self._ext_tags_code(queue.reader.folder, at, code)
        return place, size, code

    def _ext_tags_code(self, folder: Path, at: int, code: int) -> int:
        ext = ext_folder_of(folder)
        try:
            unit = find_ext_unit(ext, at)
        except (StoreError, BadRecord) as error:
            self._findings.add(PROBLEM, PART, "ext", ext, at, f"extension unit: {error}")
            return code
        return code if unit is None else unit.tags_code

    def _wrong(self, queue: _Queue, offset: int, text: str) -> None:
        queue.wrong = queue.wrong or (offset, text)
        queue.wrong_count += 1

    def _take_batch(self, found: RecordPosition, code: int) -> None:
        number, base = (find_property(found.properties, name) for name in _BATCH)
        if number is None or base is None or not (number.isdigit() and base.isdigit()):
            number, base = b"1", b"%d" % found.queue_offset
        queue = self._queues.get((found.topic, found.queue_id))
        if queue is None:
            key = (found.topic, found.queue_id)
            self._absent[key] = self._absent.get(key, 0) + 1
            return
        unit = BatchConsumeQueueUnit(
            found.physical_offset,
            found.total_size,
            code,
            found.store_timestamp,
            int(base),
            int(number),
        )
        seen = self._batch_at(queue, found.physical_offset)
        if not seen:
            queue.behind += 1
        elif seen == pack_batch_unit(unit):
            queue.claimed += 1
        else:
            text = f"{_shown(unpack_batch_unit(seen))}, the log has {_shown(unit)}"
            self._wrong(queue, int(base), text)

    def _batch_at(self, queue: _Queue, physical_offset: int) -> bytes:
        """Move the cursor to the first unit at or behind a place of the log; b"" at the end."""
        while unit := queue.reader.at(queue.cursor):
            if unpack_batch_unit(unit).physical_offset >= physical_offset:
                return unit
            queue.cursor += BATCH_UNIT
        return b""

    def _take_multi(self, found: RecordPosition, code: int) -> None:
        if _MULTI[1] not in found.properties:
            return
        names, offsets = (find_property(found.properties, name) for name in _MULTI)
        if not names or not offsets:
            return
        pairs = zip(names.decode("utf-8", "replace").split(","), offsets.split(b","), strict=False)
        for name, offset in pairs:
            queue_id = 0 if name.startswith(LMQ_PREFIX) else found.queue_id
            if (name, queue_id) in self._queues and offset.isdigit():
                self._take_unit(found, name, queue_id, int(offset), code)

    # --- at the end --------------------------------------------------------------------------

    def finish(self, log_start: int, log_end: int) -> None:
        """Report; ``log_start`` and ``log_end`` bound the log, in bytes."""
        for (topic, queue_id), count in self._absent.items():
            deleted = bool(self._known_topics) and topic not in self._known_topics
            level = NOTE if deleted else self._lag
            text = f"{count} messages of {topic} queue {queue_id} are in the log, it has no queue"
            if deleted:
                text += " (the topic is not in topics.json: deleted)"
            self._findings.add(level, PART, "absent", f"{topic}/{queue_id}", None, text)
        for queue in self._queues.values():
            self._report(queue)
            self._count_unclaimed(queue, log_start, log_end)

    def _report(self, queue: _Queue) -> None:
        folder = queue.reader.folder
        if queue.wrong is not None:
            offset, text = queue.wrong
            count = queue.wrong_count
            self._findings.add(PROBLEM, PART, "wrong", folder, offset, f"unit {text}", count)
        if queue.behind:
            text = "messages at the log's end have no unit yet"
            offset = queue.reader.end // queue.reader.unit
            self._findings.add(self._lag, PART, "behind", folder, offset, text, queue.behind)

    def _count_unclaimed(self, queue: _Queue, log_start: int, log_end: int) -> None:
        size = queue.reader.unit
        dangling = unclaimed = 0
        for _, block in queue.reader.blocks():
            for at in range(0, len(block), size):
                unit = unpack_unit(block, at)
                if block[at : at + UNIT] == PRE_BLANK or unit.physical_offset < log_start:
                    continue
                self.units += 1
                if unit.physical_offset + unit.size > log_end:
                    dangling += 1
                else:
                    unclaimed += 1
        folder = queue.reader.folder
        if dangling:
            text = f"units lead behind the log's end {log_end}"
            self._findings.add(self._lag, PART, "dangling", folder, None, text, dangling)
        unclaimed -= queue.claimed + queue.wrong_count
        if unclaimed > 0:
            text = "units lead to no whole record of this queue"
            self._findings.add(PROBLEM, PART, "unclaimed", folder, None, text, unclaimed)


def _shown(unit: ConsumeQueueUnit | BatchConsumeQueueUnit) -> str:
    return str(tuple(unit))


def _end_offset(queue: _Queue) -> int:
    reader = queue.reader
    if not queue.batch:
        return reader.end // UNIT
    unit = reader.at(reader.end - BATCH_UNIT)
    last = unpack_batch_unit(unit) if unit else None
    return last.msg_base_offset + last.batch_num if last is not None else 0
