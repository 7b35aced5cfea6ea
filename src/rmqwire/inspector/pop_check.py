"""Popping in a store: do check points, acks and blocks name messages that are there?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const
from rmqwire.codec.record import decode_message
from rmqwire.errors import BadBody, BadRecord, CorruptLog
from rmqwire.inspector.findings import NOTE, PROBLEM
from rmqwire.inspector.order_info import NAME, order_info_rows
from rmqwire.inspector.revive import is_revive_record, named_by

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rmqwire.codec.record import RecordPosition
    from rmqwire.inspector.findings import Findings
    from rmqwire.inspector.log_walk import LogWalk

PART = "popping"


class PopCheck:
    """The records of the revive log, as the walk over the commit log comes to them.

    Args:
        root: the store's folder.
        findings: takes what is found.

    Attributes:
        records: check points and acks, arrived or on their way.
    """

    def __init__(self, root: Path, findings: Findings) -> None:
        self._root = root
        self._findings = findings
        self._furthest: dict[tuple[str, int], tuple[int, int]] = {}  # queue -> message, named at
        self.records = 0

    def take(self, found: RecordPosition, walk: LogWalk) -> None:
        """Look at a record if it is one of the revive log."""
        topic = found.topic
        if topic != const.TIMER_TOPIC and not topic.startswith(const.REVIVE_TOPIC_PREFIX):
            return
        try:
            message = decode_message(walk.record(found))
            if not is_revive_record(topic, message.properties):
                return
            self.records += 1
            named = named_by(message.tags or "", message.body)
        except (BadBody, BadRecord) as error:
            text = f"no check point and no ack: {error}"
            place = self._root / "commitlog"
            self._findings.add(PROBLEM, PART, "record", place, found.physical_offset, text)
            return
        queue = (named["topic"], named["queueId"])
        last = max(named["offsets"], default=-1)
        if last > self._furthest.get(queue, (-1, 0))[0]:
            self._furthest[queue] = (last, found.physical_offset)

    def finish(self, ends: Mapping[tuple[str, int], int]) -> None:
        """Compare what was named with the queues' ends, and with the blocks of ordered pops."""
        for queue, (last, at) in self._furthest.items():
            self._compare(self._root / "commitlog", "named", queue, last, at, ends)
        file = self._root / "config" / NAME
        if not file.exists():
            return
        try:
            for row in order_info_rows(file):
                queue = (row["topic"], row["queueId"])
                last = max(row["offsets"], default=-1)
                self._compare(file, "block", queue, last, None, ends)
        except CorruptLog as error:
            self._findings.add(PROBLEM, PART, "blocks", file, None, str(error))

    def _compare(
        self,
        place: Path,
        kind: str,
        queue: tuple[str, int],
        last: int,
        at: int | None,
        ends: Mapping[tuple[str, int], int],
    ) -> None:
        end = ends.get(queue)
        if end is not None and last >= end:
            topic, queue_id = queue
            text = f"message {last} of {topic} queue {queue_id} was popped, the queue ends at {end}"
            self._findings.add(NOTE, PART, kind, place, at, text)
