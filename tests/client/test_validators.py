import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.client.validators import check_group, check_message, check_own_group, check_topic
from rmqwire.errors import UsageError

VALID = re.compile(r"\A[%|a-zA-Z0-9_-]+\Z")


@given(st.text(max_size=130))
def test_topics(text):
    if VALID.match(text) and len(text) <= 127:
        check_topic(text)
    else:
        with pytest.raises(UsageError):
            check_topic(text)


@given(st.text(alphabet="%|azAZ09_- é\n", max_size=125))
def test_groups(text):
    if VALID.match(text) and len(text) <= 120:
        check_group(text)
    else:
        with pytest.raises(UsageError):
            check_group(text)


@pytest.mark.parametrize("topic", ["a" * 127, "%RETRY%g", "a|b", "-"])
def test_good_topics(topic):
    check_topic(topic)


def test_default_group_is_refused():
    check_own_group("mine", "DEFAULT_PRODUCER")
    with pytest.raises(UsageError, match="can not equal DEFAULT_PRODUCER"):
        check_own_group("DEFAULT_PRODUCER", "DEFAULT_PRODUCER")


def test_queue_names_of_a_dispatch_are_no_paths():
    check_message("T", b"x", {"INNER_MULTI_DISPATCH": "%LMQ%a"}, 10)
    with pytest.raises(UsageError, match="can not contains / character"):
        check_message("T", b"x", {"INNER_MULTI_DISPATCH": "../a"}, 10)
