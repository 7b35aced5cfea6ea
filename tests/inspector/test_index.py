from __future__ import annotations

import pytest

from rmqwire.codec.index_file import file_size
from rmqwire.errors import CorruptLog, StoreError
from rmqwire.inspector.index import guess_slots, index_rows
from tests.inspector.stores import unpack


@pytest.fixture
def store(tmp_path):
    return unpack(tmp_path, "5.5.0", "clean_shutdown")


def test_entries_come_in_the_order_they_were_made(store):
    rows = list(index_rows(store))
    assert rows == list(index_rows(store / "index", slots=100))
    offsets = [row["phyOffset"] for row in rows]
    assert offsets == sorted(offsets)
    assert all(row["slot"] == row["keyHash"] % 100 for row in rows)
    assert all(row["phyOffset"] >= 5000 for row in index_rows(store, 5000))


def test_the_number_of_slots_is_guessed_from_the_size():
    assert guess_slots(file_size(5_000_000, 20_000_000)) == 5_000_000
    assert guess_slots(file_size(100, 400)) == 100
    assert guess_slots(file_size(100, 401)) is None


def test_damage_and_absence_are_named(store, tmp_path):
    file = next((store / "index").iterdir())
    data = bytearray(file.read_bytes())
    data[36:40] = b"\x7f\xff\xff\xff"
    file.write_bytes(data)
    with pytest.raises(CorruptLog, match="indexCount 2147483647"):
        list(index_rows(file))
    file.write_bytes(data[:-1])
    with pytest.raises(StoreError, match="tell maxHashSlotNum"):
        list(index_rows(file))
    file.write_bytes(b"short")
    with pytest.raises(CorruptLog):
        list(index_rows(file, slots=1))
    with pytest.raises(StoreError, match="no such file"):
        list(index_rows(tmp_path / "x"))
    with pytest.raises(StoreError, match="no index files"):
        list(index_rows(tmp_path))
