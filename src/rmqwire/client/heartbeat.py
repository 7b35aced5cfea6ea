"""What a heartbeat tells a broker (``MQClientInstance.prepareHeartbeatData``).

With heartbeat v2 (5.x) a broker that knows a client's subscriptions is told only that they are the same,
by a number made of them. It says when it wants them again.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmqwire.codec.bodies import ConsumerData, HeartbeatData, ProducerData
from rmqwire.codec.java_hash import string_hash

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


@dataclass(slots=True)
class HeartbeatAnswer:
    """What a broker says to a heartbeat.

    Args:
        knows_v2: it takes heartbeats without subscriptions.
        wants_all: what the groups want has changed: the next one has to tell it.
    """

    knows_v2: bool
    wants_all: bool


def fingerprint(data: HeartbeatData) -> int:
    """Return the number that stands for all groups and subscriptions (``computeHeartbeatFingerprint``).

    Java's hash of the JSON text, without who says it and the versions. Java writes sets in an order of
    its own, so members of several topics in Java and in Python have different ones: the broker then asks
    for everything each time, as it does of Java's members among themselves.
    """
    same = deepcopy(data)
    same.client_id, same.heartbeat_fingerprint, same.without_sub = "", 0, False
    for consumer in same.consumer_data_set:
        consumer.subscription_data_set.sort(key=lambda one: one.topic)
        for subscription in consumer.subscription_data_set:
            subscription.sub_version = 0
    return string_hash(same.encode().decode())


class HeartbeatsV2:
    """Which brokers know what of this client (``sendHeartbeatToBrokerV2``)."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}  # by the broker's address

    def forget(self, addr: str | None = None) -> None:
        """Tell a broker, or all of them, everything next time."""
        if addr is None:
            self._known.clear()
        else:
            self._known.pop(addr, None)

    def for_broker(self, addr: str, data: HeartbeatData) -> HeartbeatData:
        """Return what a broker has to be told.

        Args:
            addr: its address.
            data: everything, with its fingerprint.
        """
        if self._known.get(addr) != data.heartbeat_fingerprint:
            return data
        short = deepcopy(data)
        short.without_sub = True
        for consumer in short.consumer_data_set:
            consumer.subscription_data_set = []
        return short

    def answered(self, addr: str, sent: HeartbeatData, answer: HeartbeatAnswer) -> None:
        """Take note of what a broker knows now."""
        if answer.wants_all:
            self._known.pop(addr, None)
        elif answer.knows_v2 and not sent.without_sub:
            self._known[addr] = sent.heartbeat_fingerprint
