"""Half messages kept, committed, rolled back, checked (``TransactionalMessageServiceImpl``).

::

    send   half message into the half queue
    end    commit: the message into its own queue, then an op | rollback: an op
    check  ``check.py``: half messages without an op after a while: a copy, and the producer is asked

All of it belongs to a master. ``take_role`` reads what the two queues say, whoever wrote them: this
broker before a restart, the master whose slave it was, or Java. From then on every end is known
here when it comes, so a transaction ends once, and a half message whose op waits to be written with
others isn't checked.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from rmqwire.broker.delivery.place import Place, place
from rmqwire.broker.transaction.half_message import (
    GIVEN_UP_TOPIC,
    HALF_TOPIC,
    OP_TOPIC,
    QUEUE_ID,
    check_times,
    copy_of,
    is_copy,
    make_committed,
    make_half,
    make_op,
    read_op,
    says_where,
    transaction_of,
)
from rmqwire.broker.transaction.op_queue import ENDED, MOVED, OpQueue
from rmqwire.broker.transaction.recent_halves import RecentHalves
from rmqwire.codec import message_const as const
from rmqwire.codec.record import iter_messages
from rmqwire.codec.sys_flag import (
    TRANSACTION_COMMIT_TYPE,
    TRANSACTION_ROLLBACK_TYPE,
    transaction_type,
)
from rmqwire.errors import BadRecord, EvaluationError
from rmqwire.filter.java_number import parse_int
from rmqwire.remoting.limited_log import LimitedLog
from rmqwire.store.results import GetStatus, PutMessageResult, PutStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rmqwire.broker.delivery.delay_levels import ScheduleMessageService
    from rmqwire.broker.delivery.timers import TimerMessageStore
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.broker.tables.offsets import ConsumerOffsetManager
    from rmqwire.broker.transaction.metrics import TransactionMetrics
    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.release import Release
    from rmqwire.store.message_store import MessageStore
    from rmqwire.store.results import MessageInner

    Done = Callable[[PutMessageResult], None]

GROUP: Final = const.CID_SYS_RMQ_TRANS
BATCH: Final = 32  # messages read at once
RETRY_MS: Final = 1_000  # after which a refused op is written again
_EMPTY: Final = (GetStatus.NO_MESSAGE_IN_QUEUE, GetStatus.OFFSET_OVERFLOW_ONE)
_LATEST_MS: Final = 2**63 - 1
logger = logging.getLogger(__name__)


class TransactionalMessageService:
    """The transactions of one broker.

    Args:
        store: where all of it is; its clocks are used.
        schedule: takes committed messages that have a delay level.
        timers: takes those that have a time of their own.
        offsets: how far both queues are done with.
        config: ``transactionOp...``, which may change while the broker runs.
        release: how ops are written.
        metrics: counts half messages.
        ops_wanted: called when ops must be written before they are due, or the first of some waits.
    """

    def __init__(
        self,
        store: MessageStore,
        schedule: ScheduleMessageService,
        timers: TimerMessageStore,
        offsets: ConsumerOffsetManager,
        config: BrokerConfig,
        release: Release,
        metrics: TransactionMetrics,
        ops_wanted: Callable[[], None],
    ) -> None:
        self.store = store
        self.release = release
        self.config = config
        self.metrics = metrics
        self.queue = OpQueue()
        self.recent = RecentHalves(store.log.store_host)
        self.wall_ms = store.wall_ms
        self.limited = LimitedLog(logger, store.mono_ms)
        self.began_at = 0  # end of the log when this broker became master
        self._copies: dict[str, int] = {}  # transaction -> half offset of its newest copy
        self._schedule = schedule
        self._timers = timers
        self._offsets = offsets
        self._tell_ops_wanted = ops_wanted
        self._mono_ms = store.mono_ms
        self._ops_due_ms: int | None = (
            None  # mono, when the ops that wait are written at the latest
        )

    # --- the role

    def take_role(self) -> None:
        """Read the half and op queues as a new master finds them."""
        self.queue = queue = OpQueue(self._offset_of(HALF_TOPIC), self._offset_of(OP_TOPIC))
        self.began_at = self.store.max_phy_offset
        self._copies.clear()
        self.recent.clear()
        self._ops_due_ms = None
        for op in self._read(OP_TOPIC, queue.op_offset):
            queue.add_op(op.queue_offset, read_op(op))
        waiting: dict[str, StoredMessage] = {}
        counts: dict[str, int] = {}
        for half in self._read(HALF_TOPIC, queue.position):
            self._take_half(half, waiting)
        for half in waiting.values():
            topic = half.properties.get(const.PROPERTY_REAL_TOPIC, "")
            counts[topic] = counts.get(topic, 0) + 1
        self.metrics.recount(counts)
        queue.advance()
        if waiting:
            logger.info("%s half messages wait for the end of their transaction", len(waiting))

    def _take_half(self, half: StoredMessage, waiting: dict[str, StoredMessage]) -> None:
        """Note one half message that stands in the queue, and what it is a copy of."""
        name = transaction_of(half) or f"{half.queue_offset}"
        former = waiting.get(name)
        if former is not None and is_copy(half) and check_times(half) >= check_times(former):
            self.queue.end(former.queue_offset, MOVED)
            del waiting[name]
        if half.queue_offset not in self.queue.done:
            waiting[name] = half
            self.note_copy(half, half.queue_offset)

    def _offset_of(self, topic: str) -> int:
        offset = self._offsets.query(GROUP, topic, QUEUE_ID)
        return offset if offset >= 0 else self.store.min_offset(topic, QUEUE_ID)

    def _read(self, topic: str, offset: int) -> Iterator[StoredMessage]:
        """Return what a queue holds from an offset on."""
        while True:
            found, offset = self.read(topic, offset)
            if not found:
                return
            yield from found

    def read(self, topic: str, offset: int) -> tuple[list[StoredMessage], int]:
        """Return some messages of a queue, none at its end, and the offset that comes after them."""
        while True:
            result = self.store.get_message(topic, QUEUE_ID, offset, BATCH)
            if result.body:
                return list(iter_messages(result.body)), result.next_begin_offset
            following = result.next_begin_offset
            if result.status in _EMPTY or following == offset:
                return [], offset
            logger.warning("%s: offset %s corrected to %s", topic, offset, following)
            offset = following

    def commit_offsets(self) -> None:
        """Let the consumer offsets say how far both queues are done with."""
        for topic, offset in ((HALF_TOPIC, self.queue.position), (OP_TOPIC, self.queue.op_offset)):
            if offset != self._offset_of(topic):
                self._offsets.commit("", GROUP, topic, QUEUE_ID, offset)

    # --- half messages

    def prepare(self, message: MessageInner, properties: dict[str, str], done: Done) -> None:
        """Store a message as a half message (``asyncPrepareMessage``)."""
        topic, queue_id = message.topic, message.queue_id
        make_half(message, properties, self.release)
        self.store.puts.put(message, partial(self._prepared, message, (topic, queue_id), done))

    def _prepared(
        self, message: MessageInner, belongs: tuple[str, int], done: Done, result: PutMessageResult
    ) -> None:
        if result.is_stored:
            self.metrics.add(belongs[0], 1)
            if not self.store.config.enabled_append_prop_crc:  # else the record has more properties
                self.recent.stored(message, *belongs, result)
        done(result)

    def look(self, physical_offset: int) -> StoredMessage | None:
        """Return the half message that stands at an offset of the log, None if none does."""
        recent = self.recent.take(physical_offset)
        if recent is not None:
            return recent if says_where(recent) else None
        record = self.store.look_message(physical_offset) if physical_offset >= 0 else None
        if record is None:
            return None
        try:
            found = next(iter_messages(record))
        except BadRecord:
            return None
        return found if found.topic == HALF_TOPIC and says_where(found) else None

    def note_copy(self, half: StoredMessage, offset: int) -> None:
        """Note where the newest copy of a half message is, if it is one."""
        name = transaction_of(half)
        if name is not None and is_copy(half):
            self._copies[name] = offset

    def forget_copy(self, half: StoredMessage) -> None:
        """Forget the copies of a half message whose transaction is over."""
        self._copies.pop(transaction_of(half) or "", None)

    def may_resume(self, message: StoredMessage) -> bool:
        """Return whether a message of the log was given up, or still waits as a half message."""
        if message.topic == HALF_TOPIC:
            offset = message.queue_offset
            waits = offset >= self.queue.position and offset not in self.queue.done
            return waits and says_where(message)
        return message.topic == GIVEN_UP_TOPIC and says_where(message)

    def resume(self, half: StoredMessage, done: Done) -> None:
        """Store a half message again as one that was never checked (``resumeCheckHalfMessage``).

        Args:
            half: one that may be resumed.
            done: called once with the outcome.
        """
        half.properties[const.PROPERTY_TRANSACTION_CHECK_TIMES] = "0"
        copy = copy_of(half, HALF_TOPIC, self.release)
        self.store.puts.put(copy, partial(self._resumed, half, done))

    def _resumed(self, half: StoredMessage, done: Done, result: PutMessageResult) -> None:
        if result.is_stored:
            if half.topic == HALF_TOPIC:
                self.queue.end(half.queue_offset, MOVED)
            else:
                self.metrics.add(half.properties[const.PROPERTY_REAL_TOPIC], 1)
            self.note_copy(half, result.queue_offset)
        done(result)

    # --- the end of a transaction

    def how_ended(self, half: StoredMessage) -> int | None:
        """Return how the transaction of a half message ended, None while it hasn't.

        What this broker didn't see itself is looked up in the log: it was committed if the message
        is there. An op alone doesn't say how.

        Raises:
            OSError: the disk failed.
        """
        offset, queue = self._current(half), self.queue
        how = queue.done.get(offset)
        if how in {TRANSACTION_COMMIT_TYPE, TRANSACTION_ROLLBACK_TYPE}:
            return how
        was_seen = offset >= queue.position and half.physical_offset >= self.began_at
        if how is None and was_seen:
            return None
        if self.was_committed(half):
            if how is None and offset >= queue.position:
                self.end_again(half)
            return TRANSACTION_COMMIT_TYPE
        return TRANSACTION_ROLLBACK_TYPE if how == ENDED else None

    def _current(self, half: StoredMessage) -> int:
        """Return the half offset of the newest copy: producers may know an older one."""
        offset = half.queue_offset
        if offset < self.queue.position or self.queue.done.get(offset) == MOVED:
            return self._copies.get(transaction_of(half) or "", offset)
        return offset

    def was_committed(self, half: StoredMessage) -> bool:
        """Return whether the log holds the message that this half message became.

        The index of keys says it, so a half message without UNIQ_KEY may be committed again.

        Raises:
            OSError: the disk failed.
        """
        key = half.properties.get(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX)
        topic = half.properties.get(const.PROPERTY_REAL_TOPIC, "")
        if not key:
            return False
        for place_of in (topic, const.RMQ_SYS_SCHEDULE_TOPIC, const.TIMER_TOPIC):
            found = self.store.lookup.query_message(place_of, key, BATCH, 0, _LATEST_MS)
            if any(_is_from(message, half) for message in iter_messages(found.body)):
                return True
        return False

    def commit(self, half: StoredMessage, done: Done) -> None:
        """Store the message of a half message in its own queue.

        Args:
            half: its transaction hasn't ended.
            done: called once with the outcome.

        Raises:
            BadRecord: its delay level is no number; nothing has happened.
            Reject: its time makes no sense; likewise.
        """
        delay = half.properties.get(const.PROPERTY_DELAY_TIME_LEVEL)
        try:
            level = parse_int(delay) if delay else 0
        except EvaluationError as error:
            raise BadRecord(f"no delay level: {error}") from None
        message, properties = make_committed(half, self.release)
        topic, offset = message.topic, self._current(half)
        where = place(message, properties, level, self.release)
        if where is Place.TIMED:
            if not self.config.timer_wheel_enable:
                done(PutMessageResult(PutStatus.WHEEL_TIMER_NOT_ENABLE))
                return
            self._timers.delay(message, properties)
        elif where is Place.DELAYED:
            self._schedule.delay(message, properties, level)
        self.queue.end(offset, TRANSACTION_COMMIT_TYPE)  # at once: another in this pass comes again
        stored = partial(self._committed, half, topic, offset, done)
        self.store.puts.put(message, stored)

    def _committed(
        self, half: StoredMessage, topic: str, offset: int, done: Done, result: PutMessageResult
    ) -> None:
        if result.is_stored:
            self._over(half, topic, offset)
        else:
            self.queue.revive(offset)
        done(result)

    def rollback(self, half: StoredMessage) -> None:
        """End the transaction of a half message that hasn't ended: nobody will see it."""
        offset = self._current(half)
        self.queue.end(offset, TRANSACTION_ROLLBACK_TYPE)
        self._over(half, half.properties.get(const.PROPERTY_REAL_TOPIC, ""), offset)

    def end_again(self, half: StoredMessage) -> None:
        """Write the op of a half message whose end is in the log without one (a crash between them)."""
        offset = self._current(half)
        self.queue.end(offset, TRANSACTION_COMMIT_TYPE)
        self._over(half, half.properties.get(const.PROPERTY_REAL_TOPIC, ""), offset)

    def _over(self, half: StoredMessage, topic: str, offset: int) -> None:
        self.forget_copy(half)
        self.over({topic: 1}, (offset,))

    def over(self, topics: Mapping[str, int], half_offsets: Iterable[int]) -> None:
        """Have an op written of transactions that are over, with others (5.x) or at once.

        Args:
            topics: where the messages belong, and how many of them to each.
            half_offsets: of the half messages, or of their newest copies.
        """
        for topic, number in topics.items():
            self.metrics.add(topic, -number)
        queue, config = self.queue, self.config
        for offset in half_offsets:
            queue.want_op(offset)
        now, due = self._mono_ms(), self._ops_due_ms
        if (
            not self.release.broker.batches_ops
            or queue.unwritten_size > config.transaction_op_msg_max_size
        ):
            wanted = now
        else:
            wanted = now + config.transaction_op_batch_interval
        if due is None or wanted < due:
            self._ops_due_ms = wanted
            self._tell_ops_wanted()

    # --- ops

    @property
    def ops_due_ms(self) -> int | None:
        """When the ops that wait are written at the latest (monotonic ms), None without any."""
        return self._ops_due_ms

    def write_ops(self, *, early: bool = False) -> None:
        """Write the ops that are due (``batchSendOpMessage``); the caller ends the pass.

        Args:
            early: write all that wait, due or not.
        """
        due = self._ops_due_ms
        if due is None or not (early or due <= self._mono_ms()):
            return
        self._ops_due_ms = None
        queue, release = self.queue, self.release
        size = self.config.transaction_op_msg_max_size if release.broker.batches_ops else 1
        batches = []
        while queue.unwritten_size:
            batches.append(queue.take_unwritten(size))
        for offsets in batches:
            op = make_op(offsets, self.store.log.store_host, self.wall_ms(), release)
            self.store.puts.put(op, partial(self._op_written, queue, offsets))

    def _op_written(self, queue: OpQueue, offsets: list[int], result: PutMessageResult) -> None:
        if result.is_stored:
            queue.add_op(result.queue_offset, offsets)
            return
        logger.error("op of %s half messages not written: %s", len(offsets), result.remark)
        queue.untake(offsets)
        if queue is self.queue:
            self._ops_due_ms = self._mono_ms() + RETRY_MS
            self._tell_ops_wanted()

    def close(self) -> None:
        """Write what would be lost, as far as the store takes it; the caller ends the pass."""
        self.write_ops(early=True)
        self.store.puts.end_pass()
        self.commit_offsets()


def _is_from(message: StoredMessage, half: StoredMessage) -> bool:
    """Return whether a message of the log is a half message's, committed."""
    return transaction_type(message.sys_flag) == TRANSACTION_COMMIT_TYPE and transaction_of(
        message
    ) == transaction_of(half)
