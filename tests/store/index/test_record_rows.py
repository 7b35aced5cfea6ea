"""Records read together are those that are there: no more than are like the one before them."""

from __future__ import annotations

import pytest

from rmqwire.codec.record import read_position
from rmqwire.codec.sys_flag import COMPRESSED_FLAG, TRANSACTION_PREPARED_TYPE
from rmqwire.store.index.index_keys import KeyHasher
from rmqwire.store.index.record_rows import FEWEST, Rows, count_alike
from tests.store.index.test_index_keys import log_of
from tests.store.index.test_key_runs import alone, text, walked
from tests.support.stores import START_MS, message

COUNT = 12
TEXTS = [text(f"U{n:04}", "k", "t") for n in range(COUNT)]


def records(other: int = -1, **changed: object) -> bytes:
    """Return a log of records alike, but for one of them."""
    fields = [{"properties": one} for one in TEXTS]
    if other >= 0:
        fields[other].update(changed)
    return log_of(*[message(**one) for one in fields])


def read(data: bytes, most: int = 99) -> tuple[int, list[bytes], list[int]]:
    """Read ``records`` from the second on."""
    size, body = len(records()) // COUNT, len(message().body)
    count = count_alike(data, size, size, most)
    rows = Rows(data, size, size, count, 88 + body, size - len(TEXTS[0]))
    if not count or not rows.are_alike():
        return count, [], []
    texts = [*rows.texts()]
    assert rows.grid_of_texts().column(0) == b"".join([text[:1] for text in texts])
    assert rows.have_one_topic() == (len({*rows.heads()}) == 1)
    return count, texts, [*rows.times()]


def test_records_alike_are_read_at_once():
    assert read(records()) == (COUNT - 1, TEXTS[1:], [START_MS] * (COUNT - 1))
    assert read(records(), FEWEST) == (FEWEST, TEXTS[1 : FEWEST + 1], [START_MS] * FEWEST)


def test_few_are_not_worth_it():
    assert read(records(), FEWEST - 1) == (0, [], [])
    assert read(records()[:-1], COUNT - 1)[0] == COUNT - 2  # the last is cut off


def test_they_end_before_one_of_another_size():
    assert read(records(FEWEST + 1, body=b"longer" * 9))[1] == TEXTS[1 : FEWEST + 1]
    assert read(records(FEWEST, body=b"longer" * 9)) == (0, [], [])


@pytest.mark.parametrize(
    "changed",
    [
        {"sys_flag": COMPRESSED_FLAG},
        {"sys_flag": TRANSACTION_PREPARED_TYPE},
        {"body": message().body + b"1", "properties": TEXTS[0][:-1]},
        {"topic": "TT", "properties": TEXTS[0][:-1]},
    ],
)
def test_one_of_the_same_size_that_is_not_like_them_has_all_read_alone(changed):
    data = records(FEWEST, **changed)
    assert read(data) == (COUNT - 1, [], [])
    if changed.get("sys_flag") != TRANSACTION_PREPARED_TYPE:
        assert walked(data) == alone(data)
    hasher = KeyHasher(tags=True)
    assert hasher.walk_in_python(data, 0, 0, 99)[2] == 0  # its topic is not known


def test_topics_of_one_length_are_read_together():
    data = records(FEWEST, topic="t")
    assert read(data)[1] == TEXTS[1:]
    assert walked(data) == alone(data)
    assert walked(records(1, topic="t")) == alone(records(1, topic="t"))
    hasher = KeyHasher(tags=True)
    hasher.hashes(read_position(data))
    keys, _, count = hasher.walk_in_python(data, 0, 1000, 99)  # it ends before one that isn't known
    assert count == FEWEST
    assert list(keys) == alone(data)[: len(keys)]
