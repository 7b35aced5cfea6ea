"""Bringing back what was popped and not acknowledged (``PopReviveService``).

One for each queue of the revive log. ``step`` reads what has arrived there, and stores the messages of
check points that are due and open again, in the retry topic of their group. Check points are kept in
memory from the reading to the end, so nothing is read twice; the offset of CID_RMQ_SYS_REVIVE_GROUP
passes one only when its messages are acknowledged or their copies are on the disk: after a crash a
check point is read again.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from rmqwire.broker.pop.check_points import CheckPoints, PendingPoint
from rmqwire.codec import bodies
from rmqwire.codec import message_const as const
from rmqwire.codec.pop import ACK_TAG, BATCH_ACK_TAG, CK_TAG, normal_topic
from rmqwire.codec.record import decode_message, iter_messages
from rmqwire.errors import ProtocolError, StoreError
from rmqwire.remoting.limited_log import LimitedLog
from rmqwire.store.results import GetStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.broker.pop.inflight import PopInflight
    from rmqwire.broker.pop.retry_copy import RetryCopies
    from rmqwire.broker.pop.revive_log import ReviveLog
    from rmqwire.broker.settings.values import BrokerConfig
    from rmqwire.broker.tables.groups import SubscriptionGroupManager
    from rmqwire.broker.tables.offsets import ConsumerOffsetManager
    from rmqwire.broker.tables.topics import TopicConfigManager
    from rmqwire.clock import MonoMs, WallMs
    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.release import Release
    from rmqwire.store.message_store import MessageStore
    from rmqwire.store.results import PutMessageResult

GROUP = "CID_RMQ_SYS_REVIVE_GROUP"
BATCH = 32  # records read at once
MAX_RECORDS = 2_048  # read in one step, so that nobody else waits for it
MAX_POINTS = 256  # brought back in one step
QUIET_MS = 3_000  # nothing came for so long: the timers have delivered all there is
RETRY_MS = 10_000  # a copy that the store refused is tried again after this
# How long a check point that is put again is put off: ckRewriteIntervalsInSeconds, in ms
RE_PUT_MS = tuple(
    seconds * 1000
    for seconds in (10, 20, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200)
)  # fmt: skip
logger = logging.getLogger(__name__)


class Reviving(msgspec.Struct, frozen=True):
    """What the services of one broker share.

    Args:
        config: the broker's name, ``skipWhenCKRePutReachMaxTimes``.
        release: whose JSON is read.
        store: where everything is.
        topics: messages of a topic that is gone don't come again,
        groups: nor those of a group that is.
        offsets: how far the revive log was read.
        log: takes check points that are put again.
        copies: makes the messages of the retry topics.
        inflight: counts what is handed out.
        timers_behind: whether the timers have yet to deliver what is due.
        wall_ms: wall clock.
        mono_ms: clock of the limited log lines.
    """

    config: BrokerConfig
    release: Release
    store: MessageStore
    topics: TopicConfigManager
    groups: SubscriptionGroupManager
    offsets: ConsumerOffsetManager
    log: ReviveLog
    copies: RetryCopies
    inflight: PopInflight
    timers_behind: Callable[[], bool]
    wall_ms: WallMs
    mono_ms: MonoMs


class PopRevive:
    """Brings back the messages of one queue of the revive log.

    Args:
        shared: what it works with.
        queue_id: the queue.

    Attributes:
        points: check points that were read and not passed.
        next_offset: of the next record to read.
    """

    def __init__(self, shared: Reviving, queue_id: int) -> None:
        self._shared = shared
        self._queue_id = queue_id
        self._lines = LimitedLog(logger, shared.mono_ms)
        self.points = CheckPoints()
        self.next_offset = 1 + shared.offsets.query(GROUP, shared.log.topic, queue_id)
        self._read_to_ms = 0  # everything that was to be delivered until then has been read

    def step(self) -> bool:
        """Read what has come, bring back what is due; the caller ends the pass.

        Returns:
            Whether there is more to be read at once.
        """
        more = False
        try:
            before = self.next_offset
            if self._read():
                self._hear_of_silence()
            else:
                more = self.next_offset > before
        except (OSError, StoreError, ProtocolError) as error:
            self._lines.error("log", "revive log can't be read, tried again: %s", error)
        now_ms = self._shared.wall_ms()
        for count, pending in enumerate(self.points.due(self._read_to_ms, now_ms)):
            if count == MAX_POINTS:
                break
            self._bring_back(pending)
        self.commit()
        return more

    def commit(self) -> None:
        """Note how far the revive log is settled."""
        shared = self._shared
        passed = self.points.pass_settled(self._read_to_ms, shared.store.log.flushed)
        if passed >= 0:
            shared.offsets.commit("127.0.0.1", GROUP, shared.log.topic, self._queue_id, passed)

    # --- reading

    def _read(self) -> bool:
        """Read the records that have come; return whether these were all."""
        store, topic = self._shared.store, self._shared.log.topic
        first = self.next_offset
        while self.next_offset - first < MAX_RECORDS:
            low = store.min_offset(topic, self._queue_id)
            high = store.max_offset(topic, self._queue_id)
            if not low <= self.next_offset <= high:
                self._correct(low, high)
            if self.next_offset == high:
                return True
            result = store.get_message(topic, self._queue_id, self.next_offset, BATCH)
            if result.status != GetStatus.FOUND:
                if result.next_begin_offset <= self.next_offset:
                    return False
                self.next_offset = result.next_begin_offset
                continue
            messages = iter_messages(result.body)
            for offset, message in zip(result.queue_offsets, messages, strict=True):
                self._take(message, offset)
            self.next_offset = result.next_begin_offset
        return False

    def _correct(self, low: int, high: int) -> None:
        """Go on inside of the queue: its beginning was removed, or the table is ahead of it."""
        corrected = low if self.next_offset < low else high
        logger.warning(
            "revive queue %s: offset %s corrected to %s",
            self._queue_id,
            self.next_offset,
            corrected,
        )
        self.next_offset = corrected

    def _take(self, message: StoredMessage, offset: int) -> None:
        deliver = _deliver_ms(message)
        try:
            self._take_body(message, offset, deliver)
        except ProtocolError as error:
            self._lines.warning("record", "revive log has what can't be read, left out: %s", error)
        if deliver is not None:
            self._read_to_ms = max(self._read_to_ms, deliver)

    def _take_body(self, message: StoredMessage, offset: int, deliver: int | None) -> None:
        release = self._shared.release
        if message.tags == CK_TAG:
            point = bodies.PopCheckPoint.decode(message.body, release)
            if point.topic and point.cid:
                self.points.add(point, offset)
            return
        if message.tags == ACK_TAG:
            ack = bodies.AckMsg.decode(message.body, release)
        elif message.tags == BATCH_ACK_TAG:
            ack = bodies.BatchAckMsg.decode(message.body, release)
        else:
            return
        if not self.points.acknowledge(ack, deliver, self._shared.config.broker_name):
            logger.debug("ack without a check point: %s", ack)

    def _hear_of_silence(self) -> None:
        """Move on where nothing comes: the timers would have delivered it."""
        now_ms = self._shared.wall_ms()
        if now_ms - self._read_to_ms > QUIET_MS and not self._shared.timers_behind():
            self._read_to_ms = now_ms

    # --- bringing back

    def _bring_back(self, pending: PendingPoint) -> None:
        shared, point = self._shared, pending.point
        group = point.cid or ""
        gone = None
        if shared.topics.select(normal_topic(point.topic, group)) is None:
            gone = f"topic {point.topic}"
        elif shared.groups.find(group) is None:
            gone = f"group {group}"
        if gone is not None:
            self._lines.warning("gone", "popped messages don't come again: no %s", gone)
            pending.open.clear()
            return
        for offset in sorted(pending.open):
            self._bring_back_one(pending, offset)

    def _bring_back_one(self, pending: PendingPoint, offset: int) -> None:
        shared, point = self._shared, pending.point
        if point.broker_name != shared.config.broker_name:
            self._put_again(pending, offset)
            return
        try:
            result = shared.store.get_message(point.topic, point.queue_id, offset, 1)
        except (OSError, StoreError) as error:
            self._lines.error("read", "popped message can't be read, tried again: %s", error)
            self._put_again(pending, offset)
            return
        if not result.body or result.queue_offsets[0] != offset:
            self._lines.warning(
                "missing",
                "popped message %s of %s, queue %s, isn't there any more",
                offset,
                point.topic,
                point.queue_id,
            )
            pending.open.discard(offset)
            return
        copy = shared.copies.make(point, decode_message(result.body))
        pending.busy += 1
        shared.store.puts.put(copy, partial(self._copied, pending, offset))

    def _copied(self, pending: PendingPoint, offset: int, result: PutMessageResult) -> None:
        pending.busy -= 1
        if result.physical_offset < 0:
            self._lines.warning("copy", "message not brought back: %s", result.remark or result)
            self._put_again(pending, offset)
            return
        self._settled(pending, offset, result)
        point = pending.point
        self._shared.inflight.subtract(point.topic, point.cid or "", point.queue_id, 1)

    def _settled(self, pending: PendingPoint, offset: int, result: PutMessageResult) -> None:
        pending.open.discard(offset)
        pending.end = max(pending.end, result.physical_offset + result.size)

    # --- what couldn't be brought back

    def _put_again(self, pending: PendingPoint, offset: int) -> None:
        """Put a check point of one message for later (``rePutCK``)."""
        shared, old = self._shared, pending.point
        text = old.re_put_times or ""
        times = int(text) if text.isascii() and text.isdigit() else 0
        if times >= len(RE_PUT_MS) and shared.config.skip_when_ck_re_put_reach_max_times:
            self._lines.warning("given up", "popped message given up after %s times", times)
            pending.open.discard(offset)
            return
        interval = RE_PUT_MS[min(times, len(RE_PUT_MS) - 1)]
        due = old.revive_time <= shared.wall_ms()
        point = bodies.PopCheckPoint(
            start_offset=offset,
            pop_time=old.pop_time,
            invisible_time=old.invisible_time + (interval if due else 0),
            num=1,
            queue_id=old.queue_id,
            topic=old.topic,
            cid=old.cid,
            queue_offset_diff=[0],
            broker_name=old.broker_name,
            re_put_times=str(times + 1),
            suspend=old.suspend,
        )
        pending.busy += 1
        shared.log.put_check_point(
            point, self._queue_id, partial(self._was_put_again, pending, offset)
        )

    def _was_put_again(self, pending: PendingPoint, offset: int, result: PutMessageResult) -> None:
        pending.busy -= 1
        if result.physical_offset < 0:  # Java goes on here, and the message is lost
            pending.retry_ms = self._shared.wall_ms() + RETRY_MS
            return
        self._settled(pending, offset, result)


def _deliver_ms(message: StoredMessage) -> int | None:
    """Return when the timers were to deliver a record, None when it doesn't say."""
    text = message.properties.get(const.PROPERTY_TIMER_DELIVER_MS, "")
    return int(text) if text.isascii() and text.isdigit() else None
