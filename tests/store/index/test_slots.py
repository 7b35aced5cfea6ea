"""The slots of an index file in memory, and keys appended to them."""

from __future__ import annotations

from rmqwire.codec.index_file import HEADER_SIZE, unpack_entry
from rmqwire.store.index.slots import PAGE_SLOTS, PythonSlots, changed_runs, page_place

SLOTS = 3 * PAGE_SLOTS + 5


def made(make=PythonSlots, *, empty: bool = True):
    return make(SLOTS, empty)


def append(slots, keys, number=1, begin=0):
    return slots.append(keys, 0, len(keys), number, begin)


def test_pages_are_known_when_they_were_read():
    page = b"".join(number.to_bytes(4, "big") for number in range(PAGE_SLOTS))
    slots = made(empty=False)
    assert slots.get(PAGE_SLOTS + 7) is None
    assert page_place(1, SLOTS) == (4096, HEADER_SIZE + 4096)
    slots.load(1, page)
    assert [slots.get(PAGE_SLOTS + 7), slots.get(7)] == [7, None]
    assert page_place(3, SLOTS) == (20, HEADER_SIZE + 3 * 4096)
    slots.load(3, b"")  # the file has nothing of it
    assert slots.get(SLOTS - 1) == 0
    assert made().get(7) == 0


def test_what_has_changed_is_given_once_in_the_files_byte_order():
    slots = made()
    for slot in (5, PAGE_SLOTS, SLOTS - 1):
        entries, fresh, missing = append(slots, [(slot, 0, 0)], 258)
        assert (len(entries), fresh, missing) == (20, 1, -1)
    (first, data), (last, rest) = changed_runs(slots)
    assert (first, len(data)) == (HEADER_SIZE, 2 * 4 * PAGE_SLOTS)
    assert data[20:24] == data[4 * PAGE_SLOTS :][:4] == rest[-4:] == b"\0\0\1\2"
    assert last + len(rest) == HEADER_SIZE + 4 * SLOTS
    slots.written()
    assert list(changed_runs(slots)) == []


def test_a_run_has_its_limit(monkeypatch):
    monkeypatch.setattr("rmqwire.store.index.slots._RUN_PAGES", 2)
    slots = made()
    append(slots, [(page * PAGE_SLOTS, 0, 0) for page in range(4)])
    assert [begin for begin, _ in changed_runs(slots)] == [
        HEADER_SIZE,
        HEADER_SIZE + 2 * 4 * PAGE_SLOTS,
    ]


def test_only_the_keys_that_are_asked_for_are_appended():
    slots = made()
    entries, fresh, missing = slots.append([(1, 10, 0), (2, 20, 0), (3, 30, 0)], 1, 2, 5, 0)
    assert (unpack_entry(entries).phy_offset, len(entries), fresh, missing) == (20, 20, 1, -1)
    assert [slots.get(slot) for slot in (1, 2, 3)] == [0, 5, 0]


def test_a_page_that_is_not_known_ends_it():
    slots = made(empty=False)
    slots.load(0, b"")
    entries, fresh, missing = append(slots, [(1, 10, 0), (PAGE_SLOTS, 20, 0), (2, 30, 0)])
    assert (unpack_entry(entries).phy_offset, len(entries), fresh, missing) == (10, 20, 1, 1)
