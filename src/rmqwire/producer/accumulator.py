"""Putting single messages together to batches (Java ``ProduceAccumulator``, 5.x).

Messages of one topic, one tag, one chosen queue wait up to batchMaxDelayMs for others, or until
batchMaxBytes of bodies are there, and go as one batch. Each caller gets the result of his own message.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from rmqwire.client.validators import check_message
from rmqwire.codec import message_const as const
from rmqwire.codec.message import Message
from rmqwire.errors import RmqError, UsageError
from rmqwire.producer.how import How
from rmqwire.producer.outgoing import Accumulation
from rmqwire.wakeup import Arrivals

if TYPE_CHECKING:
    from typing import TypeGuard

    from rmqwire.client.tasks import Tasks
    from rmqwire.codec.bodies import MessageQueue
    from rmqwire.producer.config import ProducerConfig
    from rmqwire.producer.outgoing import Messages
    from rmqwire.producer.results import SendResult
    from rmqwire.producer.sender import Sender

CLOSED = "the producer was closed before the batch was answered"
NEVER = const.TIMER_TIMES | {
    const.PROPERTY_LITE_TOPIC,
    const.PROPERTY_PRODUCER_GROUP,
    const.PROPERTY_TRANSACTION_PREPARED,
}


class AggregateKey(NamedTuple):
    """What messages of one batch have in common.

    Args:
        topic: theirs.
        queue: they are to go to; None for any.
        wait_store_msg_ok: whether the answer waits for disk and slaves.
        tags: theirs.
        soon: they retry as sends that nobody waits for at once.
    """

    topic: str
    queue: MessageQueue | None
    wait_store_msg_ok: bool
    tags: str | None
    soon: bool


@dataclass(slots=True)
class Held:
    """A batch that waits for more, or for its answer.

    Args:
        key: what its messages have in common.
        messages: so far.
        over: called when it has ended.
        size: bytes of the bodies.
        sent: nothing is added any more.
        result: of the whole batch.
        error: what it has failed by.
    """

    key: AggregateKey
    messages: Accumulation
    over: Arrivals
    size: int = 0
    sent: bool = False
    result: SendResult | None = None
    error: Exception | None = None


class Accumulator:
    """The batches of one producer.

    Args:
        sender: sends them.
        config: limits.
        tasks: where the batches wait and are sent.
    """

    def __init__(self, sender: Sender, config: ProducerConfig, tasks: Tasks) -> None:
        self._sender = sender
        self._config = config
        self._tasks = tasks
        self._held: dict[AggregateKey, Held] = {}
        self._bytes = 0  # of all batches that have no answer yet

    def takes(self, message: Messages) -> TypeGuard[Message]:
        """Return whether a message is put into a batch (``DefaultMQProducer.canBatch``).

        Batches, delayed and timed messages, halves of transactions, retries and replies go alone; so
        do bodies that fill a batch, and everything while totalBatchMaxBytes are under way.
        """
        config = self._config
        return (
            config.auto_batch
            and isinstance(message, Message)
            and self._bytes < config.total_batch_max_bytes
            and len(message.body) < config.batch_max_bytes
            and message.delay_time_level <= 0
            and NEVER.isdisjoint(message.properties)
            and const.PROPERTY_MESSAGE_TYPE not in message.properties
            and not message.topic.startswith(const.RETRY_GROUP_TOPIC_PREFIX)
        )

    async def send(
        self,
        message: Message,
        how: How,
    ) -> SendResult:
        """Put a message into a batch, and return its result when that is stored.

        Raises:
            UsageError: a message that no broker takes, or a wrong queue; of no other message.
            RmqError: the batch wasn't sent, as for ``Sender.send``.
        """
        send = partial(self._send_together, message, how)
        return await (self._sender.told(message, send) if self._sender.hooks else send())

    async def _send_together(
        self,
        message: Message,
        how: How,
    ) -> SendResult:
        check_message(
            message.topic, message.body, message.properties, self._config.max_message_size
        )
        queue = how.queue
        if how.selector is not None or queue is not None:
            queue = await self._sender.choose(message, how)
        key = AggregateKey(message.topic, queue, message.wait_store_msg_ok, message.tags, how.soon)
        held, index = self._add(key, message)
        while held.result is None and held.error is None:
            await held.over.wait()
        if held.result is None:
            raise held.error or UsageError(CLOSED)
        return one_of(held.result, index, len(held.messages))

    def _add(self, key: AggregateKey, message: Message) -> tuple[Held, int]:
        size = len(message.body)
        held = self._held.get(key)
        if held is not None and held.size + size > self._config.batch_max_bytes:
            self._send_now(held)
            held = None
        if held is None:
            held = self._held[key] = Held(key, Accumulation(), Arrivals())
            self._tasks.spawn(self._wait_for_more, held)
        held.messages.append(message)
        held.size += size
        self._bytes += size
        if held.size >= self._config.batch_max_bytes:
            self._send_now(held)
        return held, len(held.messages) - 1

    async def _wait_for_more(self, held: Held) -> None:
        await self._tasks.sleep(self._config.batch_max_delay_ms / 1000)
        self._send_now(held)

    def _send_now(self, held: Held) -> None:
        if held.sent:
            return
        held.sent = True
        if self._held.get(held.key) is held:
            del self._held[held.key]
        self._tasks.spawn(self._send, held)

    async def _send(self, held: Held) -> None:
        key = held.key
        error: Exception = _closed()
        try:
            how = How(queue=key.queue, soon=key.soon)
            held.result = await self._sender.send(held.messages, how)
        except RmqError as failure:
            error = failure
        finally:
            held.error = None if held.result is not None else error
            self._bytes -= held.size
            held.over.wake_all()


def one_of(result: SendResult, index: int, count: int) -> SendResult:
    """Return the result of one message of a batch (``splitSendResults``).

    A topic with a BatchCQ has one record, and so one id of a record, for all of them.
    """
    ids, records = result.msg_id.split(","), result.offset_msg_id.split(",")
    return msgspec.structs.replace(
        result,
        msg_id=ids[index],
        offset_msg_id=records[index] if len(records) == count else result.offset_msg_id,
        queue_offset=result.queue_offset + index,
    )


def _closed() -> RmqError:
    error = UsageError(CLOSED)
    error.maybe_stored = True
    return error
