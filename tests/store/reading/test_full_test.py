"""Pulls with a filter that looks at the messages' properties."""

from __future__ import annotations

import pytest

from rmqwire.codec.properties import encode_properties
from rmqwire.codec.record import iter_messages
from rmqwire.errors import CorruptLog
from rmqwire.filter.message_filter import ExpressionFilter, Filter
from rmqwire.filter.sql92 import compile_sql92
from rmqwire.store.message_store import GetStatus
from tests.support.stores import make_store, message, put, small_config

LARGE = {"mapped_file_size_commit_log": 1 << 20, "mapped_file_size_consume_queue": 20_000}


def numbered(number: int, size: int = 10, queue_id: int = 0):
    properties = encode_properties({"UNIQ_KEY": str(number), "n": str(number)})
    return message(queue_id=queue_id, body=bytes(size), properties=properties, tags_code=number % 2)


def store_with(count, size=10, queues=1, **changes):
    store = make_store(config=small_config(**(LARGE | changes)))
    store.open()
    put(store, *[numbered(number, size, number % queues) for number in range(count)])
    return store


def sql(text: str) -> Filter:
    return ExpressionFilter(compile_sql92(text).matches)


def numbers(result) -> list[int]:
    return [int(one.properties["n"]) for one in iter_messages(result.body)]


def test_only_messages_that_the_condition_is_true_of_are_found():
    store = store_with(100)
    result = store.get_message("T", 0, 0, 32, wanted=sql("n BETWEEN 40 AND 42"))
    assert numbers(result) == [40, 41, 42]
    assert result.next_begin_offset == 100
    result = store.get_message("T", 0, 41, 1, wanted=sql("n >= 30"))
    assert (numbers(result), result.next_begin_offset) == ([41], 42)


def test_nothing_found_moves_on_as_far_as_one_pull_looks():
    store = store_with(1000)
    result = store.get_message("T", 0, 0, 32, wanted=sql("n < 0"))
    assert (result.status, result.next_begin_offset) == (GetStatus.NO_MATCHED_MESSAGE, 800)
    result = store.get_message("T", 0, 800, 32, wanted=sql("n < 0"))
    assert (result.status, result.next_begin_offset) == (GetStatus.NO_MATCHED_MESSAGE, 1000)


def test_the_tags_go_first_and_both_tests_count():
    store = store_with(100)
    wanted = Filter((1).__eq__, compile_sql92("n > 90").matches)
    assert numbers(store.get_message("T", 0, 0, 32, wanted=wanted)) == [91, 93, 95, 97, 99]


@pytest.mark.parametrize("size", [10, 9_000, 300_000])
def test_records_of_any_size_and_other_queues_between_them(size):
    store = store_with(40, size, queues=3, mapped_file_size_commit_log=1 << 22)
    found = []
    offset = 0
    while offset < store.max_offset("T", 1):
        result = store.get_message("T", 1, offset, 32, wanted=sql("n > 5"))
        found += numbers(result)
        offset = result.next_begin_offset
    assert found == list(range(7, 40, 3))


def test_a_damaged_record_is_met_and_not_passed_over():
    store = store_with(50)
    store.close()
    again = make_store(store.files, config=store.config)
    again.open()
    place = again.physical_offset("T", 0, 20)
    (log,) = [data for name, data in store.files.data.items() if "/commitlog/" in name]
    log[place + 90] ^= 1
    assert (
        again.get_message("T", 0, 0, 32, wanted=sql("n < 0")).status == GetStatus.NO_MATCHED_MESSAGE
    )
    result = again.get_message("T", 0, 0, 32, wanted=sql("n BETWEEN 10 AND 30"))
    assert (numbers(result), result.next_begin_offset) == (list(range(10, 20)), 20)
    with pytest.raises(CorruptLog, match="not message 20 of T 0"):
        again.get_message("T", 0, 20, 32, wanted=sql("n < 0"))
    assert again.next_wanted("T", 0, 20, sql("n < 0")) == 20


def test_how_far_a_queue_can_be_passed_over():
    store = store_with(1000)
    assert store.next_wanted("T", 0, 3, sql("n = 17")) == 17
    assert store.next_wanted("T", 0, 18, sql("n = 17")) == 818
    assert store.next_wanted("T", 0, 818, sql("n = 17")) == 1000
    assert store.next_wanted("T", 0, 1000, sql("n = 17")) == 1000
    assert store.next_wanted("U", 0, 3, sql("n = 17")) == 3
