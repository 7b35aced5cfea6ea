"""The slots of an index file in memory, and keys appended to them."""

from __future__ import annotations

from rmqwire.codec.index_file import HEADER_SIZE, unpack_entry
from rmqwire.store.index.slots import PAGE_SLOTS, Slots, append_keys

SLOTS = 3 * PAGE_SLOTS + 5


def made(*, empty: bool = True, data: bytes = b"") -> Slots:
    return Slots(SLOTS, lambda size, begin: data[begin : begin + size], empty=empty)


def append(slots: Slots, keys, number=1, begin=0, by=append_keys):
    return by(keys, slots.values, slots.known, slots.changed, number, begin)


def test_pages_are_read_when_they_are_needed():
    page = b"".join(number.to_bytes(4, "big") for number in range(PAGE_SLOTS))
    slots = made(empty=False, data=bytes(HEADER_SIZE) + 2 * page)
    assert slots.get(PAGE_SLOTS + 7) is None
    slots.load(1)
    assert [slots.get(PAGE_SLOTS + 7), slots.get(7)] == [7, None]
    slots.load(3)  # the file has nothing of it, and it is shorter than a page
    assert slots.get(SLOTS - 1) == 0
    assert made().get(7) == 0


def test_what_has_changed_is_given_once_in_the_files_byte_order():
    slots = made()
    for slot in (5, PAGE_SLOTS, SLOTS - 1):
        entries, fresh, missing = append(slots, [(slot, 0, 0)], 258)
        assert (len(entries), fresh, missing) == (20, 1, -1)
    (first, data), (last, rest) = slots.changed_runs()
    assert (first, len(data)) == (HEADER_SIZE, 2 * 4 * PAGE_SLOTS)
    assert data[20:24] == data[4 * PAGE_SLOTS :][:4] == rest[-4:] == b"\0\0\1\2"
    assert last + len(rest) == HEADER_SIZE + 4 * SLOTS
    slots.written()
    assert list(slots.changed_runs()) == []


def test_a_run_has_its_limit(monkeypatch):
    monkeypatch.setattr("rmqwire.store.index.slots._RUN_PAGES", 2)
    slots = made()
    append(slots, [(page * PAGE_SLOTS, 0, 0) for page in range(4)])
    assert [begin for begin, _ in slots.changed_runs()] == [
        HEADER_SIZE,
        HEADER_SIZE + 2 * 4 * PAGE_SLOTS,
    ]


def test_a_page_that_is_not_known_ends_it():
    slots = made(empty=False)
    slots.load(0)
    entries, fresh, missing = append(slots, [(1, 10, 0), (PAGE_SLOTS, 20, 0), (2, 30, 0)])
    assert (unpack_entry(entries).phy_offset, len(entries), fresh, missing) == (10, 20, 1, 1)
