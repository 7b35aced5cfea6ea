import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.bodies import MessageQueue
from rmqwire.codec.java_hash import string_hash
from rmqwire.codec.message import Message
from rmqwire.producer.selector import select_by_hash, select_by_random

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
