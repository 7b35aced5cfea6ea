"""What a group wants of a topic (``FilterAPI``, ``ExpressionType``)."""

from __future__ import annotations

from typing import Final

from rmqwire.codec import bodies
from rmqwire.codec.java_hash import string_hash
from rmqwire.errors import UsageError

SUB_ALL: Final = "*"
TAG: Final = "TAG"
SQL92: Final = "SQL92"


def is_tag_type(expression_type: str | None) -> bool:
    """Return whether an expression is a list of tags (``ExpressionType.isTagType``)."""
    return not expression_type or expression_type == TAG


def build_subscription(
    topic: str, expression: str | None, expression_type: str | None = TAG, sub_version: int = 0
) -> bodies.SubscriptionData:
    """Return the subscription of a topic (``FilterAPI.build``).

    Args:
        topic: which topic.
        expression: ``*`` or nothing for all, tags joined by ``||``, or a condition.
        expression_type: TAG or SQL92; none is TAG. Others are taken too, and fit nothing.
        sub_version: ms since the epoch; brokers keep the newest.

    Raises:
        UsageError: a condition that is empty, or a list of tags that Java's split finds nothing in.
    """
    if expression_type is not None and expression_type != TAG:
        if not expression:
            raise UsageError(f"Expression can't be null! {expression_type}")
        return bodies.SubscriptionData(
            topic=topic,
            sub_string=expression,
            sub_version=sub_version,
            expression_type=expression_type,
        )
    if not expression or expression == SUB_ALL:
        return bodies.SubscriptionData(topic=topic, sub_string=SUB_ALL, sub_version=sub_version)
    if not expression.strip("|"):
        raise UsageError(f"subString split error: no tag in {expression!r}")
    tags = dict.fromkeys(tag for word in expression.split("||") if (tag := word.strip()))
    return bodies.SubscriptionData(
        topic=topic,
        sub_string=expression,
        sub_version=sub_version,
        tags_set=list(tags),
        code_set=list(dict.fromkeys(map(string_hash, tags))),
    )
