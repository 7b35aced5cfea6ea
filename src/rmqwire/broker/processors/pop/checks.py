"""What every request of popping consumers is checked for, in Java's order and words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.sys_flag import PERM_READ
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import SubscriptionGroupConfig, TopicConfig
    from rmqwire.remoting.handler import Peer


def readable(state: BrokerState, verb: str) -> None:
    """Refuse when nothing may be read from the broker.

    Raises:
        Reject: NO_PERMISSION.
    """
    if not state.config.broker_permission & PERM_READ:
        raise Reject(
            ResponseCode.NO_PERMISSION,
            f"the broker[{state.config.broker_ip1}] {verb} message is forbidden",
        )


def find_topic(state: BrokerState, topic: str) -> TopicConfig:
    """Return a topic that is there.

    Raises:
        Reject: TOPIC_NOT_EXIST.
    """
    config = state.topics.select(topic)
    if config is None:
        raise Reject(
            ResponseCode.TOPIC_NOT_EXIST,
            f"topic[{topic}] not exist, apply first please! {state.release.wire.faq_suggestion}",
        )
    return config


def check_queue(
    topic: TopicConfig, queue_id: int, connection: Peer, code: int, *, all_queues: bool = True
) -> None:
    """Refuse a queue that the topic doesn't have.

    Args:
        topic: the topic.
        queue_id: the queue.
        connection: who asks.
        code: of the refusal.
        all_queues: a negative id stands for all queues.

    Raises:
        Reject: the queue isn't there.
    """
    if queue_id >= topic.read_queue_nums or (queue_id < 0 and not all_queues):
        raise Reject(
            code,
            f"queueId[{queue_id}] is illegal, topic:[{topic.topic_name}] "
            f"topicConfig.readQueueNums:[{topic.read_queue_nums}] consumer:[/{connection.peer}]",
        )


def check_topic(state: BrokerState, topic: str, queue_id: int, connection: Peer) -> TopicConfig:
    """Return a topic that may be popped from.

    Raises:
        Reject: TOPIC_NOT_EXIST, NO_PERMISSION or INVALID_PARAMETER.
    """
    config = find_topic(state, topic)
    if not config.perm & PERM_READ:
        raise Reject(ResponseCode.NO_PERMISSION, f"the topic[{topic}] peeking message is forbidden")
    check_queue(config, queue_id, connection, ResponseCode.INVALID_PARAMETER)
    return config


def check_group(state: BrokerState, group: str) -> SubscriptionGroupConfig:
    """Return a group that may consume.

    Raises:
        Reject: SUBSCRIPTION_GROUP_NOT_EXIST or NO_PERMISSION.
    """
    config = state.groups.find(group)
    if config is None:
        raise Reject(
            ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
            f"subscription group [{group}] does not exist, {state.release.wire.faq_suggestion}",
        )
    if not config.consume_enable:
        raise Reject(ResponseCode.NO_PERMISSION, f"subscription group no permission, {group}")
    return config
