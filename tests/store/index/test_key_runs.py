"""The hashes of keys in a run of records are those of each record alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.columns import Grid
from rmqwire.codec.record import read_position
from rmqwire.store.index import index_keys
from rmqwire.store.index.index_keys import KeyHasher
from rmqwire.store.index.key_layout import Layouts
from rmqwire.store.index.key_runs import LONGEST, Shape
from tests.store.index.test_index_keys import log_of
from tests.support.stores import START_MS, message


def walked(data: bytes, *, tags: bool = True) -> list[tuple[int, int, int]]:
    """Return the keys of a log by its runs."""
    hasher, pos = KeyHasher(tags=tags), 0
    while pos < len(data):  # until all topics are known
        found = read_position(data, pos)
        hasher.hashes(found)
        pos += found.total_size
    for _ in range(3):  # the third time all layouts are known
        keys, end, _ = hasher.walk_in_python(data, 0, 1000, 1000)
    assert end == len(data)
    return list(keys)


def alone(data: bytes, *, tags: bool = True) -> list[tuple[int, int, int]]:
    """Return them record by record."""
    hasher, keys, pos = KeyHasher(tags=tags), [], 0
    while pos < len(data):
        found = read_position(data, pos)
        keys += [(one, 1000 + pos, START_MS) for one in hasher.hashes(found)]
        pos += found.total_size
    return keys


def text(unique: str, words: str, tag: str, other: str = "x") -> bytes:
    values = {"TAGS": tag, "A": other, "KEYS": words, "UNIQ_KEY": unique}
    return "".join(f"{name}\x01{value}\x02" for name, value in values.items()).encode()


@pytest.fixture
def _only_runs(monkeypatch):
    """Let nothing be hashed alone but by ``hashes``."""
    monkeypatch.setattr(KeyHasher, "_values", None)


@pytest.mark.parametrize("tags", [True, False])
@pytest.mark.usefixtures("_only_runs")
def test_keys_of_one_producer_s_records_are_hashed_together(tags):
    texts = [
        text(f"7F0000012B354E{n * 37:08X}", f"k{n:05} k{n * 7:05}", f"T{n % 3}") for n in range(300)
    ]
    data = log_of(*[message(properties=one) for one in texts])
    hasher = KeyHasher(tags=tags)
    hasher._layouts.of(texts[0])
    hasher.hashes(read_position(data))
    assert list(hasher.walk_in_python(data, 0, 1000, 1000)[0]) == alone(data, tags=tags)


_VALUES = st.text("0123456789ABCDEF", min_size=1, max_size=1) | st.sampled_from(
    [" ", "\x01", "\x02", "\x7f", "é"]
)


def _of_length(length: int):
    one = st.text("0123456789ABCDEF ", min_size=length, max_size=length)
    odd = st.lists(_VALUES, min_size=length, max_size=length).map("".join)
    return st.lists(one, min_size=1, max_size=4) | st.lists(odd, min_size=1, max_size=4)


@settings(max_examples=150)
@given(
    st.tuples(*[st.integers(0, 5)] * 4).flatmap(lambda all_: st.tuples(*map(_of_length, all_))),
    st.integers(8, 40),
    st.lists(st.tuples(st.integers(0, 39), st.binary(max_size=30)), max_size=2),
)
def test_any_run_has_the_keys_that_its_records_have_alone(values, count, odd):
    texts = [text(*[some[n % len(some)] for some in values]) for n in range(count)]
    for at, one in odd:
        texts[at % count] = one
    data = log_of(*[message(properties=one) for one in texts])
    assert walked(data) == alone(data)


def test_topics_and_lengths_in_turn_keep_the_order_of_the_log():
    rows = [
        ("T" * (n // 40 + 1), f"U{n:0{n // 20 + 2}}", "k" * (n % 27 // 20 + 1)) for n in range(80)
    ]
    messages = [message(topic, properties=text(key, word, "t")) for topic, key, word in rows]
    data = log_of(*messages)
    assert walked(data) == alone(data)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.sampled_from(["A", "B", "C", "DD"]), st.integers(1, 12)), max_size=20),
    st.lists(st.tuples(st.integers(0, 99), st.sampled_from(["C", "DD", "E"])), max_size=3),
)
def test_runs_of_many_topics_have_the_keys_of_their_records(stretches, others):
    topics = [topic for topic, count in stretches for _ in range(count)]
    for at, topic in others:
        if topics:
            topics[at % len(topics)] = topic
    texts = [text(f"U{n:04}", f"k{n % 3}", f"t{n % 2}") for n in range(len(topics))]
    data = log_of(*[message(one, properties=two) for one, two in zip(topics, texts, strict=True)])
    assert walked(data) == alone(data)


@pytest.mark.parametrize("length", [LONGEST, LONGEST + 1])
def test_a_long_key_is_hashed_alone(length):
    texts = [text("U" * (length - 3) + f"{n:03}", "", "") for n in range(20)]
    layouts = Layouts()
    layouts.of(texts[0])
    shape = Shape(texts[0], layouts.of(texts[0])(texts[0]))
    grid = Grid(b"".join(texts), len(texts[0]), 20)
    assert (shape.columns(grid) is not None) == (length == LONGEST)
    data = log_of(*[message(properties=one) for one in texts])
    assert walked(data) == alone(data)


def test_the_greatest_sum_has_room():
    texts = [text(chr(127 - n % 2) * LONGEST, "", "") for n in range(16)]
    data = log_of(*[message(properties=one) for one in texts])
    assert walked(data) == alone(data)


def test_a_run_is_worth_it_from_some_records_on():
    assert index_keys._RUN <= 32  # of a usual batch
