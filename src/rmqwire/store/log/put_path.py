"""The put path: a pass of puts, written at once (``asyncPutMessage`` and what follows it).

::

    put ... put   records into memory, queue offsets taken
    end_pass      log written | units visible | done callbacks | arrival notices
    flushed       (SYNC_FLUSH) the same for what had to wait for the disk

A failed write answers the whole pass with SERVICE_NOT_AVAILABLE and takes the positions back.
"""

from __future__ import annotations

import logging
from errno import EDQUOT, ENOSPC
from typing import TYPE_CHECKING

from rmqwire.codec.consume_queue import UNIT_STRUCT
from rmqwire.codec.properties import MAX_PROPERTIES_LENGTH
from rmqwire.codec.sys_flag import (
    INNER_BATCH_FLAG,
    TRANSACTION_PREPARED_TYPE,
    TRANSACTION_ROLLBACK_TYPE,
    transaction_type,
)
from rmqwire.errors import BadRecord, DiskFull, StoreError
from rmqwire.store.log.offset_waits import OffsetWaits, answer
from rmqwire.store.log.special_puts import SpecialPuts
from rmqwire.store.queues.batch_queue import messages_in
from rmqwire.store.queues.light_queues import TooManyLightQueues
from rmqwire.store.results import MessageInner, PutMessageResult, PutStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmqwire.clock import MonoMs, WallMs
    from rmqwire.store.config import StoreConfig
    from rmqwire.store.events import StoreEvents
    from rmqwire.store.health import StoreHealth
    from rmqwire.store.log.commit_log import CommitLog
    from rmqwire.store.log.offset_waits import Replication
    from rmqwire.store.queues.consume_queue import ConsumeQueue
    from rmqwire.store.queues.queue_table import ConsumeQueueStore, TopicQueues
    from rmqwire.store.queues.queue_tail import Brought
    from rmqwire.store.stats import StoreStats

    Done = Callable[[PutMessageResult], None]

logger = logging.getLogger(__name__)

_SPECIAL = TRANSACTION_PREPARED_TYPE | INNER_BATCH_FLAG  # rollbacks have the former's bit
_NOT_IN_A_BATCH = TRANSACTION_ROLLBACK_TYPE | INNER_BATCH_FLAG  # all bits of transactions
SLOW_PUT_MS = 500  # above it a pass is logged, as DefaultMessageStore.putMessage logs a put
_NO_SPACE = (ENOSPC, EDQUOT)
_CRC_PROPERTY = 21  # bytes: __CRC32# and the separator before it


class PutPath:
    """Everything between a message and its answer.

    Args:
        config: settings.
        log: where records go.
        queues: where their units go.
        health: whether writes are taken.
        stats: counters.
        events: told what was written, what waits for the disk and what is visible.
        wall_ms: wall clock, ms.
        mono_ms: clock of the timeouts.

    Attributes:
        host_id: the store host in hex digits, which begins every offset message id.
        replication: asked what a send waits for besides the disk; changes with the broker's role.
    """

    def __init__(
        self,
        config: StoreConfig,
        log: CommitLog,
        queues: ConsumeQueueStore,
        health: StoreHealth,
        stats: StoreStats,
        events: StoreEvents,
        wall_ms: WallMs,
        mono_ms: MonoMs,
    ) -> None:
        self._config = config
        self._log = log
        self._queues = queues
        self._topics = queues.topics
        self.health = health
        self._stats = stats
        self._events = events
        self._wall_ms = wall_ms
        self._mono_ms = mono_ms
        self.host_id = log.store_host.hex().upper()
        self._max_body = config.max_message_size
        self._max_properties = MAX_PROPERTIES_LENGTH - (
            _CRC_PROPERTY if config.enabled_append_prop_crc else 0
        )
        self._put: list[tuple[int, PutMessageResult, Done, bool]] = []
        self._more_puts = 0  # of the running pass, beyond one for each entry of ``_put``
        self._brought: list[tuple[Brought, int]] = []  # by lanes, before other puts
        self._touched: list[ConsumeQueue] = []
        self._undispatched: list[tuple[int, ConsumeQueue, bytes | bytearray]] = []
        self._began_wall = 0  # of the running pass, wall clock
        self._began_mono = 0  # the same by the clock of the timeouts
        self._busy_ms = config.os_page_cache_busy_time_out_mills
        self.special = SpecialPuts(log, queues, self._touch)
        self.flush_waits = OffsetWaits(PutStatus.FLUSH_DISK_TIMEOUT)
        self.pass_ended = 0  # wall clock ms of the pass that is being answered, 0 between passes
        self.dispatched_timestamp = 0  # store time (ms) of the newest record with a visible unit
        self.replication: Replication | None = None

    @property
    def dispatched_to(self) -> int:
        """Log offset below which every record has its unit."""
        return self._log.flushed if self._undispatched else self._log.end

    # --- taking messages ---------------------------------------------------------------------

    def put(self, message: MessageInner, done: Done) -> None:
        """Take one message into the running pass.

        Args:
            message: what to store.
            done: called once with the result: at once when the message is refused, else by
                ``end_pass`` or, in SYNC_FLUSH, when the disk has it.
        """
        if self.health.reason and self.health.refuses():
            self._refuse(PutStatus.SERVICE_NOT_AVAILABLE, self.health.reason, done)
            return
        entry = self._topics.get(message.topic) or self._queues.topic(message.topic)
        if entry is None or len(message.body) > self._max_body:
            self._refuse(PutStatus.MESSAGE_ILLEGAL, self._why_illegal(message), done)
            return
        now = self._wall_ms()
        if self._put and now - self._began_wall > self._busy_ms and self.is_busy():
            self._refuse(PutStatus.OS_PAGE_CACHE_BUSY, "", done)
            return
        try:
            offset, size, queue_offset = self._append(entry, message, now)
        except BadRecord as error:
            self._refuse(self._status_of(message, error), str(error), done)
            return
        put = self._put
        if not put:
            self._began_wall = now
            self._began_mono = self._mono_ms()
        message_id = f"{self.host_id}{offset:016X}"
        count = messages_in(message.properties) if message.sys_flag & INNER_BATCH_FLAG else 1
        result = PutMessageResult(0, offset, size, queue_offset, now, message_id, count)
        put.append((offset + size, result, done, message.wait_store_ok))

    def is_busy(self) -> bool:
        """Return whether the running pass takes too long for one more (``isOSPageCacheBusy``)."""
        return bool(self._put) and self._mono_ms() - self._began_mono > self._busy_ms

    def _append(
        self, entry: TopicQueues, message: MessageInner, now: int, *, alone: bool = True
    ) -> tuple[int, int, int]:
        """Append to log and queue; give (physical offset, size, queue offset)."""
        log = self._log
        if message.sys_flag & _SPECIAL or entry.special:
            return self.special.append(entry, message, now, alone=alone)
        queue = entry.queues.get(message.queue_id) or self._queues.add(entry, message.queue_id)
        tail = queue.tail
        queue_offset = tail.next_offset
        size = log.append(message, entry.name, queue_offset, now, entry.v2)
        offset = log.append_end - size
        tail.next_offset = queue_offset + 1
        pending = queue.pending
        if not pending:
            self._touched.append(queue)
        pending += UNIT_STRUCT.pack(offset, size, message.tags_code)
        return offset, size, queue_offset

    def _touch(self, queue: ConsumeQueue) -> None:
        """Note that a queue gets its first unit of the pass."""
        self._touched.append(queue)

    def room(self, now: int) -> int:
        """Return how many bytes ``put_records`` may bring, 0 when puts are refused.

        Args:
            now: wall clock, ms.
        """
        if self.health.reason and self.health.refuses():
            return 0
        if self._put and now - self._began_wall > self._busy_ms and self.is_busy():
            return 0
        return self._log.room

    def put_records(
        self,
        records: bytes,
        last_size: int,
        brought: Brought,
        counts: tuple[int, int],
        now: int,
        done: Done,
    ) -> None:
        """Take many messages at once that are records already, answered together.

        Args:
            records: made for ``append_end`` of the log, and no more than ``room``.
            last_size: bytes of the last of them.
            brought: what their queues get.
            counts: messages in all, and sends.
            now: their store time, ms.
            done: called once with the result of them all.
        """
        put = self._put
        if not put:
            self._began_wall = now
            self._began_mono = self._mono_ms()
        brought.take_offsets()
        if self._touched:  # a queue may have got other messages before these
            self._pend(brought)
        else:
            self._brought.append((brought, self._queues.removals))
        messages, sends = counts
        offset = self._log.append_end
        self._log.append_records(records, last_size, now)
        result = PutMessageResult(0, offset, len(records), -1, now, "", messages)
        put.append((offset + len(records), result, done, True))
        self._more_puts += sends - 1

    def _pend(self, brought: Brought) -> None:
        """Put units behind those of other puts of the pass."""
        for queue, units in brought.units():
            if not queue.pending:
                self._touched.append(queue)
            queue.pending += units

    def put_batch(self, messages: list[MessageInner], done: Done) -> None:
        """Take messages of one topic and queue: all of them or none, answered together.

        Args:
            messages: of one send: only flag, body, properties and tags code may differ.
            done: called once with the result of all.
        """
        if self.health.reason and self.health.refuses():
            self._refuse(PutStatus.SERVICE_NOT_AVAILABLE, self.health.reason, done)
            return
        entry = self._queues.topic(messages[0].topic) if messages else None
        fault = self._batch_fault(messages)
        if entry is None or fault:
            self._refuse(PutStatus.MESSAGE_ILLEGAL, fault, done)
            return
        now = self._wall_ms()
        if self._put and now - self._began_wall > self._busy_ms and self.is_busy():
            self._refuse(PutStatus.OS_PAGE_CACHE_BUSY, "", done)
            return
        if not self._put:
            self._began_wall = now
            self._began_mono = self._mono_ms()
        queue_offset, places = self._append_batch(entry, messages, now)
        offset, end = places[0][0], places[-1][0] + places[-1][1]
        size = sum([size for _, size in places])
        message_id = ",".join([f"{self.host_id}{place:016X}" for place, _ in places])
        result = PutMessageResult(0, offset, size, queue_offset, now, message_id, len(places))
        self._put.append((end, result, done, messages[0].wait_store_ok))

    def _append_batch(
        self, entry: TopicQueues, messages: list[MessageInner], now: int
    ) -> tuple[int, list[tuple[int, int]]]:
        """Append the messages of a batch; give the first's queue offset, and offset and size of each."""
        if not (entry.special or entry.v2):
            queue_id = messages[0].queue_id
            queue = entry.queues.get(queue_id) or self._queues.add(entry, queue_id)
            queue_offset = queue.next_offset
            appended = self._log.append_batch(messages, entry.name, queue_offset, now)
            if appended is not None:
                places, units = appended
                queue.next_offset += len(places)
                if not queue.pending:
                    self._touched.append(queue)
                queue.pending += units
                return queue_offset, places
        alone = [self._append(entry, message, now, alone=False) for message in messages]
        return alone[0][2], [(offset, size) for offset, size, _ in alone]

    def _batch_fault(self, messages: list[MessageInner]) -> str:
        """Say why a batch can't be stored, "" if it can: nothing may fail half way."""
        if not messages:
            return "the batch is empty"
        first = messages[0]
        if self._queues.topic(first.topic) is None:
            return self._why_illegal(first)
        if sum([len(message.body) for message in messages]) > self._max_body:
            return "message body size exceeded"
        topic, queue_id, max_properties = first.topic, first.queue_id, self._max_properties
        for message in messages:
            if (
                message.topic != topic
                or message.queue_id != queue_id
                or message.sys_flag & _NOT_IN_A_BATCH
                or messages_in(message.properties) != 1
                or len(message.properties) > max_properties
            ):
                return self._member_fault(first, message)
        return ""

    def _member_fault(self, first: MessageInner, message: MessageInner) -> str:
        if (message.topic, message.queue_id) != (first.topic, first.queue_id):
            return "a batch is of one topic and queue"
        if transaction_type(message.sys_flag):
            return "a batch can't be part of a transaction"
        if message.sys_flag & INNER_BATCH_FLAG or messages_in(message.properties) != 1:
            return "a message of a batch can't hold many messages itself"
        return self._why_illegal(message)

    def _why_illegal(self, message: MessageInner) -> str:
        if len(message.body) > self._max_body:
            size, limit = len(message.body), self._max_body
            return f"message body size exceeded, msg body size: {size}, maxMessageSize: {limit}"
        if len(message.properties) > self._max_properties:
            return f"message properties length too long. length={len(message.properties)}"
        return f"message topic [{message.topic}] is too long or not a name"

    def _status_of(self, message: MessageInner, error: BadRecord) -> int:
        """Return the status of a message that can't be a record."""
        if isinstance(error, TooManyLightQueues):
            return PutStatus.LMQ_CONSUME_QUEUE_NUM_EXCEEDED
        if len(message.properties) > self._max_properties:
            return PutStatus.PROPERTIES_SIZE_EXCEEDED
        return PutStatus.MESSAGE_ILLEGAL

    def _refuse(self, status: int, remark: str, done: Done) -> None:
        self._stats.put_failed += 1
        done(PutMessageResult(status, remark=remark))

    # --- the end of a pass -------------------------------------------------------------------

    def end_pass(self) -> None:
        """Write what was put, make it visible, answer. Cheap when nothing was put.

        What is put by those who are answered or woken is written too.
        """
        while self._put:
            put, self._put = self._put, []
            self._end_pass(put)

    def _end_pass(self, put: list[tuple[int, PutMessageResult, Done, bool]]) -> None:
        try:
            self._log.write()
        except Exception as error:  # noqa: BLE001  the border of a pass: none of it is acknowledged
            self._fail_pass(put, error)
            return
        self._tell_written()
        brought, self._brought = self._brought, []
        touched, self._touched = self._touched, []
        for _, result, _, _ in put:
            self._stats.put_times += result.count
            self._stats.put_bytes += result.size
        now = self._wall_ms()
        elapsed = now - self._began_wall
        puts = len(put) + self._more_puts
        self._more_puts = 0
        self._stats.put_done(puts, elapsed)
        if elapsed > SLOW_PUT_MS:
            logger.warning("%d puts took %d ms from the first to the disk", puts, elapsed)
            self._events.stalled(elapsed)
        if self._config.sync_flush:
            self._wait_for_flush(put, brought, touched)
        else:
            self.pass_ended = now
            self._finish(put, brought, touched)
            self.pass_ended = 0

    def _finish(
        self,
        put: list[tuple[int, PutMessageResult, Done, bool]],
        brought: list[tuple[Brought, int]],
        touched: list[ConsumeQueue],
    ) -> None:
        """Make the pass visible, answer, then tell the pulls that wait for messages."""
        for some, removals in brought:
            for left in self._queues.dispatch_all(some, removals):
                self._dispatch(*left)
        arrived = [(queue, bytes(queue.pending)) for queue in touched] if touched else []
        for queue, units in arrived:
            queue.pending.clear()
            self._dispatch(queue, units)
        self.dispatched_timestamp = self._log.last_store_timestamp
        replication = self.replication
        for end, result, done, wait in put:
            try:
                if replication is None or not wait:
                    done(result)
                else:
                    replication.wait(end, result, done)
            except Exception:  # the border of one answer: it costs nobody else theirs
                logger.exception("a put was not answered: %s", result)
        if brought and self._events.awaited():
            for some, _ in brought:
                self._tell_arrival(some.units())
        if arrived:
            self._tell_arrival(arrived)

    def _dispatch(self, queue: ConsumeQueue, units: bytes | bytearray) -> None:
        try:
            self._queues.dispatch(queue, units)
        except (OSError, StoreError) as error:  # its units stay in memory and are tried again
            self.health.disk_full(f"consume queue can not write: {error}")
        except Exception as error:  # the next start makes its units from the log
            logger.exception("queue %s of %s failed", queue.queue_id, queue.topic)
            self.health.fail(f"consume queue failed: {error!r}")

    def _wait_for_flush(
        self,
        put: list[tuple[int, PutMessageResult, Done, bool]],
        brought: list[tuple[Brought, int]],
        touched: list[ConsumeQueue],
    ) -> None:
        """Let the pass wait for the disk: what readers could see must not vanish again."""
        end = self._log.end
        for some, _ in brought:
            self._undispatched += [(end, queue, units) for queue, units in some.units()]
        for queue in touched:
            self._undispatched.append((end, queue, bytes(queue.pending)))
            queue.pending.clear()
        deadline = self._mono_ms() + self._config.sync_flush_timeout
        replication = self.replication
        for offset, result, done, wait in put:
            if not wait:
                answer(done, result)
            elif replication is None:
                self.flush_waits.add(offset, deadline, result, done)
            else:
                finally_done = replication.after_flush(offset, done)
                self.flush_waits.add(offset, deadline, result, finally_done)
        self._events.flush_wanted()

    def flushed(self, offset: int, store_timestamp: int) -> None:
        """Make visible and answer what the disk has up to ``offset``.

        Args:
            offset: of the log, in bytes.
            store_timestamp: of the newest record below it, ms.
        """
        waiting = self._undispatched
        arrived = [(queue, units) for end, queue, units in waiting if end <= offset]
        if arrived:
            del waiting[: len(arrived)]
            for queue, units in arrived:
                self._dispatch(queue, units)
            self.dispatched_timestamp = store_timestamp
        self.flush_waits.release(offset)
        self._tell_arrival(arrived)
        self.end_pass()

    def _tell_arrival(self, arrived: Sequence[tuple[ConsumeQueue, bytes | bytearray]]) -> None:
        """Tell once per queue and tags code: a waiting pull may want one of them only."""
        notify = self._events.arrived
        for queue, units in arrived:
            try:
                for code in queue.tags_codes(units):
                    notify(queue.topic, queue.queue_id, queue.max_offset, code)
            except Exception:  # the border of one queue: its pulls wait for the next message
                logger.exception("pulls of queue %s of %s not told", queue.queue_id, queue.topic)

    def _tell_written(self) -> None:
        """Tell the slaves' senders that the log has grown."""
        try:
            self._events.written()
        except Exception:  # what was written is written: it is answered all the same
            logger.exception("slaves not told of what was written")

    def _fail_pass(
        self,
        put: list[tuple[int, PutMessageResult, Done, bool]],
        error: Exception,
    ) -> None:
        """Take the pass back and answer that it was not stored."""
        for queue in self._touched:
            queue.forget_pending()
        self._touched = []
        for some, _ in self._brought:
            some.give_back()
        self._brought = []
        full = isinstance(error, DiskFull) or getattr(error, "errno", 0) in _NO_SPACE
        if full and not self._log.tail_unclean:
            self.health.disk_full(f"{self._config.commit_log_path}: {error}")
        else:
            if not isinstance(error, (OSError, StoreError)):
                logger.error("write of the commit log failed", exc_info=error)
            self.health.fail(f"write of the commit log failed: {error}")
        self._stats.put_failed += self._more_puts
        self._more_puts = 0
        for _, _, done, _ in put:
            self._stats.put_failed += 1
            answer(
                done, PutMessageResult(PutStatus.SERVICE_NOT_AVAILABLE, remark=self.health.reason)
            )
