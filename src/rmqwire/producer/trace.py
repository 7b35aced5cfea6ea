"""Traces on their way to the trace topic (``AsyncTraceDispatcher``, ``SendMessageTraceHookImpl``).

Hooks append records; they are sent together, 10 at a time or after 5 s, as messages whose keys are the
ids and keys of what they tell of. Sending them goes through the client that is traced.
"""

from __future__ import annotations

import logging
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Final

from rmqwire.client.config import make_config
from rmqwire.codec import message_const as const
from rmqwire.codec.message import Message
from rmqwire.codec.trace import MessageType, TracedMessage, encode_pub
from rmqwire.errors import RmqError
from rmqwire.producer.config import ProducerConfig
from rmqwire.producer.hooks import SendHook
from rmqwire.producer.how import SOON
from rmqwire.producer.results import SendStatus
from rmqwire.producer.sender import Sender
from rmqwire.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.client.config import ClientConfig
    from rmqwire.client.instance import ClientInstance
    from rmqwire.producer.hooks import SendContext

logger = logging.getLogger(__name__)

PRODUCE: Final = "PRODUCE"
CONSUME: Final = "CONSUME"
MOST_BATCH: Final = 20
MOST_WAITING: Final = 2_048
FLUSH_S: Final = 5.0  # flushTraceInterval
MOST_BYTES: Final = 128_000  # maxMsgSize
SEND_TIMEOUT_MS: Final = 5_000
START_DELIVER_TIME: Final = "__STARTDELIVERTIME"
_serial = count(1)


class TraceDispatcher:
    """Traces of one producer or consumer.

    Args:
        group: whose.
        kind: PRODUCE or CONSUME.
        config: the trace topic, and how many records go together.
        instance: sends them.
    """

    def __init__(
        self, group: str, kind: str, config: ClientConfig, instance: ClientInstance
    ) -> None:
        settings = {"max_message_size": MOST_BYTES, "send_msg_timeout": SEND_TIMEOUT_MS}
        name = f"_INNER_TRACE_PRODUCER-{group}-{kind}-{next(_serial)}"
        self._sender = Sender(name, make_config(ProducerConfig, settings, config), instance)
        self._batch = min(config.trace_msg_batch_num, MOST_BATCH)
        self._waiting: deque[tuple[str, str, list[str]]] = deque()
        self._enough = Wakeup()
        self._discarded = 0
        self._lost = False  # a message of traces
        self.topic = config.trace_topic or const.RMQ_SYS_TRACE_TOPIC
        self.needs_region = config.release.client.trace_needs_region
        self.wall_ms = instance.wall_ms
        self.new_id = instance.unique_ids.next

    def append(self, topic: str, record: str, keys: Iterable[str]) -> None:
        """Have a record sent; dropped when too many wait.

        Args:
            topic: of the messages that it tells of.
            record: one call's or send's, encoded.
            keys: under which it is to be found.
        """
        if len(self._waiting) >= MOST_WAITING:
            self._discarded += 1
            if self._discarded % 1_000 == 1:
                logger.warning("%d traces of %s are dropped: too many wait", self._discarded, topic)
            return
        self._waiting.append((topic, record, list(keys)))
        if len(self._waiting) >= self._batch:
            self._enough()

    async def rounds(self) -> None:
        """Send what has come together, until cancelled."""
        while True:
            await self._enough.wait(FLUSH_S)
            await self.flush()

    async def finish(self) -> None:
        """Send all that waits; one that can't be sent ends it, as no broker may be there."""
        self._lost = False
        await self.flush(until_lost=True)
        if self._waiting:
            logger.warning("%d traces are lost: the client is closed", len(self._waiting))

    async def flush(self, *, until_lost: bool = False) -> None:
        """Send all that waits."""
        while self._waiting and not (until_lost and self._lost):
            some = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
            for topic in dict.fromkeys(one[0] for one in some):
                await self._send([one for one in some if one[0] == topic])

    async def _send(self, records: list[tuple[str, str, list[str]]]) -> None:
        body, keys = "", dict[str, None]()
        for _, record, names in records:
            body += record
            keys.update(dict.fromkeys(names))
            if len(body) >= MOST_BYTES // 2:
                await self._send_one(body, keys)
                body, keys = "", {}
        if body:
            await self._send_one(body, keys)

    async def _send_one(self, body: str, keys: dict[str, None]) -> None:
        message = Message(self.topic, body.encode("utf-8", "replace"), keys=list(keys))
        try:
            await self._sender.send(message, SOON)
        except RmqError as error:
            self._lost = True
            logger.warning("send trace data failed, %d records: %s", body.count("\x02"), error)


class SendTraceHook(SendHook):
    """Traces sends.

    Args:
        dispatcher: takes the records.
    """

    def __init__(self, dispatcher: TraceDispatcher) -> None:
        self._dispatcher = dispatcher

    def after(self, context: SendContext) -> None:
        """Trace an attempt that was answered."""
        result, outgoing = context.result, context.outgoing
        topic = outgoing.shape.topic
        if result is None or not result.trace_on or topic == self._dispatcher.topic:
            return
        message = context.message
        single = message if isinstance(message, Message) else None
        traced = TracedMessage(
            topic,
            result.msg_id,
            single.tags if single else None,
            single.keys if single else None,
            broker_addr=context.broker_addr,
            body_length=len(outgoing.body),
            kind=_kind(single),
            offset_msg_id=result.offset_msg_id,
        )
        record = encode_pub(
            traced,
            timestamp=context.started_ms,
            region=result.region_id,
            group=context.producer_group,
            cost_ms=self._dispatcher.wall_ms() - context.started_ms,
            success=result.send_status is SendStatus.SEND_OK,
        )
        self._dispatcher.append(topic, record, traced.names())


def _kind(message: Message | None) -> MessageType:
    properties = message.properties if message is not None else {}
    if START_DELIVER_TIME in properties or (const.PROPERTY_DELAY_TIME_LEVEL in properties):
        return MessageType.DELAYED
    if properties.get(const.PROPERTY_TRANSACTION_PREPARED) == "true":
        return MessageType.HALF
    return MessageType.NORMAL
