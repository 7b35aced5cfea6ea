"""May this message be sent here? (``AbstractSendMessageProcessor.msgCheck``)

The hot path asks only for topics that are unknown or queues that look wrong.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from rmqwire.broker.names import topic_fault
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers.base import needed
from rmqwire.codec.names import NOT_ALLOWED_SEND_TOPICS
from rmqwire.codec.sys_flag import (
    PERM_READ,
    PERM_WRITE,
    TOPIC_UNIT,
    TOPIC_UNIT_SUB,
    perm_to_string,
)
from rmqwire.errors import BadHeader
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from random import Random

    from rmqwire.broker.processors.send_fields import SendFields
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import TopicConfig
    from rmqwire.remoting.handler import Peer


RANDOM_QUEUES: Final = 99_999_999  # Java: nextInt(99999999) % queues


def check_start(state: BrokerState) -> None:
    """Refuse sends before ``startAcceptSendRequestTimeStamp``.

    Raises:
        Reject: with Java's code and remark.
    """
    start = state.config.start_accept_send_request_time_stamp
    if state.wall_ms() < start:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(start // 1000))
        raise Reject(
            ResponseCode.SYSTEM_ERROR, f"broker unable to service, until {when},{start % 1000:03d}"
        )


def random_queue(config: TopicConfig, rng: Random) -> int:
    """Return one of the queues that the topic takes messages on.

    Raises:
        Reject: NO_PERMISSION: there is none.
    """
    if config.write_queue_nums < 1:
        raise Reject(
            ResponseCode.NO_PERMISSION,
            f"topic[{config.topic_name}] has no queue to write to, "
            f"writeQueueNums:[{config.write_queue_nums}]",
        )
    return rng.randrange(RANDOM_QUEUES) % config.write_queue_nums


def check_send(
    state: BrokerState,
    connection: Peer,
    ext: dict[str, str],
    fields: SendFields,
    queue_id: int,
) -> TopicConfig:
    """Return the topic of a send, creating it when the configuration says so.

    Args:
        state: the broker's tables.
        connection: the producer's.
        ext: the header; the topic, the default topic and its queues are in it.
        fields: where they stand in it.
        queue_id: the queue the message is for.

    Raises:
        Reject: with Java's code and remark.
    """
    topic = ext[fields.topic]
    release = state.release
    known = state.topics.table.get(topic)
    if not state.config.broker_permission & PERM_WRITE and known is not None and known.order:
        raise Reject(
            ResponseCode.NO_PERMISSION,
            f"the broker[{state.config.broker_ip1}] sending message is forbidden",
        )
    fault = topic_fault(topic, release)
    if fault is not None:
        raise Reject(release.broker.invalid_parameter_code, fault)
    if topic in NOT_ALLOWED_SEND_TOPICS:
        raise Reject(ResponseCode.NO_PERMISSION, f"Sending message to topic[{topic}] is forbidden.")
    config = known if known is not None else _create(state, ext, fields)
    if queue_id >= max(config.write_queue_nums, config.read_queue_nums):
        raise Reject(
            release.broker.invalid_parameter_code,
            f"request queueId[{queue_id}] is illegal, {describe_topic(config, state)} "
            f"Producer: {connection.peer}",
        )
    return config


def _create(state: BrokerState, ext: dict[str, str], fields: SendFields) -> TopicConfig:
    topic = ext[fields.topic]
    is_retry = topic.startswith(const.RETRY_GROUP_TOPIC_PREFIX)
    sys_flag = 0
    if ext.get(fields.unit_mode) == "true":
        sys_flag = TOPIC_UNIT_SUB if is_retry else TOPIC_UNIT
    default_topic = needed(ext.get(fields.default_topic), fields.default_topic)
    wanted = needed(ext.get(fields.default_topic_queue_nums), fields.default_topic_queue_nums)
    try:
        queues = int(wanted)  # that the producer wants at most
    except ValueError:
        raise BadHeader(
            f"the custom field <{fields.default_topic_queue_nums}> is no number"
        ) from None
    config = state.topics.create_topic_in_send_message(topic, default_topic, queues, sys_flag)
    if config is None and is_retry:
        config = state.topics.create_topic_in_send_message_back(
            topic, 1, PERM_WRITE | PERM_READ, sys_flag
        )
    if config is None:
        raise Reject(
            ResponseCode.TOPIC_NOT_EXIST,
            f"topic[{topic}] not exist, apply first please!{state.release.wire.faq_suggestion}",
        )
    return config


def describe_topic(config: TopicConfig, state: BrokerState) -> str:
    """Write a topic as its ``toString`` does, which some remarks quote."""
    text = (
        f"TopicConfig [topicName={config.topic_name}, readQueueNums={config.read_queue_nums}, "
        f"writeQueueNums={config.write_queue_nums}, perm={perm_to_string(config.perm)}, "
        f"topicFilterType={config.topic_filter_type}, topicSysFlag={config.topic_sys_flag}, "
        f"order={'true' if config.order else 'false'}"
    )
    if state.release.broker.topic_attributes:
        attributes = ", ".join(f"{k}={v}" for k, v in (config.attributes or {}).items())
        text += f", attributes={{{attributes}}}"
    return text + "]"
