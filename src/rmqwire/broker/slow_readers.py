"""Groups that read too far behind may not consume any more (``BrokerController.protectBroker``).

What they read comes from the disk, and takes from all others what the disk can do. Only with
``disableConsumeIfConsumerReadSlowly``; an administrator lets such a group in again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState

logger = logging.getLogger(__name__)

PROTECT_S: Final = 180.0  # between two looks


def disable_slow_readers(state: BrokerState) -> None:
    """Shut out the groups that are connected and further behind than ``consumerFallbehindThreshold``."""
    config = state.config
    if not config.disable_consume_if_consumer_read_slowly:
        return
    for group, topics in state.offsets.group_topic_map().items():
        known = state.groups.select(group)
        if known is None or not known.consume_enable or state.consumers.find(group) is None:
            continue
        behind = max((_behind(state, group, topic) for topic in topics), default=0)
        if behind > config.consumer_fallbehind_threshold:
            logger.warning(
                "[PROTECT_BROKER] the consumer[%s] consume slowly, %d bytes, disable it",
                group,
                behind,
            )
            state.groups.disable_consume(group)


def _behind(state: BrokerState, group: str, topic: str) -> int:
    """Return how many bytes of the log were written since the message that a group reads next."""
    store, furthest = state.store, 0
    for queue_id, committed in state.offsets.offsets_of(group, topic).items():
        position = max(committed, state.offsets.query_pull(group, topic, queue_id))
        if position < store.max_offset(topic, queue_id):
            position = max(position, store.min_offset(topic, queue_id))
            read = store.physical_offset(topic, queue_id, position)
            furthest = max(furthest, store.max_phy_offset - read)
    return furthest
