"""The messages that a transaction is made of: half, its copies, committed, op.

``TransactionalMessageBridge``, ``EndTransactionProcessor.endMessageTransaction`` and
``DefaultTransactionalMessageCheckListener``, byte for byte, with one exception: a copy keeps the
application's flag, which Java's loses at the first check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.broker.delivery.properties import write_properties
from rmqwire.codec import message_const as const
from rmqwire.codec.host import pack_host
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.properties import encode_properties
from rmqwire.codec.sys_flag import (
    TRANSACTION_COMMIT_TYPE,
    TRANSACTION_NOT_TYPE,
    reset_transaction_type,
)
from rmqwire.store.results import MessageInner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.codec.message import StoredMessage
    from rmqwire.codec.release import Release

HALF_TOPIC: Final = const.RMQ_SYS_TRANS_HALF_TOPIC
OP_TOPIC: Final = const.RMQ_SYS_TRANS_OP_HALF_TOPIC
GIVEN_UP_TOPIC: Final = const.RMQ_SYS_TRANS_CHECK_MAX_TIME_TOPIC
QUEUE_ID: Final = 0  # every half message is in this queue, and every op
REMOVE_TAG: Final = "d"
SEPARATOR: Final = ","


def make_half(message: MessageInner, properties: dict[str, str], release: Release) -> None:
    """Turn a message into a half message (``parseHalfMessageInner``).

    Args:
        message: topic, queue, properties and system flag are replaced.
        properties: its properties, in the order of Java's puts.
        release: whether it names its transaction.
    """
    unique_key = properties.get(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX)
    if unique_key and release.broker.half_names_transaction:
        properties[const.PROPERTY_TRANSACTION_ID] = unique_key
    properties[const.PROPERTY_REAL_TOPIC] = message.topic
    properties[const.PROPERTY_REAL_QUEUE_ID] = str(message.queue_id)
    message.sys_flag = reset_transaction_type(message.sys_flag, TRANSACTION_NOT_TYPE)
    message.topic = HALF_TOPIC
    message.queue_id = QUEUE_ID
    message.properties = write_properties(properties, release)


def copy_of(half: StoredMessage, topic: str, release: Release) -> MessageInner:
    """Return a half message as it is stored again, with the properties that ``half`` has now."""
    return MessageInner(
        topic=topic,
        queue_id=QUEUE_ID,
        flag=half.flag,
        sys_flag=half.sys_flag,
        properties=write_properties(half.properties, release),
        body=half.body,
        tags_code=tags_code(half.tags),
        born_timestamp=half.born_timestamp,
        born_host=pack_host(*half.born_host),
        reconsume_times=half.reconsume_times,
        wait_store_ok=False,
    )


def make_committed(half: StoredMessage, release: Release) -> tuple[MessageInner, dict[str, str]]:
    """Return the message of a committed transaction and its properties as Java's map has them.

    The map has no property of the transaction any more, the string that is stored has some: Java
    writes it earlier, 4.9 even before it removes REAL_TOPIC.

    Args:
        half: says where it belongs.
        release: what is stored.
    """
    properties = dict(half.properties)
    topic = properties.pop(const.PROPERTY_REAL_TOPIC)
    queue_id = int(properties.pop(const.PROPERTY_REAL_QUEUE_ID))
    stored = half.properties if release.broker.committed_keeps_real_topic else properties
    message = MessageInner(
        topic=topic,
        queue_id=queue_id,
        flag=half.flag,
        sys_flag=reset_transaction_type(half.sys_flag, TRANSACTION_COMMIT_TYPE),
        properties=write_properties(stored, release),
        body=half.body,
        tags_code=tags_code(half.tags),
        born_timestamp=half.born_timestamp,
        born_host=pack_host(*half.born_host),
        reconsume_times=half.reconsume_times,
        prepared_transaction_offset=half.physical_offset,
        wait_store_ok=properties.get(const.PROPERTY_WAIT_STORE_MSG_OK, "true") == "true",
    )
    properties.pop(const.PROPERTY_TRANSACTION_PREPARED, None)
    return message, properties


def make_op(
    half_offsets: Iterable[int], host: bytes, wall_ms: int, release: Release
) -> MessageInner:
    """Return the message that says which half messages are done with (``makeOpMessageInner``).

    Args:
        half_offsets: their offsets in the half queue; one in a release that writes one op for each.
        host: this broker's address, packed.
        wall_ms: now.
        release: whether ops are batches.
    """
    texts = map(str, half_offsets)
    if release.broker.batches_ops:
        body = "".join(text + SEPARATOR for text in texts)
    else:
        (body,) = texts
    properties = {const.PROPERTY_WAIT_STORE_MSG_OK: "true", const.PROPERTY_TAGS: REMOVE_TAG}
    return MessageInner(
        topic=OP_TOPIC,
        queue_id=QUEUE_ID,
        flag=0,
        sys_flag=0,
        properties=encode_properties(properties, release),
        body=body.encode(),
        tags_code=tags_code(REMOVE_TAG),
        born_timestamp=wall_ms,
        born_host=host,
        wait_store_ok=False,
    )


def read_op(op: StoredMessage) -> list[int]:
    """Return the half offsets that an op names, either release's; empty when it is none."""
    if op.tags != REMOVE_TAG:
        return []
    parts = op.body.decode("ascii", "replace").split(SEPARATOR)
    return [int(part) for part in parts if part.isascii() and part.isdigit()]


def check_times(half: StoredMessage) -> int:
    """Return how often a half message was checked."""
    text = half.properties.get(const.PROPERTY_TRANSACTION_CHECK_TIMES, "0")
    return int(text) if text.isascii() and text.isdigit() else -1


def says_where(half: StoredMessage) -> bool:
    """Return whether a half message has a queue where it belongs."""
    queue_id = half.properties.get(const.PROPERTY_REAL_QUEUE_ID, "")
    known = queue_id.isascii() and queue_id.isdigit()
    return known and bool(half.properties.get(const.PROPERTY_REAL_TOPIC))


def is_copy(half: StoredMessage) -> bool:
    """Return whether a half message was stored again: it was checked, put off, or resumed."""
    names = (
        const.PROPERTY_TRANSACTION_CHECK_TIMES,
        const.PROPERTY_TRANSACTION_PREPARED_QUEUE_OFFSET,
    )
    return any(name in half.properties for name in names)


def transaction_of(half: StoredMessage) -> str | None:
    """Return what a half message and its copies have in common, None when nothing tells."""
    unique_key = half.properties.get(const.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX)
    return unique_key and f"{unique_key} {half.born_timestamp}"
