"""What stands in the extension unit of a message (``ConsumeQueueExt.CqExtUnit``), read from the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import ConsumeQueueExtUnit, pack_ext_unit
from rmqwire.codec.record import record_properties
from rmqwire.errors import BadRecord

if TYPE_CHECKING:
    from rmqwire.store.events import BitsOf
    from rmqwire.store.log.commit_log import CommitLog


class ExtUnits:
    """Makes extension units.

    Args:
        log: where the messages are.
        bits_of: see ``TopicQuestions``.
    """

    def __init__(self, log: CommitLog, bits_of: BitsOf) -> None:
        self._log = log
        self._bits_of = bits_of

    def make(self, topic: str, offset: int, size: int, tags_code: int) -> bytes:
        """Return the unit of the record at an offset of the log.

        Raises:
            OSError: the disk failed.
        """
        stored_ms = self._log.written_timestamp(offset, size)
        bits = self._bits_of(topic)
        bit_map = b""
        if bits is not None:
            try:
                bit_map = bits(record_properties(self._log.queue.read(offset, size)))
            except BadRecord:  # without bits its properties are looked at
                bit_map = b""
        return pack_ext_unit(ConsumeQueueExtUnit(tags_code, stored_ms, bit_map))
