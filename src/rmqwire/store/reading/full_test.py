"""The full test of a filter: it needs the records, which are read a few at once.

A record that isn't the one its unit is for can't be judged, and must not be passed over: it might
have been wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.record import record_properties
from rmqwire.store.reading.check import count_right

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rmqwire.store.log.commit_log import CommitLog
    from rmqwire.store.queues.consume_queue import ConsumeQueue

_RECORDS = 32  # read at once, and
_BYTES = 256 * 1024  # as soon as they are more, fewer


class FullTest:
    """Tests the records of one queue in the order of their units.

    Args:
        log: where they are.
        queue: whose units lead to them.
        wants: the test of a message's properties.

    Attributes:
        met_damage: the record asked for last is damaged.
    """

    __slots__ = ("_at", "_log", "_places", "_queue", "_records", "_right", "_wants", "met_damage")

    def __init__(
        self, log: CommitLog, queue: ConsumeQueue, wants: Callable[[Mapping[str, str]], bool]
    ) -> None:
        self._log = log
        self._queue = queue
        self._wants = wants
        self._places: Iterator[tuple[int, int]] = iter(())
        self._records: list[bytes] = []
        self._right = 0  # of ``_records``, those before the first that is not right
        self._at = 0
        self.met_damage = False

    def expect(self, places: Iterable[tuple[int, int]]) -> None:
        """Say which records, as (offset, size), will be asked for next; not all need be."""
        self._places = iter(places)
        self._records = []
        self._at = 0

    def is_next_wanted(self) -> bool:
        """Return whether the next of the expected records is wanted."""
        if self._at == len(self._records):
            self._read()
        record = self._records[self._at]
        self._at += 1
        self.met_damage = self._at > self._right
        return not self.met_damage and self._wants(record_properties(record))

    def _read(self) -> None:
        places, size = [], 0
        for place in self._places:
            places.append(place)
            size += place[1]
            if len(places) == _RECORDS or size >= _BYTES:
                break
        self._records = records = self._log.read_ranges(places)
        self._at = 0
        trusted = min(places)[0] >= self._log.trusted_from and all(records)
        self._right = len(places) if trusted else count_right(records, places, self._queue, -1)
