"""What a SYNC_MASTER answers, by the rules of each release."""

from __future__ import annotations

import pytest

from rmqwire.codec.ha import pack_report
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.ha.group_transfer import GroupTransfer
from rmqwire.ha.slaves import Slaves
from rmqwire.store.config import SYNC_FLUSH
from rmqwire.store.results import PutStatus
from tests.ha.support import master_store
from tests.support.stores import Clock, message


class SyncMaster:
    def __init__(self, release, **changes):
        self.clock = Clock()
        self.store = master_store(self.clock, **changes)
        self.slaves = Slaves(self.store.log, self.store.config, self.clock)
        self.transfer = GroupTransfer(self.slaves, self.store.config, release, self.clock)
        self.store.puts.replication = self.transfer
        self.answers: list[int] = []

    def put(self, **changes):
        self.store.puts.put(message(**changes), lambda result: self.answers.append(result.status))
        self.store.puts.end_pass()

    def flush(self):
        self.store.flushes.run_flush(self.store.flushes.log_flush_plan(thorough=True))

    def slave(self, peer="10.0.0.2:1"):
        slave = self.slaves.open(peer)
        self.slaves.received(slave, pack_report(self.store.max_phy_offset))
        self.transfer.acked()
        return slave

    def ack(self, slave):
        while slave.next_data():
            pass
        self.slaves.received(slave, pack_report(self.store.max_phy_offset))
        self.transfer.acked()

    def pass_time(self, milliseconds):
        self.clock.now_ms += milliseconds
        self.transfer.expire()
        self.store.expire_waits()


OK, DISK, SLAVE, NO_SLAVE = (
    PutStatus.PUT_OK,
    PutStatus.FLUSH_DISK_TIMEOUT,
    PutStatus.FLUSH_SLAVE_TIMEOUT,
    PutStatus.SLAVE_NOT_AVAILABLE,
)


def test_4_9_says_at_once_that_no_slave_is_there():
    master = SyncMaster(V4_9_7)
    master.put()
    assert master.answers == [NO_SLAVE]


def test_4_9_waits_for_one_slave():
    master = SyncMaster(V4_9_7)
    slave = master.slave()
    master.put()
    assert master.answers == []
    master.ack(slave)
    assert master.answers == [OK]


def test_4_9_times_out_and_then_finds_the_slave_too_far_behind():
    master = SyncMaster(V4_9_7, ha_slave_fallbehind_max=250)
    slave = master.slave()
    master.put()
    master.pass_time(2_999)
    assert master.answers == []
    master.pass_time(1)
    assert master.answers == [SLAVE]
    master.put()
    master.put()
    assert master.answers[1:] == [NO_SLAVE]  # the second fits into 250 bytes, the third doesn't
    master.ack(slave)
    master.put()
    master.ack(slave)
    assert master.answers[1:] == [NO_SLAVE, OK, OK]


@pytest.mark.parametrize(
    ("release", "refused"), [(V4_9_7, NO_SLAVE), (V5_5_0, SLAVE)], ids=["4.9.7", "5.5.0"]
)
def test_n5_no_slave_a_slave_far_behind_a_slave_in_range(release, refused):
    master = SyncMaster(release, in_sync_replicas=2, ha_slave_fallbehind_max=400)
    for _ in range(4):
        master.put()
        master.pass_time(3_000)
    late = master.slaves.open("10.0.0.2:1")
    master.slaves.received(late, pack_report(1))
    master.put()
    master.pass_time(3_000)
    assert master.answers == [refused] * 5
    master.ack(late)
    for _ in range(3):  # no time passes: nothing has to recover first
        master.put()
        master.ack(late)
    assert master.answers[5:] == [OK] * 3
    master.slaves.close(late)
    master.put()
    master.pass_time(3_000)
    assert master.answers[8:] == [refused]


def test_5_answers_alone_by_default():
    master = SyncMaster(V5_5_0)
    master.put()
    assert master.answers == [OK]


def test_5_waits_in_vain_for_a_slave_that_is_not_there():
    master = SyncMaster(V5_5_0, in_sync_replicas=2)
    master.put()
    assert master.answers == []
    master.pass_time(3_000)
    assert master.answers == [SLAVE]


def test_5_counts_copies():
    master = SyncMaster(V5_5_0, in_sync_replicas=3)
    first, second = master.slave("10.0.0.2:1"), master.slave("10.0.0.3:1")
    master.put()
    master.ack(first)
    assert master.answers == []
    master.ack(second)
    assert master.answers == [OK]


def test_n4_one_slave_with_two_connections_is_one_copy():
    master = SyncMaster(V5_5_0, in_sync_replicas=3)
    first, again = master.slave("10.0.0.2:1"), master.slave("10.0.0.2:2")
    master.put()
    master.ack(first)
    master.ack(again)
    assert master.answers == []


@pytest.mark.parametrize("release", [V4_9_7, V5_5_0], ids=lambda r: r.name)
def test_wait_false_waits_for_nobody(release):
    master = SyncMaster(release, in_sync_replicas=2, flush_disk_type=SYNC_FLUSH)
    master.put(wait_store_ok=False)
    assert master.answers == [OK]


def test_both_are_waited_for_in_any_order():
    for flush_first in (True, False):
        master = SyncMaster(V5_5_0, in_sync_replicas=2, flush_disk_type=SYNC_FLUSH)
        slave = master.slave()
        master.put()
        if flush_first:
            master.flush()
            assert master.answers == []
            master.ack(slave)
        else:
            master.ack(slave)
            assert master.answers == []
            master.flush()
        assert master.answers == [OK]


def test_the_disk_s_failure_is_said_when_the_slave_has_it():
    master = SyncMaster(V5_5_0, in_sync_replicas=2, flush_disk_type=SYNC_FLUSH)
    slave = master.slave()
    master.put()
    master.ack(slave)
    master.pass_time(5_000)
    assert master.answers == [DISK]


def test_the_slave_s_failure_wins_over_the_disk_s():
    master = SyncMaster(V5_5_0, in_sync_replicas=2, flush_disk_type=SYNC_FLUSH)
    master.put()
    master.pass_time(5_000)  # the disk's time is over, and so is the slave's
    master.pass_time(0)
    assert master.answers == [SLAVE]


def test_the_slave_s_failure_is_said_after_a_good_flush():
    master = SyncMaster(V5_5_0, in_sync_replicas=2, flush_disk_type=SYNC_FLUSH)
    master.put()
    master.flush()
    master.pass_time(3_000)
    assert master.answers == [SLAVE]


def test_a_thousand_waits_are_answered_in_order():
    master = SyncMaster(V5_5_0, in_sync_replicas=2, mapped_file_size_commit_log=1 << 20)
    slave = master.slave()
    done = []
    for number in range(1000):
        master.store.puts.put(message(), lambda result, n=number: done.append((n, result.status)))
    master.store.puts.end_pass()
    assert len(master.transfer) == 1000
    master.ack(slave)
    assert done == [(number, OK) for number in range(1000)]


def test_a_broker_that_stops_answers_what_waits():
    master = SyncMaster(V5_5_0, in_sync_replicas=2)
    master.put()
    master.transfer.fail_all()
    assert master.answers == [SLAVE]
