"""A short tour through all faults: what a broken store can't survive unnoticed.

Each stage gives the texts of what it found wrong; a sound store gives none.
"""

from __future__ import annotations

import errno
import random

from rmqwire.errors import CorruptLog, StoreLocked
from tests.support.checker import Checker
from tests.support.crash_states import SYNC, new_disk, record_run, sweep
from tests.support.faulty_files import Fault, FaultyFiles
from tests.support.histories import StoreDriver
from tests.support.stores import Clock, make_store, small_config

POWER_CUT = {"op": "fault", "type": "start", "name": "power cut", "crash": True}
ASYNC = {"flush_disk_type": "ASYNC_FLUSH"}


def start(files, checker, name="p", clock=None, **settings):
    """Open a store on a disk; give its driver."""
    store = make_store(files, clock=clock, config=small_config(**(SYNC | settings)))
    store.open()
    return StoreDriver(store, checker.feed, name=name)


def write_passes(driver, rng, passes=6):
    """Put, flush and read a few times."""
    for _ in range(passes):
        for _ in range(rng.randint(1, 4)):
            driver.put("T", rng.randrange(2), rng.randbytes(rng.randrange(300)), tag="a")
        driver.store.puts.end_pass()
        driver.flush()
        driver.poll("T", 0)


def _verdict(driver, checker):
    driver.drain()
    driver.audit()
    return list(map(str, checker.violations))


def one_store_at_a_time():
    disk = new_disk()
    store = make_store(disk, config=small_config())
    store.open()
    try:
        make_store(disk, config=small_config()).open()
    except StoreLocked:
        return []
    return ["two stores have one folder open"]


def a_quiet_life():
    """Clean stops and starts, and everything read."""
    disk, checker, rng = new_disk(), Checker(), random.Random(1)
    for name in "abc":
        driver = start(disk, checker, name)
        driver.read_to = {}
        write_passes(driver, rng, 8)
        if _verdict(driver, checker):
            break
        driver.store.close()
    return list(map(str, checker.violations))


def full_disk():
    """No room for a new file, once; a second later there is."""
    found = []
    for first in (2, 3):
        disk, checker, rng, clock = new_disk(), Checker(), random.Random(first), Clock()
        fault = Fault("fallocate", "commitlog", first=first, code=errno.ENOSPC)
        driver = start(FaultyFiles(disk, fault), checker, clock=clock)
        for _ in range(14):
            write_passes(driver, rng, 1)
            clock.now_ms += 600
        found += _verdict(driver, checker)
        checker.feed(POWER_CUT)
        found += _verdict(start(disk.copy(), checker, "q"), checker)
    return found


def failed_write():
    """A write fails half way, once; the store may go on or not."""
    found = []
    for first in (3, 4, 5):
        disk, checker, rng, clock = new_disk(), Checker(), random.Random(first), Clock()
        faults = [Fault("write", "commitlog", first=first, short=True)]
        driver = start(FaultyFiles(disk, *faults), checker, clock=clock)
        for _ in range(8):
            write_passes(driver, rng, 1)
            clock.now_ms += 600
        found += _verdict(driver, checker)
        checker.feed(POWER_CUT)
        found += _verdict(start(disk.copy(), checker, "q"), checker)
    return found


def failed_sync():
    """A sync fails, once; then a restart on the same machine, then the power goes."""
    found = []
    for first in range(2, 8):
        disk, checker, rng = new_disk(), Checker(), random.Random(first)
        fault = Fault("datasync", "commitlog", first=first)
        write_passes(start(FaultyFiles(disk, fault), checker), rng, 9)
        after = checker.copy()
        after.feed(POWER_CUT)
        pending = disk.pending()
        found += _verdict(start(disk.crash(pending, [0] * len(pending)), after, "q"), after)
        checker.feed(POWER_CUT)
        again = disk.copy()
        driver = start(again, checker, "r")
        driver.drain()
        write_passes(driver, rng, 1)
        checker.feed(POWER_CUT)
        pending = again.pending()
        driver = start(again.crash(pending, [0] * len(pending)), checker, "s")
        found += _verdict(driver, checker)
    return found


def damage():
    """A byte of an acknowledged body is wrong: that is told."""
    disk, checker, rng = new_disk(), Checker(), random.Random(3)
    driver = start(disk, checker)
    write_passes(driver, rng, 5)
    checker.feed(POWER_CUT)
    path = "/store/commitlog/00000000000000000000"
    found = []
    begin = 0
    while size := int.from_bytes(disk.data[path][begin : begin + 4], "big"):
        files, after = disk.copy(), checker.copy()
        files.data[path][begin + 88 + size % 70] ^= 0x10
        begin += size
        try:
            driver = start(files, after, "q")
        except CorruptLog:
            continue
        found += _verdict(driver, after)
    return found


def ghosts():
    """Nobody got an answer for A, B and C; only C survives. It is cut, and stays away."""
    found = []
    for padding in (0, 120, 400, 900):
        disk, checker = new_disk(), Checker()
        driver = start(disk, checker, mapped_file_size_commit_log=8192)
        ends = []
        for _ in "ABC":
            driver.put(payload=b"x" * padding)
            driver.store.puts.end_pass()
            ends.append(driver.store.max_phy_offset)
        pending = disk.pending()
        picks = [item.choices * (item.sector >= ends[1] // 512) for item in pending]
        files = disk.crash(pending, picks)
        checker.feed(POWER_CUT)
        driver = start(files, checker, "q", mapped_file_size_commit_log=8192)
        driver.drain()
        for _ in "AB":
            driver.put(payload=b"y" * padding)
        driver.store.puts.end_pass()
        driver.flush()
        checker.feed(POWER_CUT)
        pending = files.pending()
        again = files.crash(pending, [item.choices for item in pending])
        driver = start(again, checker, "r", mapped_file_size_commit_log=8192)
        found += _verdict(driver, checker)
    return found


def lost_queue_files():
    """A file of a queue is gone at a start; it is made again, and durably."""
    found = []
    disk, checker, rng = new_disk(), Checker(), random.Random(3)
    driver = start(disk, checker)
    write_passes(driver, rng, 45)
    driver.flush_queues()
    checker.feed(POWER_CUT)
    for name, stopped in (("0" * 20, False), ("00000000000000000200", False), ("0" * 20, True)):
        files, after = disk.copy(), checker.copy()
        files.unlink(f"/store/consumequeue/T/0/{name}")
        files.settle()
        driver = start(files, after, "q")
        found += _verdict(driver, after)
        if stopped:
            driver.store.close()
        after.feed(POWER_CUT)
        pending = files.pending()
        again = files.crash(pending, [0] * len(pending))
        found += _verdict(start(again, after, "r"), after)
    return found


def queues_ahead_of_the_log():
    """ASYNC_FLUSH: the queues' units are on the disk, their records are not."""
    disk, checker, rng = new_disk(), Checker(), random.Random(3)
    driver = start(disk, checker, **ASYNC)
    write_passes(driver, rng, 3)
    for _ in range(3):
        driver.put(payload=rng.randbytes(200))
    driver.store.puts.end_pass()
    driver.flush_queues()
    pending = disk.pending()
    after = Checker()
    files = disk.crash(pending, [0] * len(pending))
    start(files, after, "q", **ASYNC).audit()
    return list(map(str, after.violations))


def power_cuts():
    found = []
    for seed in (3, 1):
        _, broken = sweep(record_run(seed, 30), seed, limit=130)
        found += [str(violations[0]) for _, violations in broken]
    return found


def power_cuts_without_sync_flush():
    """Acknowledged messages may go; queues and log must agree, and what is cut stays away."""
    _, broken = sweep(record_run(5, 25, **ASYNC), 5, limit=120)
    found = [str(one) for _, violations in broken for one in violations]
    return [text for text in found if text[:2] in {"I5", "I8", "I6"} or "does not start" in text]


STAGES = (
    one_store_at_a_time,
    a_quiet_life,
    full_disk,
    failed_write,
    failed_sync,
    damage,
    ghosts,
    lost_queue_files,
    queues_ahead_of_the_log,
    power_cuts,
    power_cuts_without_sync_flush,
)


def first_finding():
    """Go through the stages; give (stage, text) of the first thing wrong, None if all is well."""
    for stage in STAGES:
        try:
            found = stage()
        except Exception as error:  # noqa: BLE001 - a store that breaks down is found out too
            found = [repr(error)]
        if found:
            return stage.__name__, found[0]
    return None
