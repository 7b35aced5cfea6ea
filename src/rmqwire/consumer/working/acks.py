"""What becomes of popped messages, told to their brokers (``ackAsync``, ``changePopInvisibleTime``).

Nobody waits for the answers but the end of the consumer. What a broker doesn't hear comes again when
its time is over.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.broker_errors import RequestCodeNotSupported
from rmqwire.client.pop_api import ack_message, batch_ack_message, change_invisible_time
from rmqwire.codec.bodies import BatchAck, BatchAckMessageRequestBody, MessageQueue
from rmqwire.codec.headers import AckMessageRequestHeader, ChangeInvisibleTimeRequestHeader
from rmqwire.codec.message_const import PROPERTY_POP_CK
from rmqwire.codec.pop import ExtraInfo
from rmqwire.consumer.working.send_back import SendBack
from rmqwire.errors import RmqError
from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from rmqwire.client.message_ext import MessageExt
    from rmqwire.consumer.state import PoppingState

logger = logging.getLogger(__name__)

POP_DELAYS_S = (10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200)
DEAD_LETTERS = -1  # the delay level


def handle_of(message: MessageExt) -> ExtraInfo:
    """Return the handle of a popped message."""
    return ExtraInfo.decode(message.properties[PROPERTY_POP_CK])


def delay_s(level: int) -> int:
    """Return after how many seconds a popped message comes again."""
    return POP_DELAYS_S[min(level, len(POP_DELAYS_S) - 1)]


def batch_acks(group: str, messages: Iterable[MessageExt]) -> list[BatchAck]:
    """Return the acks of messages, those of one pop of a queue together (``batchAckMessageAsync``)."""
    found: dict[tuple[object, ...], BatchAck] = {}
    bits: dict[tuple[object, ...], int] = {}
    for message in messages:
        handle = handle_of(message)
        key: tuple[object, ...] = (
            handle.topic_tag,
            handle.queue_id,
            handle.ck_queue_offset,
            handle.pop_time,
        )
        if key not in found:
            found[key] = BatchAck(
                consumer_group=group,
                topic=message.topic,
                retry=handle.topic_tag,
                start_offset=handle.ck_queue_offset,
                queue_id=handle.queue_id,
                revive_queue_id=handle.revive_qid,
                pop_time=handle.pop_time,
                invisible_time=handle.invisible_time,
            )
        bits[key] = bits.get(key, 0) | 1 << (_offset(message, handle) - handle.ck_queue_offset)
    for key, entry in found.items():
        entry.bit_set = bits[key].to_bytes(bits[key].bit_length() // 8 + 1, "little").rstrip(b"\0")
    return list(found.values())


def _offset(message: MessageExt, handle: ExtraInfo) -> int:
    return message.queue_offset if handle.msg_queue_offset is None else handle.msg_queue_offset


class Acks:
    """Tells brokers for one consumer.

    Args:
        state: the consumer.
    """

    def __init__(self, state: PoppingState) -> None:
        self._state = state
        self._instance = state.instance
        self._limit = state.config.reconsume_limit()
        self._send_back = SendBack(state)
        self._singly: set[str] = set()  # brokers that know no BATCH_ACK_MESSAGE
        self._open = 0
        self._idle = Wakeup()

    def done(self, messages: Sequence[MessageExt]) -> None:
        """They needn't come again."""
        if messages:
            self._spawn(self._ack_all, messages)

    def later(self, message: MessageExt, delay_level: int) -> None:
        """One is to come again, or goes to the dead letters if it has come often enough.

        Args:
            message: which one.
            delay_level: 1 to 15 for 30 s to 2 h; 0 leaves that to how often it came, -1 is the dead
                letters at once.
        """
        if delay_level < 0 or message.reconsume_times >= self._limit:
            self._spawn(self._bury, message)
        else:
            self._spawn(self._put_off, message, delay_level or message.reconsume_times)

    async def finish(self) -> None:
        """Return when all has been told."""
        while self._open:
            await self._idle.wait()

    def _spawn(self, function: Callable[..., Awaitable[object]], *args: object) -> None:
        self._open += 1

        async def run() -> None:
            try:
                await function(*args)
            finally:
                self._open -= 1
                if not self._open:
                    self._idle()

        self._state.tasks.spawn(run)

    async def _ack_all(self, messages: Sequence[MessageExt]) -> None:
        try:
            await self._ack_together(messages)
        except RmqError as error:
            logger.warning("ack of %s, group %s: %s", messages, self._state.group, error)

    async def _ack_together(self, messages: Sequence[MessageExt]) -> None:
        broker = handle_of(messages[0]).broker_name
        if (
            len(messages) == 1
            or broker in self._singly
            or not await self._ack_batch(broker, messages)
        ):
            for message in messages:
                await self._ack(message)

    async def _ack_batch(self, broker: str, messages: Sequence[MessageExt]) -> bool:
        """Acknowledge messages of one broker together; return False if it knows no such request."""
        body = BatchAckMessageRequestBody(broker, batch_acks(self._state.group, messages))
        addr = await self._addr(messages[0], broker)
        try:
            await batch_ack_message(self._instance.api, addr, body)
        except RequestCodeNotSupported:
            logger.info("broker %s knows no acks of several messages", broker)
            self._singly.add(broker)
            return False
        return True

    async def _ack(self, message: MessageExt) -> None:
        addr = await self._addr(message, handle_of(message).broker_name)
        await ack_message(self._instance.api, addr, self._ack_header(message))

    def _ack_header(self, message: MessageExt) -> AckMessageRequestHeader:
        handle = handle_of(message)
        return AckMessageRequestHeader(
            consumer_group=self._state.group,
            topic=self._real_topic(message, handle),
            queue_id=handle.queue_id,
            extra_info=message.properties[PROPERTY_POP_CK],
            offset=_offset(message, handle),
            bname=handle.broker_name,
        )

    def _change_header(
        self, message: MessageExt, delay_ms: int
    ) -> ChangeInvisibleTimeRequestHeader:
        handle = handle_of(message)
        return ChangeInvisibleTimeRequestHeader(
            consumer_group=self._state.group,
            topic=self._real_topic(message, handle),
            queue_id=handle.queue_id,
            extra_info=message.properties[PROPERTY_POP_CK],
            offset=_offset(message, handle),
            invisible_time=delay_ms,
            bname=handle.broker_name,
        )

    async def _put_off(self, message: MessageExt, level: int) -> None:
        await self._change(message, delay_s(level) * 1000)

    async def _change(self, message: MessageExt, delay_ms: int) -> None:
        try:
            addr = await self._addr(message, handle_of(message).broker_name)
            header = self._change_header(message, delay_ms)
            await change_invisible_time(self._instance.api, addr, header)
        except RmqError as error:
            logger.warning("%s, group %s, isn't put off: %s", message, self._state.group, error)

    async def _bury(self, message: MessageExt) -> None:
        """Have a broker move it to the dead letters, and only then acknowledge it.

        Java's client acknowledges it alone: then it is nowhere.
        """
        if await self._send_back(message, DEAD_LETTERS):
            await self._ack_all([message])

    def _real_topic(self, message: MessageExt, handle: ExtraInfo) -> str:
        namespace = self._instance.namespace
        return handle.real_topic(namespace.wrap(message.topic), namespace.wrap(self._state.group))

    async def _addr(self, message: MessageExt, broker_name: str) -> str:
        queue = MessageQueue(message.topic, broker_name, message.queue_id)
        return (await self._instance.broker_addr(queue, only_this=True)).addr
