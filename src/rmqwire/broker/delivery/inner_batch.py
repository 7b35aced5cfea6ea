"""Batches that stay one record: topics of the attribute ``queue.type=BatchCQ`` (5.x).

Java ``QueueTypeUtils`` and the part of ``SendMessageProcessor.sendBatchMessage`` for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.delivery.properties import write_properties
from rmqwire.codec import message_const as const
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.sys_flag import INNER_BATCH_FLAG, NEED_UNWRAP_FLAG

if TYPE_CHECKING:
    from rmqwire.codec.bodies import TopicConfig
    from rmqwire.codec.release import Release
    from rmqwire.store.results import MessageInner

QUEUE_TYPE = "queue.type"
BATCH_CQ = "BatchCQ"


def is_batch_cq(config: TopicConfig | None) -> bool:
    """Return whether a topic's queues are of kind BatchCQ."""
    return config is not None and config.attributes.get(QUEUE_TYPE) == BATCH_CQ


def make_inner_batch(
    batch: MessageInner, properties: dict[str, str], number: int, release: Release
) -> None:
    """Make a batch send one message that holds ``number`` messages in its body.

    Args:
        batch: body and numbers of the send; gets properties, flags and tags code.
        properties: of the batch; INNER_BASE is added by the store.
        number: messages in the body.
        release: who orders the properties.
    """
    batch.sys_flag |= NEED_UNWRAP_FLAG | INNER_BATCH_FLAG
    batch.wait_store_ok = properties.get(const.PROPERTY_WAIT_STORE_MSG_OK, "true") == "true"
    batch.tags_code = tags_code(properties.get(const.PROPERTY_TAGS))
    named = properties | {const.PROPERTY_INNER_NUM: str(number)}
    batch.properties = write_properties(named, release)
