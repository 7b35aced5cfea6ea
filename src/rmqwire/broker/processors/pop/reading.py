"""Where a group's next pop from a queue begins (``getPopOffset``), and what it finds there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.processors.first_offset import first_is_in_memory
from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX

if TYPE_CHECKING:
    from rmqwire.broker.pop.offsets import QueueKey
    from rmqwire.broker.state import BrokerState

INIT_MIN, INIT_MAX = 0, 1  # ConsumeInitMode


def peek_offset(state: BrokerState, key: QueueKey) -> int:
    """Return where a pop would begin; a group without an offset at the queue's first message."""
    offset = state.offsets.query(key.group, key.topic, key.queue_id)
    if offset < 0:
        offset = state.store.min_offset(key.topic, key.queue_id)
    return max(offset, state.pop.offsets.latest(key))


def pop_offset(state: BrokerState, key: QueueKey, init_mode: int) -> int:
    """Return where a pop begins; a group without an offset gets one, a reset one is taken.

    Args:
        state: the broker.
        key: the queue and the group.
        init_mode: where a group without an offset begins.
    """
    topic, group, queue_id = key
    offset = state.offsets.query(group, topic, queue_id)
    if offset < 0:
        offset = _init_offset(state, key, init_mode)
        state.offsets.commit("getPopOffset", group, topic, queue_id, offset)
    reset = state.offsets.take_reset(group, topic, queue_id)
    if reset is not None:
        state.pop.order.clear(key)
        state.pop.offsets.clear(key)
        state.offsets.commit("ResetPopOffset", group, topic, queue_id, reset)
        return reset
    return max(offset, state.pop.offsets.latest(key))


def _init_offset(state: BrokerState, key: QueueKey, init_mode: int) -> int:
    """Return a new group's offset (``getInitOffset``): the beginning, or the last message."""
    topic, store = key.topic, state.store
    low = store.min_offset(topic, key.queue_id)
    if init_mode == INIT_MIN or topic.startswith(RETRY_GROUP_TOPIC_PREFIX):
        return low
    checks = state.config.init_pop_offset_by_check_msg_in_mem and low <= 0
    if checks and first_is_in_memory(store, topic, key.queue_id):
        return 0
    return max(store.max_offset(topic, key.queue_id) - 1, 0)
