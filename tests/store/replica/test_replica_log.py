"""A slave's way into the store, beside what the link's tests show."""

from __future__ import annotations

import pytest

from rmqwire.errors import ReplicationError, StoreReadOnly
from rmqwire.store.config import SYNC_FLUSH
from rmqwire.store.replica.replica_log import OVERLAP, ReplicaLog
from tests.ha.support import SEGMENT, fill, log_bytes, master_store, slave_store, units
from tests.support.stores import message, put


def test_waiting_pulls_hear_of_each_queue_and_tag_once():
    master = master_store(mapped_file_size_commit_log=1 << 20)
    for number in range(9):
        put(master, message(queue_id=number % 2, tags_code=number % 3))
    slave = slave_store(mapped_file_size_commit_log=1 << 20)
    heard = []
    slave.events.arrived = lambda *what: heard.append(what)
    ReplicaLog(slave).append(log_bytes_of(master))
    assert len(heard) == len(set(heard))
    assert {(topic, queue, end) for topic, queue, end, _ in heard} == {("T", 0, 5), ("T", 1, 4)}


def log_bytes_of(store) -> bytes:
    return store.log.queue.read(0, store.log.end)


def test_sync_flush_is_asked_for():
    slave = slave_store(flush_disk_type=SYNC_FLUSH)
    wanted = []
    slave.events.flush_wanted = lambda: wanted.append(1)
    master = master_store()
    fill(master, 3)
    log = ReplicaLog(slave)
    log.append(log_bytes_of(master))
    assert wanted
    assert log.flushed == 0
    slave.flushes.run_flush(slave.flushes.log_flush_plan(thorough=True))
    assert log.flushed == log.end == master.max_phy_offset


def test_half_messages_are_in_the_log_and_in_no_queue():
    master = master_store()
    put(master, message(sys_flag=0x4), message(), message(sys_flag=0xC), message())
    slave = slave_store()
    log, data = ReplicaLog(slave), log_bytes_of(master)
    log.append(data[: len(data) // 4])  # four records of one size
    assert log.end == len(data) // 4
    assert units(slave) == {}
    log.append(data[len(data) // 4 :])
    assert units(slave) == units(master)
    assert len(units(slave)["T", 0][1]) == 2


def test_the_overlap_is_never_zero_and_in_one_file():
    slave = slave_store(mapped_file_size_commit_log=1 << 20)
    log = ReplicaLog(slave)
    assert log.overlap_start() == 0
    master = master_store(mapped_file_size_commit_log=1 << 20)
    fill(master, 2)
    log.append(log_bytes_of(master))
    assert log.overlap_start() == 1
    fill(master, 900, first=2)
    log.append(master.log.queue.read(log.end, master.log.end - log.end))
    assert log.overlap_start() == log.end - OVERLAP
    small = slave_store()
    log = ReplicaLog(small)
    log.begin(3 * SEGMENT)
    small.log.start_at(4 * SEGMENT)
    assert log.overlap_start() == 3 * SEGMENT


@pytest.mark.parametrize("offset", [-SEGMENT, 1, SEGMENT - 1])
def test_a_log_begins_where_a_file_does(offset):
    with pytest.raises(ReplicationError):
        ReplicaLog(slave_store()).begin(offset)


def test_a_log_that_has_begun_does_not_begin_again():
    master, slave = master_store(), slave_store()
    fill(master, 1)
    log = ReplicaLog(slave)
    log.append(log_bytes_of(master))
    with pytest.raises(ReplicationError):
        log.begin(0)


def test_a_failed_write_ends_it_until_the_next_start():
    master, slave = master_store(), slave_store()
    fill(master, 3)
    slave.files.fail("pwrite", "commitlog")
    log = ReplicaLog(slave)
    with pytest.raises(OSError, match="injected"):
        log.append(log_bytes_of(master))
    assert log.end == 0
    assert units(slave) == {}
    with pytest.raises(StoreReadOnly):
        log.append(log_bytes_of(master))


def test_a_restarted_slave_cuts_what_was_torn_and_has_the_same_queues():
    master, slave = master_store(), slave_store()
    fill(master, 18)
    data = log_bytes_of(master)
    ReplicaLog(slave).append(data[:-7])
    again = slave_store(files=slave.files.copy())
    assert again.max_phy_offset == master.max_phy_offset - len(data) // 18
    ReplicaLog(again).append(data[again.max_phy_offset :])
    assert log_bytes(again) == log_bytes(master)
    assert units(again) == units(master)


def test_a_slave_writes_extension_units_of_its_own():
    settings = {"enable_consume_queue_ext": True, "mapped_file_size_consume_queue_ext": 100}
    master, slave = master_store(**settings), slave_store(**settings)
    for number in range(9):
        master.wall_ms.now_ms += 1000
        properties = b"TAGS\x01%c\x02" % (ord("a") + number)  # the hash of one letter is itself
        put(master, message(tags_code=ord("a") + number, properties=properties))
    ReplicaLog(slave).append(log_bytes(master))
    assert units(slave) == units(master)
    queues = [store.queues.find("T", 0) for store in (slave, master)]
    extended = [[queue.ext.unit(queue.unit(offset)[2]) for offset in range(9)] for queue in queues]
    assert extended[0] == extended[1]
    assert [unit.tags_code for unit in extended[0]] == list(range(97, 106))
