"""Namespaces of the first kind (``NamespaceUtil``): a prefix of topics and groups, ``NAME%topic``.

Programs say names without it, brokers know only those with it. It is put on where a client's requests are
made, and taken off where answers and requests of brokers come in.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final

from rmqwire.codec import message_const as const
from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.names import is_system_topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeVar

    from rmqwire.codec.bodies import SubscriptionData
    from rmqwire.codec.message import StoredMessage

    V = TypeVar("V")

SEPARATOR: Final = "%"
PREFIXES: Final = (const.RETRY_GROUP_TOPIC_PREFIX, const.DLQ_GROUP_TOPIC_PREFIX)


class Namespace:
    """One namespace, or none.

    Args:
        name: None for none; nothing is changed then.
    """

    __slots__ = ("_start", "name")

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self._start = f"{name}{SEPARATOR}" if name else ""

    def wrap(self, resource: str) -> str:
        """Return a topic or a group with the namespace; system ones have none.

        Neither have the clusters' reply topics: Java's client wraps those too, and no reply arrives.
        """
        if not self._start or not resource or _belongs_to_nobody(resource):
            return resource
        head, rest = _split(resource)
        return resource if rest.startswith(self._start) else f"{head}{self._start}{rest}"

    def unwrap(self, resource: str) -> str:
        """Return a topic or a group without the namespace, if it has this one."""
        if not self._start:
            return resource
        head, rest = _split(resource)
        return head + rest.removeprefix(self._start)

    def wrap_queue(self, queue: MessageQueue) -> MessageQueue:
        """Return a queue of the topic with the namespace."""
        return MessageQueue(self.wrap(queue.topic), queue.broker_name, queue.queue_id)

    def unwrap_queue(self, queue: MessageQueue) -> MessageQueue:
        """Return a queue of the topic without it."""
        return MessageQueue(self.unwrap(queue.topic), queue.broker_name, queue.queue_id)

    def wrap_queues(self, queues: Iterable[MessageQueue]) -> list[MessageQueue]:
        """Return queues as brokers know them."""
        return [self.wrap_queue(queue) for queue in queues]

    def wrap_subscription(self, subscription: SubscriptionData) -> SubscriptionData:
        """Return a subscription to the topic with the namespace."""
        if not self._start:
            return subscription
        wrapped = copy(subscription)
        wrapped.topic = self.wrap(subscription.topic)
        return wrapped

    def wrap_keys(self, table: Mapping[MessageQueue, V]) -> dict[MessageQueue, V]:
        """Return a table by queues as brokers know them."""
        return {self.wrap_queue(queue): value for queue, value in table.items()}

    def unwrap_keys(self, table: Mapping[MessageQueue, V]) -> dict[MessageQueue, V]:
        """Return a table by queues as programs know them."""
        return {self.unwrap_queue(queue): value for queue, value in table.items()}

    def unwrap_message(self, message: StoredMessage) -> StoredMessage:
        """Take the namespace off what a broker has sent; return the message itself."""
        if self._start:
            message.topic = self.unwrap(message.topic)
            properties = message.properties
            for name in (const.PROPERTY_RETRY_TOPIC, const.PROPERTY_PRODUCER_GROUP):
                if name in properties:
                    properties[name] = self.unwrap(properties[name])
        return message


NO_NAMESPACE: Final = Namespace()


def _belongs_to_nobody(resource: str) -> bool:
    return (
        is_system_topic(resource)
        or resource.startswith(const.CID_RMQ_SYS_PREFIX)
        or resource == const.CLIENT_INNER_PRODUCER_GROUP
        or resource.endswith(f"_{const.REPLY_TOPIC_POSTFIX}")
    )


def _split(resource: str) -> tuple[str, str]:
    for prefix in PREFIXES:
        if resource.startswith(prefix):
            return prefix, resource[len(prefix) :]
    return "", resource
