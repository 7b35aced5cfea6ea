"""Look for half messages that nobody ends (``TransactionalMessageServiceImpl.check``).

A half message whose transaction hasn't ended some time after it was born is stored again, at the
end of the half queue, and a producer of its group is asked about the copy. One that was asked about
too often, or that is older than the log keeps files, goes to TRANS_CHECK_MAX_TIME_TOPIC. One with a
time of its own, CHECK_IMMUNITY_TIME_IN_SECONDS, makes room for those behind it until then.

Java reads the op queue here, waits a second whenever it is at its end, and goes on past a half
message that it couldn't store in TRANS_CHECK_MAX_TIME_TOPIC. Here a round works on what is known
already, in steps, and one that couldn't be stored is looked at again in the next round. Java also
counts each putting off as a check, and so gives up, unasked, what has more time of its own than
transactionCheckMax intervals; here only checks count. And it gives a half message up in the very
round that asked about it for the last time.
"""

from __future__ import annotations

import logging
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Final

from rmqwire.broker.transaction.half_message import (
    GIVEN_UP_TOPIC,
    HALF_TOPIC,
    check_times,
    copy_of,
    says_where,
)
from rmqwire.broker.transaction.op_queue import MOVED
from rmqwire.codec import message_const as const
from rmqwire.codec.sys_flag import PERM_READ, PERM_WRITE
from rmqwire.errors import BadRecord
from rmqwire.store.results import PUT_STATUS_NAMES

if TYPE_CHECKING:
    from rmqwire.broker.tables.topics import TopicConfigManager
    from rmqwire.broker.transaction.check_listener import TransactionCheckListener
    from rmqwire.broker.transaction.service import TransactionalMessageService
    from rmqwire.codec.message import StoredMessage
    from rmqwire.store.results import PutMessageResult

MAX_PROCESS_TIME_MS: Final = 60_000
GIVEN_UP_QUEUES: Final = 1
HOUR_MS: Final = 3_600_000
logger = logging.getLogger(__name__)


class Verdict(Enum):
    """What is done with a half message whose transaction hasn't ended."""

    LATER = auto()  # it is too young, as are those behind it
    PUT_OFF = auto()  # it has a time of its own: stored again, and not asked about
    ASK = auto()  # stored again, and a producer is asked
    GIVE_UP = auto()  # to TRANS_CHECK_MAX_TIME_TOPIC


class TransactionCheck:
    """One round.

    Args:
        service: whose half messages.
        topics: makes TRANS_CHECK_MAX_TIME_TOPIC.
        listener: asks producers.
    """

    def __init__(
        self,
        service: TransactionalMessageService,
        topics: TopicConfigManager,
        listener: TransactionCheckListener,
    ) -> None:
        self._service = service
        self._topics = topics
        self._listener = listener
        self._began_ms = service.wall_ms()

    def step(self) -> bool:
        """Look at some half messages; return whether there are more to look at now.

        Raises:
            OSError: the disk failed.
        """
        service = self._service
        queue = service.queue
        queue.advance()
        try:
            halves, following = service.read(HALF_TOPIC, queue.position)
        except BadRecord:
            logger.exception("half message at %s can't be read", queue.position)
            return False
        first = halves[0].queue_offset if halves else following
        if first != queue.position:
            queue.skip_to(first)
        more = bool(halves) and self._take(halves)
        service.store.puts.end_pass()
        reached = halves[-1].queue_offset + 1 if halves else first
        queue.advance()
        on_time = service.wall_ms() - self._began_ms <= MAX_PROCESS_TIME_MS
        if more and on_time and queue.position >= reached:
            return True
        service.commit_offsets()
        return False

    def _take(self, halves: list[StoredMessage]) -> bool:
        """Work on half messages; return whether those behind them are to be looked at, too."""
        done = self._service.queue.done
        for half in halves:
            if half.queue_offset in done:
                continue
            verdict = self.judge(half)
            if verdict is Verdict.LATER:
                return False
            self._act(half, verdict)
        return True

    # --- what is to be done

    def judge(self, half: StoredMessage) -> Verdict:
        """Decide; in Java's order, but the last check, too, may be answered before the next round."""
        if half.store_timestamp >= self._began_ms:
            return Verdict.LATER
        config = self._service.config
        age = self._service.wall_ms() - half.born_timestamp
        reserved = self._service.store.config.file_reserved_time * HOUR_MS
        if (
            self._was_checked_too_often(half, config.transaction_check_max)
            or age > reserved
            or not says_where(half)
        ):
            return Verdict.GIVE_UP
        own_time = half.properties.get(const.PROPERTY_CHECK_IMMUNITY_TIME_IN_SECONDS)
        if own_time is None:
            young = 0 <= age <= config.transaction_time_out
            return Verdict.LATER if young else Verdict.ASK
        if age <= _immunity_ms(own_time, config.transaction_time_out):
            return Verdict.PUT_OFF
        return Verdict.ASK

    def _was_checked_too_often(self, half: StoredMessage, most: int) -> bool:
        known = const.PROPERTY_TRANSACTION_CHECK_TIMES in half.properties
        return known and check_times(half) >= most

    # --- doing it

    def _act(self, half: StoredMessage, verdict: Verdict) -> None:
        service = self._service
        if half.physical_offset < service.began_at and service.was_committed(half):
            service.end_again(half)
            return
        topic = HALF_TOPIC
        properties = half.properties
        if verdict is Verdict.GIVE_UP:
            self._topics.create_topic_of_tran_check_max_time(
                GIVEN_UP_QUEUES, PERM_READ | PERM_WRITE
            )
            topic = GIVEN_UP_TOPIC
        elif verdict is Verdict.PUT_OFF:
            properties.setdefault(
                const.PROPERTY_TRANSACTION_PREPARED_QUEUE_OFFSET, str(half.queue_offset)
            )
        else:
            properties[const.PROPERTY_TRANSACTION_CHECK_TIMES] = str(check_times(half) + 1)
        copy = copy_of(half, topic, service.release)
        service.store.puts.put(copy, partial(self._moved, half, verdict))

    def _moved(self, half: StoredMessage, verdict: Verdict, result: PutMessageResult) -> None:
        """Go on from a half message to what took its place, if that could be stored."""
        service = self._service
        if not result.is_stored:
            why = PUT_STATUS_NAMES.get(result.status, "UNKNOWN_ERROR")
            service.limited.error(
                "put back",
                "half message %s not stored again: %s %s",
                half.message_id,
                why,
                result.remark,
            )
            return
        service.queue.end(half.queue_offset, MOVED)
        if verdict is Verdict.GIVE_UP:
            service.limited.error(
                "given up",
                "half message %s was checked too often, moved to %s",
                half.message_id,
                GIVEN_UP_TOPIC,
            )
            service.forget_copy(half)
            service.metrics.add(half.properties.get(const.PROPERTY_REAL_TOPIC, ""), -1)
            return
        service.note_copy(half, result.queue_offset)
        if verdict is Verdict.ASK:
            self._listener.ask(half, result)


def _immunity_ms(text: str, time_out_ms: int) -> int:
    """Read a half message's own time before the first check (``getImmunityTime``)."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or int(text) == -1:
        return time_out_ms
    return int(text) * 1000
