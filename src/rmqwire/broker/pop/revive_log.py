"""Check points and acknowledgements on their way into the revive log.

They are messages of ``rmq_sys_REVIVE_LOG_<cluster>``, written as ``PopMessageProcessor`` and
``AckMessageProcessor`` write them, and arrive there when their time has come: a check point one
second before the messages become visible again, an ack when they do. Until then they wait as timer
messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.delivery.properties import write_properties
from rmqwire.codec import message_const as const
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.pop import (
    ACK_TAG,
    BATCH_ACK_TAG,
    CK_TAG,
    ack_key,
    check_point_key,
    revive_topic,
)
from rmqwire.remoting.handler import Reject
from rmqwire.store.results import MessageInner, PutMessageResult, PutStatus

if TYPE_CHECKING:
    from rmqwire.broker.delivery.timers import TimerMessageStore
    from rmqwire.codec.bodies import AckMsg, BatchAckMsg, PopCheckPoint
    from rmqwire.codec.release import Release
    from rmqwire.store.log.put_path import Done
    from rmqwire.store.message_store import MessageStore

ACK_TIME_INTERVAL_MS = 1_000  # PopAckConstants.ackTimeInterval


class ReviveLog:
    """Writes the records of one broker's pops.

    Args:
        cluster: whose topic it is.
        release: whose JSON and property order are written.
        host: the broker's address as records hold it.
        store: takes them,
        timers: and lets them wait for their time.
    """

    def __init__(
        self,
        cluster: str,
        release: Release,
        host: bytes,
        store: MessageStore,
        timers: TimerMessageStore,
    ) -> None:
        self.topic = revive_topic(cluster)
        self._release = release
        self._host = host
        self._store = store
        self._timers = timers

    def put_check_point(self, point: PopCheckPoint, revive_qid: int, done: Done) -> None:
        """Store what a pop handed out (``buildCkMsg``).

        Args:
            point: messages of one queue.
            revive_qid: queue of the revive log.
            done: told how it ended.
        """
        key = check_point_key(
            point.topic,
            point.queue_id,
            point.start_offset,
            point.cid or "",
            point.pop_time,
            point.broker_name,
        )
        at_ms = point.revive_time - ACK_TIME_INTERVAL_MS
        self._put(CK_TAG, key, point.encode(self._release), revive_qid, at_ms, done)

    def put_ack(self, ack: AckMsg, revive_qid: int, at_ms: int, done: Done) -> None:
        """Store the acknowledgement of one message; ``at_ms`` is when it would be visible again."""
        self._put(ACK_TAG, _key(ack), ack.encode(self._release), revive_qid, at_ms, done)

    def timed_ack(self, ack: AckMsg, revive_qid: int, at_ms: int) -> MessageInner | None:
        """Return the message of such an acknowledgement while it waits; None: its time has come.

        Raises:
            Reject: its time makes no sense, or too many wait for the same.
        """
        message, waits = self._make(
            ACK_TAG, _key(ack), ack.encode(self._release), revive_qid, at_ms
        )
        return message if waits else None

    def put_batch_ack(self, ack: BatchAckMsg, revive_qid: int, at_ms: int, done: Done) -> None:
        """Store the acknowledgement of several messages of one pop.

        Its UNIQ_KEY is that of an ack: ``AckMessageProcessor`` puts it over the batch's own.
        """
        self._put(BATCH_ACK_TAG, _key(ack), ack.encode(self._release), revive_qid, at_ms, done)

    def _put(
        self, tag: str, key: str, body: bytes, revive_qid: int, at_ms: int, done: Done
    ) -> None:
        try:
            message, _ = self._make(tag, key, body, revive_qid, at_ms)
        except Reject as refused:
            done(PutMessageResult(PutStatus.WHEEL_TIMER_MSG_ILLEGAL, remark=refused.remark or ""))
            return
        self._store.puts.put(message, done)

    def _make(
        self, tag: str, key: str, body: bytes, revive_qid: int, at_ms: int
    ) -> tuple[MessageInner, bool]:
        """Return a message, and whether it has to wait for its time.

        Raises:
            Reject: its time makes no sense, or too many wait for the same.
        """
        properties = {
            const.PROPERTY_TAGS: tag,
            const.PROPERTY_TIMER_DELIVER_MS: str(at_ms),
            const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX: key,
        }
        message = MessageInner(
            topic=self.topic,
            queue_id=revive_qid,
            flag=0,
            sys_flag=0,
            properties=b"",
            body=body,
            tags_code=tags_code(tag),
            born_timestamp=self._store.wall_ms(),
            born_host=self._host,
        )
        if self._timers.delay(message, properties) is not None:
            return message, True
        message.properties = write_properties(properties, self._release)
        return message, False


def _key(ack: AckMsg) -> str:
    return ack_key(
        ack.topic, ack.queue_id, ack.ack_offset, ack.consumer_group, ack.pop_time, ack.broker_name
    )
