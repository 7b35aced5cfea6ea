"""From a user's message to what goes on the wire (``DefaultMQProducerImpl.sendKernelImpl``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from rmqwire.client.requests import OutgoingMessage, SendShape
from rmqwire.client.send_forms import batch_form
from rmqwire.client.validators import check_message, check_payload, check_sent_topic, check_text
from rmqwire.codec import message_const as const
from rmqwire.codec.batch import encode_batch
from rmqwire.codec.compression import compress
from rmqwire.codec.message import Message
from rmqwire.codec.properties import properties_text
from rmqwire.codec.sys_flag import TRANSACTION_PREPARED_TYPE
from rmqwire.errors import UsageError

if TYPE_CHECKING:
    from rmqwire.codec.message_id import UniqueIdGenerator
    from rmqwire.producer.config import ProducerConfig

UNIQ_KEY = const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX
WAIT = const.PROPERTY_WAIT_STORE_MSG_OK
MOST_SHAPES: Final = 512  # kept of one producer; then all are made again
Messages: TypeAlias = Message | Sequence[Message]  # one, or a batch


class Accumulation(list[Message]):
    """Messages of one tag that were put together on the way; their batch has the tag and all keys."""

    def properties(self) -> dict[str, str]:
        """Return what the batch says of all of them (``MessageAccumulation.batch``)."""
        first = self[0]
        found = {} if first.tags is None else {const.PROPERTY_TAGS: first.tags}
        keys = {key: None for one in self for key in (one.keys or "").split(const.KEY_SEPARATOR)}
        keys.pop("", None)
        if keys:
            found[const.PROPERTY_KEYS] = const.KEY_SEPARATOR.join(keys)
        return found


Kind: TypeAlias = "tuple[str, int, int, bool, bool, int, int | None]"
"""(topic, flag, sys flag, batch, reply, reconsume times, most of them) of a ``SendShape``."""


class Prepared(NamedTuple):
    """A message, or a batch, as it is to go on the wire, and its id."""

    message: Messages
    outgoing: OutgoingMessage
    msg_id: str


class Outbound:
    """Check, compress and encode messages for one producer.

    Args:
        group: the producer group.
        config: limits and compression.
        ids: makes unique ids.
    """

    def __init__(self, group: str, config: ProducerConfig, ids: UniqueIdGenerator) -> None:
        self._group = group
        self._config = config
        self._release = config.release
        self._compression = config.compression()
        self._ids = ids
        self._batches = batch_form(config.max_message_size, config.release)
        self._shapes: dict[Kind, SendShape] = {}

    def single(self, message: Message) -> Prepared:
        """Prepare one message.

        The message itself gets its UNIQ_KEY, as in Java, so that sending it again is recognisable.

        Raises:
            UsageError: a message no broker takes.
            BadProperties: a property that can't be written.
        """
        config = self._config
        topic, body, properties = message.topic, message.body, message.properties
        check_payload(topic, body, properties, config.max_message_size)
        reply = is_reply(properties)
        msg_id = self._identify(properties, reply=reply)
        sys_flag = 0
        if len(body) >= config.compress_msg_body_over_howmuch:
            # Kept even if it came out larger, as Java does: sysFlag has to say what it is.
            body = compress(body, self._compression, config.compress_level)
            sys_flag = self._compression.sys_flag
        prepared = properties.get(const.PROPERTY_TRANSACTION_PREPARED)
        if prepared is not None and prepared.lower() == "true":
            sys_flag |= TRANSACTION_PREPARED_TYPE
        text = self._text(properties)
        if not text.isascii():
            check_text(properties)
        times, most = 0, None
        if topic.startswith(const.RETRY_GROUP_TOPIC_PREFIX):
            times, most = _reconsume_times(properties)
        kind = (topic, message.flag, sys_flag, False, reply, times, most)
        shape = self._shapes.get(kind) or self.shape(kind)
        return Prepared(message, OutgoingMessage(shape, body, text), msg_id)

    def batch(self, messages: Sequence[Message]) -> Prepared:
        """Prepare messages to be stored together; their ids are joined by commas.

        Raises:
            UsageError: none, of several topics, delayed ones, or too large together.
            BadProperties: a property that can't be written.
        """
        body, ids, waits = self._plain_batch(messages) or self._batch(messages)
        topic = messages[0].topic
        properties = {WAIT: "true" if waits else "false"}
        if (
            self._release.client.batch_unique_key
        ):  # older brokers give each message what is said here
            if isinstance(messages, Accumulation):
                properties |= messages.properties()
            properties[UNIQ_KEY] = self._ids.next()
        check_message(topic, body, properties, self._config.max_message_size)
        shape = self.shape((topic, 0, 0, True, False, 0, None))
        outgoing = OutgoingMessage(shape, body, self._text(properties))
        return Prepared(messages, outgoing, ids)

    def _plain_batch(self, messages: Sequence[Message]) -> tuple[bytes, str, bool] | None:
        """Return the body, the ids, and whether they wait; None when one isn't plain."""
        if not messages or messages[0].topic.startswith(const.RETRY_GROUP_TOPIC_PREFIX):
            return None
        try:
            check_sent_topic(messages[0].topic)
        except UsageError:  # what is to be said of the messages comes first
            return None
        ids = self._ids
        ids.turn()
        written = self._batches.write(messages, ids.head, ids.count)
        if written is None:
            return None
        body, msg_ids, waits, count = written
        ids.take(count)
        return body, msg_ids, waits

    def _batch(self, messages: Sequence[Message]) -> tuple[bytes, str, bool]:
        """Do the same with any messages."""
        check_batch(messages)
        limit = self._config.max_message_size
        for message in messages:
            check_message(message.topic, message.body, message.properties, limit)
        ids = [self._identify(one.properties, reply=is_reply(one.properties)) for one in messages]
        body = encode_batch(messages, self._release)
        return body, ",".join(ids), messages[0].wait_store_msg_ok

    def _identify(self, properties: dict[str, str], *, reply: bool) -> str:
        if not reply:
            properties.setdefault(WAIT, "true")
        msg_id = properties.get(UNIQ_KEY)
        if msg_id is None:
            msg_id = properties[UNIQ_KEY] = self._ids.next()
        return msg_id

    def _text(self, properties: dict[str, str]) -> str:
        namespace = self._config.namespace
        if namespace:
            properties = properties | {const.PROPERTY_INSTANCE_ID: namespace}
        return properties_text(properties, self._release)

    def shape(self, kind: Kind) -> SendShape:
        """Return the one object for all sends of a kind."""
        known = self._shapes.get(kind)
        if known is not None:
            return known
        if len(self._shapes) >= MOST_SHAPES:
            self._shapes.clear()
        topic, flag, sys_flag, batch, reply, times, most = kind
        config = self._config
        shape = self._shapes[kind] = SendShape(
            self._group,
            topic,
            flag,
            sys_flag,
            batch,
            reply,
            config.create_topic_key,
            config.default_topic_queue_nums,
            config.unit_mode,
            times,
            most,
        )
        return shape


def is_reply(properties: dict[str, str]) -> bool:
    """Return whether a message is the answer to another client's request."""
    return properties.get(const.PROPERTY_MESSAGE_TYPE) == const.REPLY_MESSAGE_FLAG


def check_batch(messages: Sequence[Message]) -> None:
    """Refuse messages that can't be one batch (``MessageBatch.generateFromList``).

    Raises:
        UsageError: in Java's words.
    """
    if not messages:
        raise UsageError("Failed to initiate the MessageBatch: no messages")
    first = messages[0]
    for message in messages:
        if message.delay_time_level > 0:
            raise UsageError("TimeDelayLevel is not supported for batching")
        if not const.TIMER_TIMES.isdisjoint(message.properties):
            raise UsageError("A time of delivery is not supported for batching")
        if message.lite_topic:
            raise UsageError("A lite topic is not supported for batching")
        if message.topic.startswith(const.RETRY_GROUP_TOPIC_PREFIX):
            raise UsageError("Retry Group is not supported for batching")
        if message.topic != first.topic:
            raise UsageError("The topic of the messages in one batch should be the same")
        if message.wait_store_msg_ok != first.wait_store_msg_ok:
            raise UsageError("The waitStoreMsgOK of the messages in one batch should the same")


def _reconsume_times(properties: dict[str, str]) -> tuple[int, int | None]:
    """Return what the header says of a retried message; Java also does so for retry topics only."""
    times = properties.get(const.PROPERTY_RECONSUME_TIME, "")
    limit = properties.get(const.PROPERTY_MAX_RECONSUME_TIMES, "")
    return int(times) if times.isdigit() else 0, int(limit) if limit.isdigit() else None
