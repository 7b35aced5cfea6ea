"""K3: the process is killed, or the power goes, at every call that a recovery makes."""

import random

import pytest

from rmqwire.errors import StoreError
from tests.support.checker import Checker
from tests.support.crash_states import new_disk
from tests.support.faulty_files import FOR_EVER, Fault, FaultyFiles, ProcessKilled
from tests.support.lab import POWER_CUT, start, write_passes
from tests.support.stores import make_store


@pytest.fixture
def torn():
    """A disk whose store lost the power with a pass half written, and its history."""
    disk, checker, rng = new_disk(), Checker(), random.Random(4)
    driver = start(disk, checker)
    write_passes(driver, rng, 8)
    driver.flush_queues()
    write_passes(driver, rng, 4)
    for _ in range(3):
        driver.put("T", 1, rng.randbytes(500), tag="a")
    driver.store.puts.end_pass()
    pending = disk.pending()
    checker.feed(POWER_CUT)
    picks = [item.choices * (number % 3 > 0) for number, item in enumerate(pending)]
    return disk.crash(pending, picks), checker, driver.store.config


def log_and_queues(files):
    kinds = ("/store/commitlog", "/store/consumequeue")
    return {path: bytes(data) for path, data in files.data.items() if path.startswith(kinds)}


@pytest.mark.parametrize("power", [False, True])
def test_killed_at_every_call(torn, power):
    disk, checker, config = torn
    whole = disk.copy()
    make_store(whole, config=config).open()
    rng = random.Random(1)
    for number in range(1, 1000):
        files = disk.copy()
        try:
            make_store(FaultyFiles(files, Fault(first=number, kill=True)), config=config).open()
        except ProcessKilled:
            pass
        else:
            break
        pending = files.pending()
        if power:
            files = files.crash(pending, [rng.randint(0, item.choices) for item in pending])
        else:
            files = files.copy()
        after = checker.copy()
        driver = start(files, after, "q")
        driver.drain()
        driver.audit()
        assert list(map(str, after.violations)) == []
        assert log_and_queues(files) == log_and_queues(whole)
    assert number > 40


@pytest.mark.parametrize("times", [1, FOR_EVER])
def test_d7_every_call_of_a_recovery_fails(torn, times):
    """The start is given up or goes well; the next one is right in any case."""
    disk, checker, config = torn
    whole = disk.copy()
    make_store(whole, config=config).open()
    given_up = 0
    for number in range(1, 1000):
        files = disk.copy()
        faulty = FaultyFiles(files, Fault(first=number, times=times))
        try:
            make_store(faulty, config=config).open()
        except (OSError, StoreError) as error:
            assert "injected" in str(error)  # noqa: PT017 - it may come or not
            given_up += 1
        if not faulty.spoilt:
            break
        files = files.copy()
        after = checker.copy()
        driver = start(files, after, "q")
        driver.drain()
        driver.audit()
        assert list(map(str, after.violations)) == [], (number, faulty.spoilt)
        assert log_and_queues(files) == log_and_queues(whole)
    assert given_up > 20
