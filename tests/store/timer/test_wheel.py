"""The wheel against a dict, and its file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.timer import SLOT_SIZE, TimerSlot, pack_slot, slot_position, unpack_slot
from rmqwire.store.timer.wheel import PAGE, TimerWheel
from tests.support.memory_files import MemoryFiles

PRECISION = 1_000
SLOTS = 300  # 600 slots on 5 pages, the last one cut
BEGIN = 1_700_000_000_000
PUTS = st.lists(
    st.tuples(st.integers(0, 2_000), st.integers(0, 2**40), st.integers(-3, 2**31 - 1)), max_size=60
)


def make(files=None) -> TimerWheel:
    files = files or MemoryFiles()
    files.makedirs("/s")
    return TimerWheel("/s/timerwheel", files, PRECISION, SLOTS)


def fill(wheel: TimerWheel, puts) -> dict[int, TimerSlot]:
    """Put slots into a wheel and into a dict of its ring."""
    ring: dict[int, TimerSlot] = {}
    for tick, position, num in puts:
        time = BEGIN // PRECISION + tick
        wheel.put(time * PRECISION + 17, position, position + 52, num)
        ring[time % (2 * SLOTS)] = TimerSlot(time, position, position + 52, num)
    return ring


@given(PUTS)
def test_it_is_a_ring_of_slots(puts):
    wheel = make()
    ring = fill(wheel, puts)
    for tick in range(0, 2_001, 7):
        time = BEGIN // PRECISION + tick
        slot = ring.get(time % (2 * SLOTS))
        wanted = slot if slot is not None and slot.time == time else None
        assert wheel.get(time * PRECISION + 999) == wanted
    assert sorted(wheel.slots(BEGIN)) == sorted(ring.values())
    assert wheel.count(BEGIN) == sum(slot.num for slot in ring.values())


@given(PUTS, st.integers(0, 2_000), st.integers(0, 700))
def test_the_next_slot_in_use_is_found(puts, begin, length):
    wheel = make()
    ring = fill(wheel, puts)
    first, end = BEGIN // PRECISION + begin, BEGIN // PRECISION + begin + length
    times = sorted(slot.time for slot in ring.values())
    wanted = next((time for time in times if first <= time < end), end)
    assert wheel.next_used(first * PRECISION, end * PRECISION) == wanted * PRECISION


@given(PUTS)
def test_its_file_is_java_s_and_comes_back(puts):
    files = MemoryFiles()
    wheel = make(files)
    ring = fill(wheel, puts)
    wheel.write()
    if not puts:
        assert "/s/timerwheel" not in files.data
        assert not make(files).load()
        return
    data = bytes(files.data["/s/timerwheel"])
    assert len(data) == wheel.size == 2 * SLOTS * SLOT_SIZE
    for slot in ring.values():
        at = slot_position(slot.time * PRECISION, SLOTS, PRECISION)
        assert unpack_slot(data, at) == slot
        assert data[at : at + SLOT_SIZE] == pack_slot(slot)
    again = make(files)
    assert again.load()
    assert sorted(again.slots()) == sorted(ring.values())
    again.clear()
    again.write()
    assert not any(files.data["/s/timerwheel"])
    wheel.close()
    again.close()
    assert not files.handles


def test_only_pages_that_changed_are_written():
    files = MemoryFiles()
    wheel = make(files)
    wheel.put(BEGIN, 0, 0, 1)
    wheel.put(BEGIN + PAGE // SLOT_SIZE * PRECISION, 52, 52, 1)
    wheel.write()
    files.calls.clear()
    wheel.put(BEGIN, 0, 104, 2)
    wheel.write()
    wheel.write()
    assert [name for name, _ in files.calls] == ["pwrite"]


def test_a_file_of_another_size_is_no_wheel():
    files = MemoryFiles()
    wheel = make(files)
    files.put("/s/timerwheel", b"x" * 32)
    assert not wheel.load()
    wheel.put(BEGIN, 0, 0, 1)
    wheel.write()
    assert make(files).load()
    assert len(files.data["/s/timerwheel"]) == wheel.size
