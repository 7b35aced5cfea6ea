"""A SYNC_MASTER and its slave under every fault of the link, as a state machine.

After each step: the slave's log is a prefix of the master's, its queues point into it, nothing is
acknowledged that it hasn't, and no send was answered with OK before the slave had it.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rmqwire.codec.release import V5_5_0
from rmqwire.errors import ReplicationError
from rmqwire.ha.group_transfer import GroupTransfer
from rmqwire.ha.slave_link import SlaveLink
from rmqwire.ha.slaves import Slaves
from rmqwire.store.replica.replica_log import ReplicaLog
from rmqwire.store.results import PutStatus
from tests.ha.support import log_bytes, master_store, slave_store, units
from tests.support.stores import Clock, message


class Link(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.master = master_store(self.clock, in_sync_replicas=2, ha_transfer_batch_size=777)
        self.slave = slave_store(self.clock)
        self.log = ReplicaLog(self.slave)
        self.slaves = Slaves(self.master.log, self.master.config, self.clock)
        self.transfer = GroupTransfer(self.slaves, self.master.config, V5_5_0, self.clock)
        self.master.puts.replication = self.transfer
        self.connection = self.link = None
        self.to_slave = self.to_master = b""
        self.early = []  # sends that were answered with OK before the slave had them
        self.sent = self.answered = 0
        self.put(1, 1, 0)
        self.connect()
        self.transport_all()  # a slave that is not empty never starts at the last file

    def connect(self):
        self.connection = self.slaves.open("10.0.0.2:1")
        self.link = SlaveLink(self.log, self.slave.config, self.clock)
        self.link.start()
        self.to_slave = self.to_master = b""

    def lose(self):
        if self.connection is not None:
            self.slaves.close(self.connection)
        self.connection = self.link = None
        self.to_slave = self.to_master = b""

    def transport_all(self):
        while self.link is not None:
            before = self.slave.max_phy_offset, self.connection.ack, self.connection.position
            self.deliver_up(10**9)
            self.deliver_down(10**9)
            self.deliver_up(10**9)
            after = self.slave.max_phy_offset, self.connection.ack, self.connection.position
            if before == after:
                return

    def answer(self, result):
        self.answered += 1
        end = result.physical_offset + result.size
        if result.status == PutStatus.PUT_OK and self.slave.max_phy_offset < end:
            self.early.append(end)

    @rule(size=st.sampled_from([1, 60, 900]), count=st.integers(1, 4), queue=st.integers(0, 1))
    def put(self, size, count, queue):
        for _ in range(count):
            self.master.puts.put(message(queue_id=queue, body=b"x" * size), self.answer)
            self.sent += 1
        self.master.puts.end_pass()

    @precondition(lambda self: self.link is not None)
    @rule(size=st.sampled_from([1, 7, 8, 9, 10**9]))
    def deliver_up(self, size):
        self.to_master += self.link.data_to_send()
        data, self.to_master = self.to_master[:size], self.to_master[size:]
        if data and self.slaves.received(self.connection, data):
            self.transfer.acked()

    @precondition(lambda self: self.link is not None)
    @rule(size=st.sampled_from([1, 11, 12, 13, 500, 5000, 10**9]))
    def deliver_down(self, size):
        while data := self.connection.next_data():
            self.to_slave += data
        data, self.to_slave = self.to_slave[:size], self.to_slave[size:]
        if data:
            self.link.receive_data(data)

    @precondition(lambda self: self.link is not None)
    @rule(at=st.integers(0, 5000), bit=st.integers(0, 7))
    def damage_what_comes(self, at, bit):
        """One bit turns over: header, record or the bytes behind a BLANK."""
        while data := self.connection.next_data():
            self.to_slave += data
        log = log_bytes(self.master)
        if at >= len(self.to_slave):
            return
        wrong = bytearray(self.to_slave)
        wrong[at] ^= 1 << bit
        before = self.slave.max_phy_offset
        copy = slave_store(self.clock, self.slave.files.copy())
        link = SlaveLink(ReplicaLog(copy), copy.config, self.clock)
        link.start()
        link.position = self.link.position
        try:
            link.receive_data(bytes(wrong))
        except ReplicationError:
            assert log_bytes(copy)[:before] == log[:before]

    @rule()
    def cut_the_link(self):
        self.lose()

    @rule()
    def kill_the_slave(self):
        self.lose()
        self.slave = slave_store(self.clock, self.slave.files.copy())
        self.log = ReplicaLog(self.slave)

    @precondition(lambda self: self.link is None)
    @rule()
    def connect_again(self):
        self.connect()

    @rule(milliseconds=st.sampled_from([1, 999, 3000, 6000]))
    def pass_time(self, milliseconds):
        self.clock.now_ms += milliseconds
        self.transfer.expire()

    @invariant()
    def the_slave_is_a_prefix(self):
        ours, theirs = log_bytes(self.slave), log_bytes(self.master)
        assert theirs.startswith(ours)
        mine, master = units(self.slave), units(self.master)
        for queue, (first, found) in mine.items():
            assert master[queue] == (first, master[queue][1])
            assert master[queue][1][: len(found)] == found

    @invariant()
    def nothing_is_acknowledged_too_early(self):
        assert self.early == []
        assert self.slaves.pushed <= self.slave.max_phy_offset
        assert self.answered <= self.sent

    def teardown(self):
        if self.link is None:
            self.connect()
        self.transport_all()
        assert log_bytes(self.slave) == log_bytes(self.master)
        assert units(self.slave) == units(self.master)
        self.clock.now_ms += 3000
        self.transfer.expire()
        assert self.answered == self.sent


TestLink = Link.TestCase
TestLink.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
