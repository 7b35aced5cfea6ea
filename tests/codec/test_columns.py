"""Rows of fields are the same whether they are written and read row by row or column by column."""

from __future__ import annotations

from struct import Struct, error

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.columns import (
    MOST,
    Grid,
    interleave,
    map_column,
    pack_columns,
    unpack_columns,
    write_field,
)

ROW = "2xiq3s"
ROWS = st.tuples(
    st.integers(-(1 << 31), (1 << 31) - 1),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.binary(min_size=3, max_size=3),
)


@given(
    st.lists(ROWS, min_size=1, max_size=5),
    st.sampled_from([1, 2, MOST, MOST + 1, 3 * MOST]),
    st.binary(max_size=9),
)
def test_rows_are_those_that_struct_writes_one_by_one(some, count, before):
    rows = [some[number % len(some)] for number in range(count)]
    one, columns = Struct(f">{ROW}"), [*map(list, zip(*rows, strict=True))]
    data = b"".join([one.pack(*row) for row in rows])
    assert pack_columns(ROW, *columns) == data
    alike = [one[:1] if one.count(one[0]) == count else one for one in columns]
    assert pack_columns(ROW, *alike) == (
        data if max(map(len, alike)) == count else one.pack(*rows[0])
    )
    found = unpack_columns(ROW, 3, count, before + data + b"more", len(before))
    assert [*map(list, found)] == columns


def test_a_value_that_does_not_fit_is_an_error():
    with pytest.raises(error):
        pack_columns("i", [0, 1 << 31])


def test_columns_become_rows_one_after_the_other():
    assert interleave([[1, 2], [3, 4], [5, 6]]) == [1, 3, 5, 2, 4, 6]
    assert interleave([[1], [3, 4], [5]]) == [1, 3, 5, 1, 4, 5]
    assert interleave([]) == interleave([[1], []]) == []
    assert pack_columns(ROW, [1], [], [b"abc"]) == b""


@pytest.mark.parametrize("column", [[], [3], [3, 3], [3, 4, 3]])
def test_a_function_is_asked_once_for_each_value(column):
    asked = []
    mapped = [-one for one in (column if len({*column}) > 1 else column[:1])]
    assert map_column(column, lambda one: asked.append(one) or -one) == mapped
    assert sorted(asked) == sorted({*column})


@given(
    st.integers(1, 6).flatmap(
        lambda width: st.lists(
            st.lists(st.sampled_from(b"ab"), min_size=width, max_size=width).map(bytes),
            min_size=1,
            max_size=9,
        )
    ),
    st.sampled_from([1, 2, MOST]),
    st.binary(max_size=5),
    st.data(),
)
def test_columns_are_those_of_the_rows(some, times, before, data):
    rows, width = some * times, len(some[0])
    grid = Grid(before + b"".join(rows) + b"more", width, len(rows), len(before))
    first = data.draw(st.integers(0, width))
    stop = data.draw(st.integers(first, width))
    assert [grid.column(at) for at in range(width)] == [*map(bytes, zip(*rows, strict=True))]
    assert [*grid.pieces(first, stop)] == [row[first:stop] for row in rows]
    assert grid.is_same(first, stop) == (len({row[first:stop] for row in rows}) == 1)
    assert grid.first(first, stop) == rows[0][first:stop]


@given(st.lists(st.integers(-(1 << 31), (1 << 31) - 1), min_size=1, max_size=9), st.integers(0, 3))
def test_a_field_is_written_into_all_rows(numbers, at):
    rows = bytearray(b"abcdefg" * len(numbers))
    write_field(rows, 7, at, pack_columns("i", numbers))
    row = b"abcdefg"
    assert rows == b"".join([row[:at] + Struct(">i").pack(one) + row[at + 4 :] for one in numbers])
