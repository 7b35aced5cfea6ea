"""Which messages a pull wants: subscriptions and their tag test (``FilterAPI``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.bodies import SubscriptionData
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.java_hash import string_hash
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Callable

SUB_ALL = "*"
TAG = "TAG"


def is_tag_type(expression_type: str | None) -> bool:
    """Return whether an expression is a tag list (``ExpressionType.isTagType``)."""
    return not expression_type or expression_type == TAG


def build_subscription(
    topic: str, expression: str | None, expression_type: str | None
) -> SubscriptionData:
    """Read the expression of a pull that carries its own (``FilterAPI.build``).

    Raises:
        Reject: SUBSCRIPTION_PARSE_FAILED, an expression that must not be empty is.
    """
    if expression_type is not None and expression_type != TAG:
        if not expression:
            raise Reject(
                ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed"
            )
        return SubscriptionData(topic=topic, sub_string=expression, expression_type=expression_type)
    if not expression or expression == SUB_ALL:
        return SubscriptionData(topic=topic, sub_string=SUB_ALL)
    if not expression.strip("|"):  # Java's split gives nothing at all
        raise Reject(
            ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed"
        )
    tags = [tag for word in expression.split("||") if (tag := word.strip())]
    return SubscriptionData(
        topic=topic,
        sub_string=expression,
        tags_set=tags,
        code_set=[string_hash(tag) for tag in tags],
    )


def tag_test(subscription: SubscriptionData) -> Callable[[int], bool] | None:
    """Return the test of a tags code (``ExpressionMessageFilter.isMatchedByConsumeQueue``).

    Returns:
        None when every message is wanted.
    """
    if subscription.class_filter_mode or subscription.sub_string == SUB_ALL:
        return None
    return frozenset(subscription.code_set).__contains__
