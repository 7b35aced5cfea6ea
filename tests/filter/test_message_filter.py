from __future__ import annotations

from rmqwire.codec.bodies import SubscriptionData
from rmqwire.codec.consume_queue import ConsumeQueueExtUnit
from rmqwire.codec.java_hash import string_hash
from rmqwire.filter.bloom import BloomFilter, mask
from rmqwire.filter.message_filter import ExpressionFilter, Filter, tag_filter
from rmqwire.filter.subscription import build_subscription

BLOOM = BloomFilter(20, 32)
LENGTH = BLOOM.bits // 8
MASK = mask(BLOOM.positions("g#T"))


def unit(bits: int | None, stored_ms: int = 101) -> ConsumeQueueExtUnit:
    bit_map = b"" if bits is None else bits.to_bytes(LENGTH, "little")
    return ConsumeQueueExtUnit(5, stored_ms, bit_map)


def test_a_filter_of_everything_is_none():
    assert tag_filter(build_subscription("T", "*")) is None
    assert tag_filter(SubscriptionData(topic="T", sub_string="a", class_filter_mode=True)) is None


def test_tags_are_told_by_their_hash_from_a_unit_and_from_an_extended_one():
    wanted = tag_filter(build_subscription("T", "a||b"))
    assert wanted.wants_code(string_hash("a"))
    assert not wanted.wants_code(string_hash("c"))
    assert wanted.wants is None
    assert wanted.wants_unit(ConsumeQueueExtUnit(string_hash("b"), 0))
    assert not wanted.wants_unit(ConsumeQueueExtUnit(0, 0))
    assert Filter().wants_unit(ConsumeQueueExtUnit(0, 0))


def test_the_bits_of_an_expression_rule_messages_out():
    wanted = ExpressionFilter(bool, MASK, LENGTH, born_ms=100)
    assert wanted.wants_code is None
    assert wanted.wants_unit(unit(MASK))
    assert wanted.wants_unit(unit(MASK | 1))
    assert not wanted.wants_unit(unit(0))
    assert not wanted.wants_unit(unit(MASK & ~(1 << BLOOM.positions("g#T")[0])))


def test_without_bits_of_its_time_and_size_a_message_gets_the_full_test():
    wanted = ExpressionFilter(bool, MASK, LENGTH, born_ms=100)
    assert wanted.wants_unit(unit(0, stored_ms=100))
    assert wanted.wants_unit(unit(None))
    assert wanted.wants_unit(ConsumeQueueExtUnit(5, 101, bytes(LENGTH + 1)))
    assert ExpressionFilter(bool).wants_unit(unit(0))
