"""Which filter a pull has (the ``MessageFilter`` that ``PullMessageProcessor`` makes).

A pull that brings its own subscription is judged by that; others by what the group's heartbeats
told, if the broker has the version that the pull names.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const
from rmqwire.codec.codes import ResponseCode
from rmqwire.errors import BadExpression
from rmqwire.filter.message_filter import Filter, tag_filter
from rmqwire.filter.subscription import is_tag_type
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.broker.state import BrokerState
    from rmqwire.broker.tables.consumer_filters import ConsumerFilterManager
    from rmqwire.codec.bodies import SubscriptionData
    from rmqwire.codec.consume_queue import ConsumeQueueExtUnit

logger = logging.getLogger(__name__)


def check_enabled(state: BrokerState, subscription: SubscriptionData) -> None:
    """Refuse conditions unless ``enablePropertyFilter`` is set.

    Raises:
        Reject: SYSTEM_ERROR.
    """
    expression_type = subscription.expression_type
    if not is_tag_type(expression_type) and not state.config.enable_property_filter:
        raise Reject(
            ResponseCode.SYSTEM_ERROR,
            f"The broker does not support consumer to filter message by {expression_type}",
        )


def own_filter(state: BrokerState, group: str, subscription: SubscriptionData) -> Filter | None:
    """Return the filter of a pull with a subscription of its own; None takes everything.

    A condition that doesn't compile is refused. Java delivers every message for it.

    Raises:
        Reject: SYSTEM_ERROR or SUBSCRIPTION_PARSE_FAILED.
    """
    if is_tag_type(subscription.expression_type):
        return _for_retries(state, subscription, tag_filter(subscription))
    check_enabled(state, subscription)
    return _for_retries(state, subscription, expression_filter(state, group, subscription))


def expression_filter(
    state: BrokerState, group: str, subscription: SubscriptionData
) -> Filter | None:
    """Return the filter that a subscription itself is; None takes everything.

    Raises:
        Reject: SUBSCRIPTION_PARSE_FAILED.
    """
    if is_tag_type(subscription.expression_type):
        return tag_filter(subscription)
    try:
        return state.filters.build(group, subscription).filter
    except BadExpression as error:
        logger.warning("the filter of %s: %s", group, error)
        raise Reject(
            ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed"
        ) from None


def group_filter(
    state: BrokerState, group: str, subscription: SubscriptionData, version: int
) -> Filter | None:
    """Return the filter of a pull by what its group has told; None takes everything.

    Args:
        state: the broker.
        group: the consumer group.
        subscription: what it has told of the topic.
        version: of the subscription that the pull is about.

    Raises:
        Reject: FILTER_DATA_NOT_EXIST, FILTER_DATA_NOT_LATEST or SYSTEM_ERROR.
    """
    if is_tag_type(subscription.expression_type):
        return _for_retries(state, subscription, tag_filter(subscription))
    known = state.filters.find(subscription.topic, group)
    if known is None:
        raise Reject(
            ResponseCode.FILTER_DATA_NOT_EXIST,
            "The broker's consumer filter data is not exist!Your expression may be wrong!",
        )
    if known.data.client_version < version:
        raise Reject(
            ResponseCode.FILTER_DATA_NOT_LATEST, "the consumer's consumer filter data not latest"
        )
    check_enabled(state, subscription)
    return _for_retries(state, subscription, known.filter)


def _for_retries(
    state: BrokerState, subscription: SubscriptionData, wanted: Filter | None
) -> Filter | None:
    """Return the filter that looks at what a retry topic's messages were (filterSupportRetry)."""
    if not (
        state.config.filter_support_retry
        and subscription.topic.startswith(const.RETRY_GROUP_TOPIC_PREFIX)
    ):
        return wanted
    by_tags = is_tag_type(subscription.expression_type)
    if by_tags and not state.release.broker.retry_filter_for_tags:
        return wanted
    return _RetryFilter(wanted, state.filters, subscription.topic)


class _RetryFilter(Filter):
    """Asks the condition that the group has for a message's first topic.

    Stands for ``ExpressionForRetryMessageFilter``.
    """

    __slots__ = ("_filters", "_group", "_wanted")

    def __init__(self, wanted: Filter | None, filters: ConsumerFilterManager, topic: str) -> None:
        super().__init__(None if wanted is None else wanted.wants_code, self._wants)
        self._wanted = wanted
        self._filters = filters
        # of a topic for messages that were popped it is what stands before the +
        self._group = topic.removeprefix(const.RETRY_GROUP_TOPIC_PREFIX).partition("+")[0]

    def wants_unit(self, unit: ConsumeQueueExtUnit) -> bool:
        """Return the answer of the subscription's own cheap test."""
        return self._wanted is None or self._wanted.wants_unit(unit)

    def _wants(self, properties: Mapping[str, str]) -> bool:
        topic = properties.get(const.PROPERTY_RETRY_TOPIC, "")
        known = self._filters.find(topic, self._group)
        return known is None or known.wants(properties)
