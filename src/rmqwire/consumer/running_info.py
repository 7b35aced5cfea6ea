"""What a consumer tells of itself (``DefaultMQPushConsumerImpl.consumerRunningInfo``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.bodies import ConsumerRunningInfo
from rmqwire.codec.mq_version import version_name

if TYPE_CHECKING:
    from rmqwire.codec.bodies import MessageQueue, ProcessQueueInfo, SubscriptionData
    from rmqwire.consumer.config import ConsumerConfig, PushConsumerConfig
    from rmqwire.consumer.stats import ConsumerStats


def running_properties(config: ConsumerConfig, start_ms: int) -> dict[str, str]:
    """Return the settings that any consumer tells, under Java's names.

    Args:
        config: all settings are told.
        start_ms: when the consumer was started, ms since the epoch.
    """
    return config.as_properties() | {"PROP_CONSUMER_START_TIMESTAMP": str(start_ms)}


def push_running_info(
    config: PushConsumerConfig,
    subscriptions: list[SubscriptionData],
    queues: dict[MessageQueue, ProcessQueueInfo],
    stats: ConsumerStats,
    start_ms: int,
) -> ConsumerRunningInfo:
    """Build the body of a GET_CONSUMER_RUNNING_INFO answer.

    Args:
        config: all settings are told, under Java's names.
        subscriptions: what the group wants.
        queues: what is held of each queue.
        stats: rates by topic.
        start_ms: when the consumer was started, ms since the epoch.
    """
    properties = running_properties(config, start_ms) | {
        "PROP_NAMESERVER_ADDR": "".join(f"{addr};" for addr in config.name_servers()),
        "PROP_CONSUMEORDERLY": str(config.consume_orderly).lower(),
        "PROP_CONSUME_TYPE": "CONSUME_PASSIVELY",
        "PROP_CLIENT_VERSION": version_name(config.release.mq_version),
        "PROP_THREADPOOL_CORE_SIZE": str(config.consume_thread_max),
    }
    return ConsumerRunningInfo(
        properties=properties,
        subscription_set=sorted(subscriptions, key=lambda data: (data.topic, data.sub_string)),
        mq_table={queue: queues[queue] for queue in sorted(queues)},
        status_table={data.topic: stats.status(data.topic) for data in subscriptions},
    )
