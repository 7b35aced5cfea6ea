"""N7, N8: a slave whose log is not its master's, by ``haDivergencePolicy``."""

from __future__ import annotations

import logging

import pytest
import trio
import trio.testing

from rmqwire.errors import LogDiverged, ReplicationError
from rmqwire.ha.divergence import STOP, TRUNCATE, Divergence
from rmqwire.ha.master_server import HaMaster
from rmqwire.ha.slave_client import HaSlave
from rmqwire.ha.slave_link import SlaveLink
from rmqwire.ha.slaves import Slaves
from rmqwire.store.replica.replica_log import OVERLAP, ReplicaLog
from tests.ha.support import fill, log_bytes, master_store, slave_store, units
from tests.ha.test_links import trio_ms, until
from tests.support.stores import Clock

SAME = 12


class Parted:
    """A slave with records that its master lost, and a master that may have written others."""

    def __init__(self, ours, theirs, *, size=100, same=SAME, policy=TRUNCATE, **changes):
        self.clock = Clock()
        self.master = master_store(self.clock)
        fill(self.master, same, size=size)
        self.slave = slave_store(self.clock, self.master.files.copy(), **changes)
        self.slave.health.allow()
        fill(self.slave, ours, first=1000, size=size)
        fill(self.master, theirs, first=5000, size=size)
        self.ours = log_bytes(self.slave)
        self.log = ReplicaLog(self.slave)
        self.divergence = Divergence(self.log, policy)
        self.slaves = Slaves(self.master.log, self.master.config, self.clock)

    def link(self) -> str:
        """Run one link until nothing moves or an end ends it; say what came of it."""
        self.divergence.link_begins()
        connection = self.slaves.open("10.0.0.2:1")
        link = SlaveLink(self.log, self.slave.config, self.clock, self.divergence.overlap)
        link.start()
        try:
            for _ in range(4):
                self.slaves.received(connection, link.data_to_send())
                while data := connection.next_data():
                    link.receive_data(data)
                self.clock.now_ms += 5_000
        except LogDiverged as error:
            return self.divergence.settle(error)
        except ReplicationError as error:
            return str(error)
        finally:
            self.divergence.link_ended(link)
            self.slaves.close(connection)
        return "" if link.verified else "silent"

    def links(self, most=20) -> list[str]:
        """Connect again until all is well."""
        said = []
        while (text := self.link()) and len(said) < most:
            said.append(text)
        return said

    def assert_equal(self):
        assert log_bytes(self.slave) == log_bytes(self.master)
        assert units(self.slave) == units(self.master)


def saved_bytes(store) -> bytes:
    """All that was saved, in the order it was."""
    files = store.files
    paths = sorted(path for path in files.data if "/diverged/" in path)
    return b"".join(bytes(files.data[path]) for path in paths)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(5, 0), (1, 0), (50, 0), (5, 5), (1, 1), (3, 40), (40, 3)],
    ids=str,
)
def test_n7_n8_what_only_the_slave_has_is_saved_and_cut(ours, theirs):
    parted = Parted(ours, theirs)
    common = len(log_bytes(parted.master)) if not theirs else None
    said = parted.links()
    assert f"; {ours} messages, the bytes from " in said[-1]
    parted.assert_equal()
    kept = len(parted.ours) - len(saved_bytes(parted.slave))
    assert parted.ours[kept:] == saved_bytes(parted.slave)
    assert common is None or kept == common
    fill(parted.master, 9, first=9000)
    assert parted.links() == []
    parted.assert_equal()


def test_what_was_followed_after_a_cut_is_there_at_the_next_start():
    parted = Parted(20, 30)
    parted.links()
    parted.slave.close()
    again = slave_store(parted.clock, parted.slave.files)
    assert log_bytes(again) == log_bytes(parted.master)
    assert units(again) == units(parted.master)


@pytest.mark.parametrize("theirs", [0, 60, 80])
def test_more_than_the_overlap_is_looked_at_when_all_of_it_differs(theirs):
    parted = Parted(60, theirs, size=3000)
    assert len(parted.ours) > 2 * OVERLAP
    said = parted.links()
    assert len(said) >= 3
    assert "; 60 messages, the bytes from " in said[-1]
    parted.assert_equal()
    assert parted.divergence.overlap == OVERLAP


@pytest.mark.parametrize(("ours", "theirs"), [(40, 40), (3, 80)])
def test_logs_without_a_record_in_common_are_never_cut(ours, theirs):
    parted = Parted(ours, theirs, same=0, size=3000)
    said = [parted.link() for _ in range(8)]
    assert any("nothing in common is found, nothing is cut" in text for text in said)
    assert log_bytes(parted.slave) == parted.ours


@pytest.mark.parametrize(("ours", "theirs"), [(5, 0), (5, 5), (2, 9)])
def test_by_default_it_is_said_and_nothing_is_touched(ours, theirs):
    parted = Parted(ours, theirs, policy=STOP)
    for _ in range(3):
        assert parted.link().endswith("; nothing is replicated")
        assert not parted.divergence.again
    assert log_bytes(parted.slave) == parted.ours


def test_a_master_that_ends_links_for_another_reason_costs_nothing_for_ever():
    parted = Parted(0, 0, same=60, size=3000)
    link = SlaveLink(parted.log, parted.slave.config, parted.clock)
    link.start()
    seen = set()
    for _ in range(20):
        parted.divergence.link_ended(link)  # not a byte came
        assert parted.divergence.silence.endswith(f"when asked for offset {link.position}")
        seen.add(parted.divergence.overlap)
    assert OVERLAP in seen
    assert max(seen) <= 2 * len(parted.ours)
    fill(parted.master, 3, first=900)
    assert parted.links() == []
    parted.assert_equal()
    assert parted.divergence.overlap == OVERLAP


async def test_n8_the_shell_cuts_connects_at_once_and_tells(autojump_clock, caplog):
    caplog.set_level(logging.ERROR)
    parted = Parted(7, 7, ha_divergence_policy=TRUNCATE)
    plan = parted.slave.flushes.log_flush_plan(thorough=True)  # a flush that takes its time
    slaves = Slaves(parted.master.log, parted.master.config, trio_ms)
    serving = HaMaster(slaves, None)
    following = HaSlave(parted.log, parted.slave.config, trio_ms)
    following.follow("10.0.0.1:10912")
    async with trio.open_nursery() as nursery:

        async def connect(_master):
            here, there = trio.testing.memory_stream_pair()
            nursery.start_soon(serving.serve_stream, here, "10.0.0.2:1")
            return there

        following._connect = connect
        nursery.start_soon(following.run)
        await trio.sleep(1)
        assert log_bytes(parted.slave) == parted.ours
        parted.slave.flushes.run_flush(plan)
        began = trio.current_time()
        await until(lambda: log_bytes(parted.slave) == log_bytes(parted.master))
        await until(lambda: following.fault == "")
        assert trio.current_time() - began < 1
        parted.assert_equal()
        nursery.cancel_scope.cancel()
    (said,) = [record.message for record in caplog.records if "diverged" in record.message]
    assert "7 messages" in said
    assert "/store/diverged/" in said
