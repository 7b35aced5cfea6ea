"""D5, D6: a disk that fails once. Nothing is acknowledged that is not there, then or later."""

import errno
import random

import pytest

from rmqwire.errors import StoreError
from rmqwire.store.results import PutStatus
from tests.support.checker import Checker
from tests.support.crash_states import SYNC, new_disk
from tests.support.faulty_files import FOR_EVER, Fault, FaultyFiles
from tests.support.histories import StoreDriver
from tests.support.stores import make_store, message, put, small_config

POWER_CUT = {"op": "fault", "type": "start", "name": "power cut", "crash": True}
KILL = POWER_CUT | {"name": "SIGKILL"}


def start(files, checker, name, **settings):
    store = make_store(files, config=small_config(**(SYNC | settings)))
    store.open()
    return StoreDriver(store, checker.feed, name=name)


def write_passes(driver, rng, passes=6):
    for _ in range(passes):
        for _ in range(rng.randint(1, 4)):
            driver.put("T", rng.randrange(2), rng.randbytes(rng.randrange(300)))
        driver.store.puts.end_pass()
        driver.flush()
        driver.poll("T", 0)


@pytest.mark.parametrize("first", range(1, 9))
def test_a_sync_that_fails_once_acknowledges_nothing(first):
    disk, checker, rng = new_disk(), Checker(), random.Random(first)
    fault = Fault("datasync", "commitlog", first=first)
    driver = start(FaultyFiles(disk, fault), checker, "p")
    write_passes(driver, rng, 10)
    assert fault.seen == first  # it is not tried again
    store = driver.store
    assert not store.is_writable
    acked = checker.acked
    (refused,) = put(store, message())
    assert refused.status == PutStatus.SERVICE_NOT_AVAILABLE
    assert "failed" in refused.remark
    store.close()
    assert (disk.exists("/store/abort"), checker.acked) == (True, acked)


@pytest.mark.parametrize("first", range(1, 9))
def test_what_a_failed_sync_left_in_the_cache_is_not_served_before_it_is_on_disk(first):
    """The process is started again on the same machine: the cache shows what the disk has not."""
    disk, checker, rng = new_disk(), Checker(), random.Random(first)
    driver = start(FaultyFiles(disk, Fault("datasync", "commitlog", first=first)), checker, "p")
    write_passes(driver, rng, 10)
    driver.store.close()
    checker.feed(KILL)
    driver = start(disk, checker, "q")
    driver.drain()
    driver.put(payload=b"after")
    driver.store.puts.end_pass()
    driver.flush()
    driver.drain()
    assert checker.violations == []
    pending = disk.pending()
    for picks in power_cuts(pending, rng):
        after = checker.copy()
        after.feed(POWER_CUT)
        start(disk.crash(pending, picks), after, "r").drain()
        assert list(map(str, after.violations)) == []


def power_cuts(pending, rng):
    yield [0] * len(pending)
    yield [item.choices for item in pending]
    for _ in range(6):
        yield [rng.randint(0, item.choices) for item in pending]


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("times", [1, FOR_EVER])
def test_a_write_that_fails_acknowledges_nothing(short, code, times):
    disk, checker, rng = new_disk(), Checker(), random.Random(5)
    fault = Fault("write", "commitlog", first=4, times=times, code=code, short=short)
    driver = start(FaultyFiles(disk, fault), checker, "p")
    write_passes(driver, rng)
    assert fault.seen >= 4
    driver.drain()
    driver.audit()
    checker.feed(KILL)
    driver = start(disk.copy(), checker, "q")
    write_passes(driver, rng)
    driver.drain()
    driver.audit()
    assert list(map(str, checker.violations)) == []
    assert checker.acked > 6


@pytest.mark.parametrize("times", [1, FOR_EVER])
def test_every_call_fails(times):
    """D7 in small: each call of a short life fails, once or from then on; the next start is right."""
    swept = 0
    for number in range(1, 1000):
        disk, checker, rng = new_disk(), Checker(), random.Random(number)
        files = FaultyFiles(disk, Fault(first=number, times=times))
        try:
            driver = start(files, checker, "p")
            write_passes(driver, rng, 5)
            driver.flush_queues()
            driver.store.close()
        except (OSError, StoreError) as error:
            assert "injected" in str(error)  # noqa: PT017 - it may come or not
        if not files.spoilt:
            break
        swept += 1
        checker.feed(KILL)
        driver = start(disk.copy(), checker, "q")
        write_passes(driver, rng, 1)
        driver.drain()
        driver.audit()
        assert list(map(str, checker.violations)) == [], (number, files.spoilt)
    assert swept > 40
