"""What a heartbeat tells a broker (``MQClientInstance.prepareHeartbeatData``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.bodies import ConsumerData, HeartbeatData, ProducerData

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from rmqwire.codec.bodies import SubscriptionData

    class ConsumerGroup(Protocol):
        """What the instance has to know of a consumer."""

        group: str
        consume_type: str
        message_model: str
        consume_from_where: str
        unit_mode: bool

        def subscriptions(self) -> list[SubscriptionData]:
            """Return what the group wants of each topic."""


def heartbeat_data(
    client_id: str,
    producer_groups: Iterable[str],
    consumers: Iterable[ConsumerGroup],
) -> HeartbeatData:
    """Build the body of a heartbeat.

    Args:
        client_id: of this client.
        producer_groups: groups that send.
        consumers: groups that receive, with their subscriptions.
    """
    return HeartbeatData(
        client_id=client_id,
        producer_data_set=[ProducerData(group_name=group) for group in producer_groups],
        consumer_data_set=[_consumer_data(consumer) for consumer in consumers],
    )


def _consumer_data(consumer: ConsumerGroup) -> ConsumerData:
    return ConsumerData(
        group_name=consumer.group,
        consume_type=consumer.consume_type,
        message_model=consumer.message_model,
        consume_from_where=consumer.consume_from_where,
        subscription_data_set=consumer.subscriptions(),
        unit_mode=consumer.unit_mode,
    )
