"""D3, D4: a tail torn at any byte or sector is cut, and what was cut never comes back."""

import itertools
import random

import pytest

from tests.support.checker import Checker
from tests.support.crash_states import SYNC, new_disk
from tests.support.histories import StoreDriver
from tests.support.stores import make_store, small_config

LOG = "/store/commitlog/00000000000000000000"
CONFIG = SYNC | {"mapped_file_size_commit_log": 8192}
POWER_CUT = {"op": "fault", "type": "start", "name": "power cut", "crash": True}


def start(files, checker, name="p"):
    store = make_store(files, config=small_config(**CONFIG))
    report = store.open()
    return StoreDriver(store, checker.feed, name=name), report


def drained(driver, checker):
    driver.drain()
    driver.audit()
    assert checker.violations == []
    return driver.store.max_phy_offset


def test_cut_at_every_byte_of_the_last_record():
    disk, checker = new_disk(), Checker()
    driver, _ = start(disk, checker)
    for payload in (b"", b"x" * 90, b"y" * 200):
        driver.put(payload=payload, tag="a")
    driver.store.puts.end_pass()
    driver.flush()
    begin = driver.store.max_phy_offset
    driver.put(payload=b"z" * 150, tag="a")
    driver.store.puts.end_pass()
    stop = driver.store.max_phy_offset
    for cut in range(begin, stop):
        files, after = disk.copy(), checker.copy()
        files.data[LOG][cut:] = bytes(8192 - cut)
        files.settle()
        after.feed(POWER_CUT)
        again, report = start(files, after)
        assert drained(again, after) == begin
        assert (report.bytes_zeroed > 0) == any(disk.data[LOG][begin:cut])
    assert stop - begin > 300


@pytest.mark.parametrize("bodies", [(0, 0, 0), (10, 900, 1200), (395, 395), (2500,)])
def test_every_sector_subset_of_a_group_commit(bodies):
    disk, checker = new_disk(), Checker()
    driver, _ = start(disk, checker)
    driver.put(payload=b"x" * 40)
    driver.store.puts.end_pass()
    driver.flush()
    for size in bodies:
        driver.put(payload=b"y" * size)
    driver.store.puts.end_pass()
    whole = bytes(disk.data[LOG])
    ends = record_ends(whole)
    pending = disk.pending()
    seen = set()
    of_log = [n for n, item in enumerate(pending) if item.inode is disk.inodes[LOG]]
    for kept_sectors in itertools.product((0, 1), repeat=len(of_log)):
        picks = [0] * len(pending)
        for number, pick in zip(of_log, kept_sectors, strict=True):
            picks[number] = pick
        files = disk.crash(pending, picks)
        left = bytes(files.data[LOG])
        after = checker.copy()
        after.feed(POWER_CUT)
        again, _ = start(files, after)
        kept = max(end for end in ends if left[:end] == whole[:end])
        assert drained(again, after) == kept
        seen.add(kept)
    assert len(seen) > 1


def record_ends(log):
    ends, pos = [], 0
    while size := int.from_bytes(log[pos : pos + 4], "big"):
        pos += size
        ends.append(pos)
    return ends


@pytest.mark.parametrize("padding", range(420, 1500, 36))
def test_no_ghost_after_two_power_cuts(padding):
    """A, B and C are not acknowledged. Only C survives, is cut, and B' is written before it."""
    disk, checker = new_disk(), Checker()
    driver, _ = start(disk, checker)
    driver.put(payload=b"first")
    driver.store.puts.end_pass()
    driver.flush()
    begin = driver.store.max_phy_offset
    sizes = []
    for _ in "ABC":
        driver.put(payload=random.Random(padding).randbytes(padding))
        driver.store.puts.end_pass()
        sizes.append(driver.store.max_phy_offset - begin - sum(sizes))
    pending = disk.pending()
    first_of_c = (begin + sizes[0] + sizes[1]) // 512
    picks = [item.choices * (item.sector >= first_of_c) for item in pending]
    files = disk.crash(pending, picks)
    checker.feed(POWER_CUT)
    driver, report = start(files, checker, "q")
    assert drained(driver, checker) == begin
    assert report.bytes_zeroed > 0
    for _ in "AB":
        driver.put(payload=random.Random(1).randbytes(padding))
    driver.store.puts.end_pass()
    driver.flush()
    assert driver.store.max_phy_offset == begin + sizes[0] + sizes[1]
    pending = files.pending()
    for picks in ([0] * len(pending), [item.choices for item in pending]):
        after = checker.copy()
        after.feed(POWER_CUT)
        again, _ = start(files.crash(pending, picks), after)
        assert drained(again, after) == begin + sizes[0] + sizes[1]
