import pytest

from rmqwire.consumer.group.subscription import subscription_data
from rmqwire.consumer.selector import MessageSelector
from rmqwire.errors import UsageError


@pytest.mark.parametrize("expression", ["", "*"])
def test_all(expression):
    data = subscription_data("T", MessageSelector.by_tag(expression), 7)
    assert (data.topic, data.sub_string, data.sub_version) == ("T", "*", 7)
    assert (data.tags_set, data.code_set, data.expression_type) == ([], [], "TAG")


@pytest.mark.parametrize(
    ("expression", "tags"),
    [
        ("a", ["a"]),
        ("a || b", ["a", "b"]),
        ("a||b||a", ["a", "b"]),
        (" a || || b ", ["a", "b"]),
        ("a|b", ["a|b"]),
    ],
)
def test_tags(expression, tags):
    data = subscription_data("T", MessageSelector.by_tag(expression), 7)
    assert data.tags_set == tags
    assert data.sub_string == expression
    assert len(data.code_set) == len(tags)


def code_set(tags):
    return subscription_data("T", MessageSelector.by_tag(tags), 7).code_set


def test_hash_codes_are_javas():
    assert code_set("TagA || Aa || BB") == [2598919, 2112]


def test_sql():
    data = subscription_data("T", MessageSelector.by_sql("a > 5"), 7)
    assert (data.sub_string, data.tags_set, data.expression_type) == ("a > 5", [], "SQL92")


@pytest.mark.parametrize(("expression", "kind"), [("||", "TAG"), ("", "SQL92"), ("a", "X")])
def test_bad(expression, kind):
    with pytest.raises(UsageError):
        subscription_data("T", MessageSelector(expression, kind), 7)
