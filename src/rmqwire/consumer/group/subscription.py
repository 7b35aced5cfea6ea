"""What a group of ours wants of a topic (Java ``FilterAPI``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.errors import UsageError
from rmqwire.filter.subscription import SQL92, SUB_ALL, TAG, build_subscription

if TYPE_CHECKING:
    from rmqwire.codec.bodies import SubscriptionData


def subscription_data(
    topic: str, expression: str | None, sub_version: int, expression_type: str = TAG
) -> SubscriptionData:
    """Build the subscription of a topic.

    Args:
        topic: which topic.
        expression: ``*`` or nothing for all, tags joined by ``||``, or an SQL92 condition.
        sub_version: ms since the epoch; brokers keep the newest.
        expression_type: TAG or SQL92.

    Raises:
        UsageError: an expression without a tag, an empty condition, another type.
    """
    if expression_type not in {TAG, SQL92}:
        raise UsageError(f"expression type {expression_type!r}: TAG or SQL92")
    data = build_subscription(topic, expression, expression_type, sub_version)
    if expression_type == TAG and data.sub_string != SUB_ALL and not data.tags_set:
        raise UsageError(f"subString split error: no tag in {expression!r}")
    return data
