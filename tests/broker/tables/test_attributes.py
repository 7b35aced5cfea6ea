from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.broker.tables.attributes import (
    GROUP_ATTRIBUTES,
    TOPIC_ATTRIBUTES,
    alter_attributes,
    parse_attributes,
)
from rmqwire.errors import UsageError


def test_parse():
    assert parse_attributes(None) == parse_attributes("") == {}
    assert parse_attributes("+a=b,+c=d,-e") == {"+a": "b", "+c": "d", "-e": ""}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a=b", "add/alter attribute format is wrong: a"),
        ("a", "delete attribute format is wrong: a"),
        ("+a=b,+a=c", "key duplication: +a"),
    ],
)
def test_parse_refuses(text, said):
    with pytest.raises(UsageError) as caught:
        parse_attributes(text)
    assert str(caught.value) == said


def alter(current: dict[str, str] | None, **changes: str) -> dict[str, str]:
    signed = {
        ("+" if value is not None else "-") + key.replace("_", "."): value or ""
        for key, value in changes.items()
    }
    return alter_attributes(TOPIC_ATTRIBUTES, current, signed)


def test_create_change_and_remove():
    assert alter(None, message_type="FIFO") == {"message.type": "FIFO"}
    assert alter({"message.type": "FIFO"}, message_type="DELAY") == {"message.type": "DELAY"}
    assert alter_attributes(TOPIC_ATTRIBUTES, {"message.type": "X"}, {"-message.type": ""}) == {}
    assert alter({"queue.type": "SimpleCQ"}, message_type="NORMAL") == {
        "queue.type": "SimpleCQ",
        "message.type": "NORMAL",
    }


@pytest.mark.parametrize(
    ("current", "changes", "said"),
    [
        (None, {"-message.type": ""}, "only add attribute is supported while creating topic"),
        ({}, {"message.type": "X"}, "wrong format key: essage.type"),
        ({}, {"-message.type": ""}, "attempt to delete a nonexistent key: message.type"),
        (None, {"+no.such": "1"}, "unsupported key: no.such"),
        ({}, {"+queue.type": "BatchCQ"}, "attempt to update an unchangeable attribute"),
        (None, {"+message.type": "X"}, "value is not in set"),
        (None, {"+reserve.time": "-2"}, "value is not in range(-1, 9223372036854775807)"),
        (None, {"+reserve.time": "x"}, 'For input string: "x"'),
        (None, {"+": "1"}, "kv string format wrong."),
        ({"a": "1"}, {"+message.type": "FIFO", "-message.type": ""}, "alter duplication key"),
    ],
)
def test_what_may_not_be(current, changes, said):
    with pytest.raises(UsageError) as caught:
        alter_attributes(TOPIC_ATTRIBUTES, current, changes)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("priority.factor", "100", "101"),
        ("lite.sub.reset.offset.exclusive", "TRUE", "yes"),
        ("lite.sub.model", "Shared", "shared"),
    ],
)
def test_attributes_of_groups(key, good, bad):
    assert alter_attributes(GROUP_ATTRIBUTES, None, {"+" + key: good}) == {key: good}
    with pytest.raises(UsageError):
        alter_attributes(GROUP_ATTRIBUTES, {}, {"+" + key: bad})


def test_some_attributes_take_any_text():
    changed = alter_attributes(GROUP_ATTRIBUTES, {}, {"+lite.bind.topic": "a"})
    assert changed == {"lite.bind.topic": "a"}


@given(st.text(alphabet="+-=,.abmessagetyp ", max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        alter_attributes(TOPIC_ATTRIBUTES, {}, parse_attributes(text))
    except UsageError as error:
        assert str(error)  # noqa: PT017  either outcome is right; another exception isn't
