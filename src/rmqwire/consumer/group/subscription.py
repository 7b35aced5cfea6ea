"""What a group of ours wants of a topic (Java ``FilterAPI``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.consumer.selector import MessageSelector
from rmqwire.errors import UsageError
from rmqwire.filter.subscription import SQL92, SUB_ALL, TAG, build_subscription

if TYPE_CHECKING:
    from rmqwire.codec.bodies import SubscriptionData


def selected(selector: str | MessageSelector) -> MessageSelector:
    """Return what a text selects: tags."""
    return MessageSelector.by_tag(selector) if isinstance(selector, str) else selector


def subscription_data(topic: str, selector: MessageSelector, sub_version: int) -> SubscriptionData:
    """Build the subscription of a topic.

    Args:
        topic: which topic.
        selector: what is wanted of it.
        sub_version: ms since the epoch; brokers keep the newest.

    Raises:
        UsageError: an expression without a tag, an empty condition, another type.
    """
    expression, kind = selector.expression, selector.expression_type
    if kind not in {TAG, SQL92}:
        raise UsageError(f"expression type {kind!r}: TAG or SQL92")
    data = build_subscription(topic, expression, kind, sub_version)
    if kind == TAG and data.sub_string != SUB_ALL and not data.tags_set:
        raise UsageError(f"subString split error: no tag in {expression!r}")
    return data
