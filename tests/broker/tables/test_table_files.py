"""K4, C8: the broker's tables on disk. Damaged ones give way to their backups, never to nothing."""

from __future__ import annotations

import random

import pytest

from rmqwire.codec import java_json
from rmqwire.codec.bodies import SubscriptionGroupConfig, TopicConfig
from rmqwire.disk.table_file import ConfigFile
from rmqwire.errors import ProtocolError, StoreError
from tests.broker.admin_support import AdminBroker
from tests.support.memory_files import MemoryFiles
from tests.support.sim_files import SimFiles

CONFIG = "store/config/"
TABLES = ("topics.json", "subscriptionGroup.json", "consumerOffset.json", "delayOffset.json")
LARGE = 50 << 20
GARBAGE = {
    "empty": b"",
    "blank": b" \r\n\t ",
    "zeros": bytes(4096),
    "no JSON": b"garbage",
    "another thing": b"[]",
    "nothing": b"null",
    "no table": b"{}",
    "a number": b'{"topicConfigTable":5,"subscriptionGroupTable":5,"offsetTable":5}',
    "bytes": random.Random(1).randbytes(3000),
    "50 MB of blanks": b" " * LARGE,
    "50 MB of zeros": bytes(LARGE),
    "50 MB of brackets": b"[" * LARGE,
}


def stopped() -> MemoryFiles:
    """Return the disk of a broker that had topics, groups, offsets and delays, twice persisted."""
    broker = AdminBroker()
    state = broker.state
    for number in range(2):
        state.topics.update(TopicConfig(topic_name=f"topic{number}"))
        state.groups.update(SubscriptionGroupConfig(group_name=f"group{number}"))
        state.offsets.commit("h", "group0", "topic0", 0, 7)
        state.schedule.levels[3].offset = 5
        state.offsets.persist()
        state.schedule.persist()
    broker.close()
    return broker.files


def started(files: MemoryFiles) -> AdminBroker:
    """Start a broker on a disk."""
    return AdminBroker(files=files.copy())


def check(broker: AdminBroker) -> None:
    state = broker.state
    assert "topic0" in state.topics.table
    assert "group0" in state.groups.table
    assert state.offsets.query("group0", "topic0", 0) == 7
    assert state.schedule.levels[3].offset == 5
    broker.close()


@pytest.fixture(scope="module")
def disk() -> MemoryFiles:
    return stopped()


def test_there_are_files_and_backups(disk):
    for name in TABLES:
        assert disk.exists(CONFIG + name)
        assert disk.exists(CONFIG + name + ".bak")
    check(started(disk))


@pytest.mark.parametrize("kind", GARBAGE)
@pytest.mark.parametrize("name", TABLES)
def test_a_damaged_table_gives_way_to_its_backup(disk, name, kind, caplog):
    files = disk.copy()
    files.put(CONFIG + name, GARBAGE[kind])
    check(started(files))
    assert name in caplog.text


@pytest.mark.parametrize("name", TABLES)
def test_every_truncation_gives_way_to_the_backup(disk, name):
    files = disk.copy()
    whole = bytes(files.data[CONFIG + name])
    for size in range(0, len(whole.rstrip()), max(len(whole) // 12, 1)):
        files.put(CONFIG + name, whole[:size])
        check(started(files))
    files.put(CONFIG + name, whole[: len(whole) // 2].ljust(len(whole), b"\0"))
    check(started(files))


@pytest.mark.parametrize("kind", [kind for kind in GARBAGE if "MB" not in kind])
@pytest.mark.parametrize("name", TABLES)
def test_no_start_when_table_and_backup_are_damaged(disk, name, kind):
    files = disk.copy()
    for suffix in ("", ".bak"):
        files.put(CONFIG + name + suffix, GARBAGE[kind])
    with pytest.raises(StoreError, match="not starting from an empty table"):
        started(files)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_missing_gives_way_to_its_backup(disk, name):
    files = disk.copy()
    del files.data[CONFIG + name]
    check(started(files))


def test_a_large_table_is_read():
    """What 50 MB of garbage may not do, megabytes of topics may."""
    files = stopped()
    broker = started(files)
    for number in range(20_000):
        name = f"topic-with-a-rather-long-name-{number}"
        broker.state.topics.table[name] = TopicConfig(topic_name=name)
    broker.state.topics.persist()
    assert len(broker.files.data[CONFIG + "topics.json"]) > 3_000_000
    again = started(broker.files)
    assert len(again.state.topics.table) > 20_000
    check(again)


# --- a power cut, a kill -------------------------------------------------------------------------


def table(number: int) -> bytes:
    return b'{"offsetTable":{"n":%d},"pad":"%s"}' % (number, b"x" * 3000)


def seen(files) -> int | None:
    """Return the number of the table that a start would read, None without one."""
    found: list[int] = []

    def decode(data: bytes) -> None:
        if len(data) != len(table(1)):
            raise ProtocolError("not whole")
        found.append(java_json.loads(data)["offsetTable"]["n"])

    file = ConfigFile(CONFIG + "consumerOffset.json", files, holds="offsetTable")
    return found[0] if file.load(decode) else None


def test_a_power_cut_at_any_call_leaves_the_table_of_before_or_the_new_one():
    rng = random.Random(5)
    states = 0
    for stop in range(40):
        disk = SimFiles()
        disk.makedirs("store/config")
        disk.settle()
        file = ConfigFile(CONFIG + "consumerOffset.json", disk, holds="offsetTable")
        for number in (1, 2):
            file.persist(table(number))
        disk.calls.clear()
        if not cut_after(disk, file, stop):
            break
        pending = disk.pending()
        for picks in choices(pending, rng):
            assert seen(disk.crash(pending, picks)) in {2, 3}
            states += 1
        assert seen(disk.copy()) in {2, 3}  # a kill: the cache survives
    assert states > 100


def cut_after(disk: SimFiles, file: ConfigFile, calls: int) -> bool:
    """Persist table 3 and stop after so many calls; False when it came to its end."""

    class Cut(Exception):
        pass

    original, done = disk.called, [0]

    def called(operation: str, path: str) -> None:
        done[0] += 1
        if done[0] > calls:
            raise Cut
        original(operation, path)

    disk.called = called  # type: ignore[method-assign]
    try:
        file.persist(table(3))
    except Cut:
        return True
    finally:
        disk.called = original  # type: ignore[method-assign]
    return False


def choices(pending, rng):
    yield [0] * len(pending)
    yield [item.choices for item in pending]
    for index in range(len(pending)):
        yield [item.choices if at == index else 0 for at, item in enumerate(pending)]
        yield [0 if at == index else item.choices for at, item in enumerate(pending)]
    for _ in range(20):
        yield [rng.randint(0, item.choices) for item in pending]
