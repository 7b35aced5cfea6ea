"""What a group wants of a topic (Java ``FilterAPI``)."""

from __future__ import annotations

from rmqwire.codec.bodies import SubscriptionData
from rmqwire.codec.java_hash import string_hash
from rmqwire.errors import UsageError

SUB_ALL = "*"
TAG = "TAG"
SQL92 = "SQL92"


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
    data = SubscriptionData(
        topic=topic,
        sub_string=expression or "",
        sub_version=sub_version,
        expression_type=expression_type,
    )
    if expression_type == SQL92:
        if not expression:
            raise UsageError(f"Expression can't be null! {expression_type}")
        return data
    if not expression or expression == SUB_ALL:
        data.sub_string = SUB_ALL
        return data
    tags = list(dict.fromkeys(tag for part in expression.split("||") if (tag := part.strip())))
    if not tags:
        raise UsageError(f"subString split error: no tag in {expression!r}")
    data.tags_set = tags
    data.code_set = list(dict.fromkeys(string_hash(tag) for tag in tags))
    return data
