"""What is known of a table's changes gives the text of the whole table, whatever its history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.disk.table_text import EntryTexts, TrackedTable

KEYS = st.sampled_from("abcdef")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "set",
                "append",
                "del",
                "pop",
                "setdefault",
                "update",
                "ior",
                "popitem",
                "clear",
                "take",
            ]
        ),
        KEYS,
        st.integers(0, 9),
    )
)


def encode(key, value):
    return f"{key}={value}"


def step(table, what, key, number):
    if what == "set":
        table[key] = [number]
    elif what == "append" and key in table:
        table[key].append(number)
        table.touch(key)
    elif what == "del" and key in table:
        del table[key]
    elif what == "pop":
        expected = table.get(key)
        assert table.pop(key, None) == expected
    elif what == "setdefault":
        assert table.setdefault(key, [number]) is table[key]
    elif what == "update":
        table.update({key: [number], "z": []})
    elif what == "ior":
        table |= {key: [number]}
    elif what == "popitem" and table:
        last = list(table.items())[-1]
        assert table.popitem() == last
    elif what == "clear":
        table.clear()


@given(st.dictionaries(KEYS, st.lists(st.integers(0, 9))), STEPS)
def test_the_text_follows_the_table(start, steps):
    table, texts = TrackedTable(start), EntryTexts(encode)
    for what, key, number in [*steps, ("take", "a", 0)]:
        if what == "take":
            texts.apply(texts.take(table, list.copy))
            assert list(texts.texts.items()) == [(k, encode(k, v)) for k, v in table.items()]
        else:
            step(table, what, key, number)


def test_only_what_changed_is_written_again():
    written = []
    table = TrackedTable({str(n): [n] for n in range(1_000)})
    texts = EntryTexts(lambda key, value: written.append(key) or encode(key, value))
    texts.apply(texts.take(table, list.copy))
    assert len(written) == 1_000
    table["new"] = [1]
    table["5"].append(6)
    table.touch("5")
    texts.apply(texts.take(table, list.copy))
    assert written[1_000:] == ["new", "5"]
    assert texts.texts["5"] == "5=[5, 6]"


def test_what_is_changed_after_it_was_taken_is_in_the_next_text():
    table, texts = TrackedTable({"a": [1]}), EntryTexts(encode)
    changes = texts.take(table, list.copy)
    table["a"].append(2)
    table.touch("a")
    texts.apply(changes)
    assert texts.texts == {"a": "a=[1]"}
    texts.apply(texts.take(table, list.copy))
    assert texts.texts == {"a": "a=[1, 2]"}


def test_changes_that_were_taken_for_nothing_are_in_the_next_text():
    table, texts = TrackedTable({"a": [1]}), EntryTexts(encode)
    texts.take(table, list.copy)
    table["b"] = [2]
    texts.apply(texts.take(table, list.copy))
    assert texts.texts == {"a": "a=[1]", "b": "b=[2]"}


def test_after_a_failed_encoding_everything_is_written_again():
    failing = [True]

    def once(key, value):
        if key == "b" and failing:
            failing.clear()
            raise MemoryError
        return encode(key, value)

    table, texts = TrackedTable({"a": [1], "b": [2]}), EntryTexts(once)
    with pytest.raises(MemoryError):
        texts.apply(texts.take(table, list.copy))
    table["c"] = [3]
    texts.apply(texts.take(table, list.copy))
    assert texts.texts == {"a": "a=[1]", "b": "b=[2]", "c": "c=[3]"}
