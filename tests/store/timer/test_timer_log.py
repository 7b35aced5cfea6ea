"""The timer log: files, blanks, torn units, cuts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rmqwire.codec.timer import MIN_BLANK_SIZE, UNIT_SIZE, TimerLogUnit, pack_unit
from rmqwire.store.timer.timer_log import TimerLog
from tests.support.memory_files import MemoryFiles

FILE = UNIT_SIZE * 5 + MIN_BLANK_SIZE + 11
BEGIN = 1_700_000_000_000


def unit(number: int) -> TimerLogUnit:
    return TimerLogUnit(-1, 1, BEGIN + number, 1_000, number * 100, 90 + number, number)


def make(files) -> TimerLog:
    return TimerLog("/s/timerlog", FILE, files)


def filled(count: int) -> tuple[MemoryFiles, TimerLog, list[int]]:
    files = MemoryFiles()
    files.makedirs("/s")
    log = make(files)
    positions = [log.append(unit(number)) for number in range(count)]
    log.write()
    return files, log, positions


def tear(files: MemoryFiles, position: int, whole: int = 0) -> None:
    """Leave only the first bytes of the unit at a position."""
    path = f"/s/timerlog/{position // FILE * FILE:020d}"
    at = position % FILE
    files.data[path][at + whole : at + UNIT_SIZE] = bytes(UNIT_SIZE - whole)


@given(st.integers(0, 23))
def test_units_come_back_over_files_and_blanks(count):
    files, log, positions = filled(count)
    assert all(position % FILE % UNIT_SIZE == 0 for position in positions)
    assert all(position % FILE <= FILE - UNIT_SIZE - MIN_BLANK_SIZE for position in positions)
    again = make(files)
    again.load()
    assert list(again.scan(0)) == [(p, unit(n)) for n, p in enumerate(positions)]
    for number, position in enumerate(positions):
        assert log.unit(position) == again.unit(position) == unit(number)
    assert log.unit(log.end) is None


@given(st.integers(1, 20), st.integers(0, 51), st.data())
def test_a_torn_unit_ends_the_log(count, whole, data):
    files, _, positions = filled(count)
    torn = data.draw(st.integers(0, count - 1))
    tear(files, positions[torn], min(whole, 36))
    log = make(files)
    log.load()
    assert [position for position, _ in log.scan(0)] == positions[:torn]


@given(st.integers(1, 20), st.data())
def test_a_log_is_whole_up_to_a_unit_that_is_torn_or_names_a_later_record(count, data):
    files, _, positions = filled(count)
    torn = data.draw(st.integers(0, count - 1))
    tear(files, positions[torn])
    log = make_loaded(files)
    end = data.draw(st.integers(0, count - 1))
    unit_end = positions[end] + log.unit_size
    assert log.is_whole(0, unit_end, 1 << 40) == (end < torn)
    assert not log.is_whole(0, unit_end, unit(end).offset_py)
    assert not log.is_whole(0, unit_end - 1, 1 << 40)


@given(st.integers(1, 20), st.data())
def test_what_is_behind_a_cut_is_gone_and_the_log_goes_on_there(count, data):
    files, _, positions = filled(count)
    kept = data.draw(st.integers(0, count))
    log = make(files)
    log.load()
    log.cut(positions[kept - 1] + UNIT_SIZE if kept else 0)
    assert [position for position, _ in log.scan(0)] == positions[:kept]
    for number in range(kept, count):
        assert log.append(unit(number)) == positions[number]
    log.write()
    assert list(make_loaded(files).scan(0)) == [(p, unit(n)) for n, p in enumerate(positions)]


def make_loaded(files) -> TimerLog:
    log = make(files)
    log.load()
    return log


def test_units_are_read_before_they_are_written():
    files = MemoryFiles()
    files.makedirs("/s")
    log = make(files)
    first, second = log.append(unit(0)), log.append(unit(1))
    assert (log.unit(first), log.unit(second)) == (unit(0), unit(1))
    assert bytes(files.data["/s/timerlog/" + "0" * 20]).count(0) == FILE
    log.write()
    assert files.data["/s/timerlog/" + "0" * 20][UNIT_SIZE : 2 * UNIT_SIZE] == pack_unit(unit(1))


def test_old_files_go_with_the_records_they_name():
    files, log, positions = filled(17)
    log.remove_before(unit(9).offset_py)  # the last of the second file: it has to stay
    assert log.start == FILE
    log.remove_before(10**9)
    assert log.start == 3 * FILE  # the newest stays
    assert [position for position, _ in log.scan(0)] == positions[15:]
    log.close()
    assert not files.handles


def test_files_that_a_power_cut_has_left_damaged_are_removed_with_those_behind_them():
    files, _, positions = filled(17)
    del files.data[f"/s/timerlog/{2 * FILE:020d}"][7:]
    log = make(files)
    assert log.load() == [f"/s/timerlog/{at * FILE:020d}" for at in (2, 3)]
    assert [position for position, _ in log.scan(0)] == positions[:10]
    files, _, positions = filled(17)
    del files.data[f"/s/timerlog/{FILE:020d}"]
    files.put("/s/timerlog/7x", bytes(FILE))
    log = make(files)
    assert log.load() == [*(f"/s/timerlog/{at * FILE:020d}" for at in (2, 3)), "/s/timerlog/7x"]
    assert [position for position, _ in log.scan(0)] == positions[:5]
