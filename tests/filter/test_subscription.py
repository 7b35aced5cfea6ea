from __future__ import annotations

import pytest

from rmqwire.codec.java_hash import string_hash
from rmqwire.errors import UsageError
from rmqwire.filter.subscription import SQL92, SUB_ALL, TAG, build_subscription, is_tag_type


@pytest.mark.parametrize("expression", [None, "", "*"])
def test_nothing_and_a_star_are_all_messages(expression):
    subscription = build_subscription("T", expression)
    assert (subscription.sub_string, subscription.tags_set) == (SUB_ALL, [])


def test_tags_are_split_trimmed_and_hashed():
    subscription = build_subscription("T", " a || b||a||  ", None, 7)
    assert subscription.tags_set == ["a", "b"]
    assert subscription.code_set == [string_hash("a"), string_hash("b")]
    assert (subscription.topic, subscription.sub_version) == ("T", 7)
    assert subscription.expression_type == TAG


def test_bars_alone_are_refused_but_blank_tags_are_none_at_all():
    with pytest.raises(UsageError, match="subString split error"):
        build_subscription("T", "||||")
    assert build_subscription("T", " || ").tags_set == []


def test_a_condition_stays_as_it_is():
    subscription = build_subscription("T", "a > 5", SQL92, 7)
    assert (subscription.sub_string, subscription.expression_type) == ("a > 5", SQL92)
    assert subscription.code_set == []
    with pytest.raises(UsageError, match="Expression can't be null! SQL92"):
        build_subscription("T", "", SQL92)


def test_what_is_a_tag_type():
    assert [is_tag_type(one) for one in (None, "", TAG, SQL92, "tag")] == [True] * 3 + [False] * 2
