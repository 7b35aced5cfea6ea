"""N3 to N6: what a master may count, and what it answers when nobody is there to count."""

from __future__ import annotations

import trio

from rmqwire.codec.ha import pack_report
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.errors import ReplicationError
from rmqwire.ha.group_transfer import GroupTransfer
from rmqwire.ha.slaves import Slaves
from rmqwire.store.results import PutStatus
from tests.ha.support import fill, master_store
from tests.support.ha_grid import until
from tests.support.ha_proxy import BLACKHOLE_UP
from tests.support.ha_rows import row
from tests.support.ha_sim import sim_pair
from tests.support.ha_tap import IDLE
from tests.support.stores import Clock, message


class SyncMaster:
    """A SYNC_MASTER's cores, and the answers it gave."""

    def __init__(self, release=V5_5_0, **changes):
        self.clock = Clock()
        self.store = master_store(self.clock, **({"in_sync_replicas": 2} | changes))
        fill(self.store, 3)
        self.slaves = Slaves(self.store.log, self.store.config, self.clock)
        self.transfer = GroupTransfer(self.slaves, self.store.config, release, self.clock)
        self.store.puts.replication = self.transfer
        self.answers = []

    @property
    def end(self):
        return self.store.max_phy_offset

    def put(self):
        self.store.puts.put(message(), lambda result: self.answers.append(result.status))
        self.store.puts.end_pass()

    def report(self, connection, offset):
        """Take a report as the shell does."""
        if self.slaves.received(connection, pack_report(offset)):
            self.transfer.acked()

    def slave(self, peer="10.0.0.2:1"):
        """Connect one that has all there is."""
        connection = self.slaves.open(peer)
        self.report(connection, self.end)
        return connection

    def follow(self, connection):
        """Let it have all there is now."""
        while connection.next_data():
            pass
        self.report(connection, self.end)

    def pass_time(self, milliseconds):
        self.clock.now_ms += milliseconds
        self.transfer.expire()


@row
def test_n3_a_forged_report_is_never_counted():
    for forged in ("end + 1", "next end", -1, -(2**63), 2**63 - 1, 1 << 40):
        for first in (True, False):
            master = SyncMaster()
            forger = master.slaves.open("10.0.0.9:1")
            if not first:
                master.report(forger, 100)
            before = master.slaves.pushed
            offset = {"end + 1": master.end + 1, "next end": master.end + 200}.get(forged, forged)
            refused = False
            try:
                master.report(forger, offset)
            except ReplicationError:
                refused = True
                master.slaves.close(forger)
            master.put()
            master.pass_time(2999)
            assert master.answers == [], f"{forged} was believed"
            master.pass_time(1)
            assert master.answers == [PutStatus.FLUSH_SLAVE_TIMEOUT]
            assert refused
            assert master.slaves.pushed == before


@row
def test_n3_a_slave_has_no_more_than_it_was_sent_and_never_less_than_before():
    master = SyncMaster()
    slave = master.slaves.open("10.0.0.2:1")
    master.report(slave, 100)
    for wrong in (master.end, 101, 99):
        try:
            master.report(slave, wrong)
        except ReplicationError:
            assert slave.ack == 100
        else:
            raise AssertionError(f"a report of {wrong} after 100 was believed")


@row
async def test_n3_junk_is_cut_off_at_its_first_bytes():
    for junk in (b"\xff", b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x01"):
        async with sim_pair() as pair:
            forger = await pair.master.accept("10.0.0.9:1")
            took = 0
            try:
                while took < 1 << 30:
                    await forger.send_all(junk * (65_536 // len(junk)))
                    took += 65_536
                    await trio.testing.wait_all_tasks_blocked()
            except trio.BrokenResourceError:
                pass
            assert took <= 131_072, f"{took} bytes of junk were taken"
            assert len(pair.master.slaves.connections) == 1
            assert pair.master.slaves.pushed == pair.slave.store.max_phy_offset
            assert await pair.send()
            assert await pair.verdict() == []


@row
async def test_n3_half_a_report_for_ever_is_let_go():
    async with sim_pair() as pair:
        forger = await pair.master.accept("10.0.0.9:1")
        for _ in range(6):  # a byte now and then is no report
            await forger.send_all(b"\0")
            await trio.sleep(3.9)
        assert len(pair.master.slaves.connections) == 1


@row
def test_n4_a_zombie_connection_is_no_second_replica():
    master = SyncMaster(in_sync_replicas=3)
    zombie, again = master.slave("10.0.0.2:1"), master.slave("10.0.0.2:2")
    master.put()
    master.follow(zombie)
    master.follow(again)
    assert master.answers == []
    other = master.slave("10.0.0.3:1")
    master.follow(other)
    assert master.answers == [PutStatus.PUT_OK]
    master.put()
    master.follow(again)
    master.slaves.close(other)
    master.transfer.acked()
    master.pass_time(3000)
    assert master.answers == [PutStatus.PUT_OK, PutStatus.FLUSH_SLAVE_TIMEOUT]


@row
def test_n5_nobody_there_too_far_behind_and_back():
    old = SyncMaster(V4_9_7, ha_slave_fallbehind_max=1000)
    old.put()
    assert old.answers == [PutStatus.SLAVE_NOT_AVAILABLE]
    slave = old.slaves.open("10.0.0.2:1")
    old.report(slave, 100)
    fill(old.store, 10)
    old.put()
    assert old.answers[1:] == [PutStatus.SLAVE_NOT_AVAILABLE]
    old.follow(slave)
    old.put()
    assert old.answers[2:] == []
    old.follow(slave)
    assert old.answers[2:] == [PutStatus.PUT_OK]
    new = SyncMaster()
    new.put()
    new.pass_time(2999)
    assert new.answers == []
    new.pass_time(1)
    assert new.answers == [PutStatus.FLUSH_SLAVE_TIMEOUT]
    slave = new.slave()
    new.put()
    assert new.answers[1:] == []
    new.follow(slave)
    assert new.answers[1:] == [PutStatus.PUT_OK]


@row
async def test_n6_a_long_partition_costs_nothing_but_code_12():
    every_s, partition_s = 0.1, 60
    async with sim_pair() as pair:
        answers = []
        pair.proxy.arm(IDLE, BLACKHOLE_UP)
        await pair.proxy.strike()
        tasks = trio.lowlevel.current_statistics().tasks_living
        most = 0
        for _ in range(int(partition_s / every_s)):
            pair.master.store.puts.put(message(), lambda result: answers.append(result.status))
            pair.master.store.puts.end_pass()
            await trio.sleep(every_s)
            most = max(most, len(pair.master.transfer))
        assert set(answers) == {PutStatus.FLUSH_SLAVE_TIMEOUT}
        assert most <= (3 + 0.5) / every_s + 1, f"{most} sends wait"
        assert trio.lowlevel.current_statistics().tasks_living <= tasks + 2  # a link that is new
        await pair.proxy.heal()
        await until(pair.in_sync, 0.2)
        await until(pair.send, 0.2)
        assert await pair.verdict() == []


@row
async def test_an_idle_link_is_kept_and_a_silent_one_is_not():
    async with sim_pair() as pair:
        opened = pair.master.slaves.connections[0]
        await trio.sleep(120)
        assert pair.master.slaves.connections == [opened]
        await pair.slave.freeze()
        await trio.sleep(14)
        assert pair.master.slaves.connections == [opened]
        await trio.sleep(8)
        assert pair.master.slaves.connections == []
        await pair.slave.thaw()
        await until(pair.send, 0.2)
        link = pair.slave.following.link
        await pair.master.freeze()
        await trio.sleep(27)
        assert pair.slave.following.link is not link
        await pair.master.thaw()
        await until(pair.send, 0.2)
        assert await pair.verdict() == []
