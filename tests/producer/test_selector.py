import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.java_hash import string_hash
from rmqwire.codec.lite_topic import shard
from rmqwire.codec.message import Message
from rmqwire.errors import UsageError
from rmqwire.producer.selector import (
    select_by_hash,
    select_by_lite_topic,
    select_by_random,
    selector_of,
)

QUEUES = [MessageQueue("T", "a", n) for n in range(7)]
MESSAGE = Message("T", b"x")


@given(st.one_of(st.text(), st.integers(-(2**31), 2**31 - 1)))
def test_same_argument_same_queue(arg):
    assert select_by_hash(QUEUES, MESSAGE, arg) is select_by_hash(QUEUES, MESSAGE, arg)


@pytest.mark.parametrize("arg", ["order-1", "TagA", "Ünï", "polygenelubricants"])
def test_texts_hash_as_in_java(arg):
    remainder = abs(string_hash(arg)) % 7  # Java: abs(hash % 7), the same
    assert select_by_hash(QUEUES, MESSAGE, arg).queue_id == remainder


def test_random_stays_among_the_queues():
    assert {select_by_random(QUEUES, MESSAGE, None) for _ in range(200)} == set(QUEUES)


def test_a_message_of_a_lite_topic_goes_to_the_broker_that_has_it():
    message = Message("T", b"x", lite_topic="customer-7")
    selector, arg = selector_of(message, None, None, None)
    assert selector is select_by_lite_topic
    assert select_by_lite_topic(QUEUES, message, arg).queue_id == shard("customer-7", 7)


def test_what_the_caller_chooses_is_chosen():
    message = Message("T", b"x", lite_topic="customer-7")
    assert selector_of(message, "k", None, None) == (select_by_hash, "k")
    assert selector_of(message, None, select_by_random, 1) == (select_by_random, 1)
    assert selector_of(MESSAGE, None, None, None) == (None, None)
    assert selector_of([MESSAGE], None, None, None) == (None, None)
    with pytest.raises(UsageError, match="which of them"):
        selector_of(message, "k", select_by_random, None)
