"""N9 to N12: what a slave may append, where it begins, and what ends it."""

from __future__ import annotations

import errno

from rmqwire.codec.ha import pack_transfer
from rmqwire.errors import ReplicationError, StoreError
from rmqwire.ha.slave_link import MAX_BODY, SlaveLink
from rmqwire.store.replica.replica_log import ReplicaLog
from rmqwire.store.results import PutStatus
from tests.ha.support import Pair, fill, log_bytes, master_store, slave_store, units
from tests.support.ha_grid import until
from tests.support.ha_rows import row
from tests.support.ha_sim import log_from, sim_pair
from tests.support.stores import Clock


def check_same(pair):
    assert log_bytes(pair.slave) == log_bytes(pair.master)
    assert units(pair.slave) == units(pair.master)
    assert pair.connection.ack == pair.slave.max_phy_offset == pair.master.max_phy_offset


def refused(link, data):
    """Return whether the slave leaves a master that sends this."""
    try:
        link.receive_data(data)
    except ReplicationError:
        return True
    return False


# --- N9, N10: what comes ---------------------------------------------------------------------------


def evil_frames(end, log):
    """Return what no master may send to a slave whose log ends at ``end``."""
    yield "gap", pack_transfer(end + 1, 10) + bytes(10)
    yield "heartbeat ahead", pack_transfer(end + 4096, 0)
    yield "heartbeat behind", pack_transfer(end - 10, 0)
    yield "more than 4 MiB", pack_transfer(end, MAX_BODY)
    yield "INT_MAX", pack_transfer(end, 2**31 - 1)
    yield "size -1", end.to_bytes(8, "big") + b"\xff\xff\xff\xff"
    yield "size INT_MIN", end.to_bytes(8, "big") + b"\x80\0\0\0"
    yield "offset -1", pack_transfer(-1, 10) + bytes(10)
    yield "offset wraps", pack_transfer(2**63 - 1, 10) + bytes(10)
    yield "zeros", pack_transfer(end, 40) + bytes(40)
    yield "junk", pack_transfer(end, 40) + b"\xff" * 40
    yield "records of another place", pack_transfer(end, 400) + log[:400]
    yield "another tail", pack_transfer(end - 30, 30) + b"x" * 30
    yield "a range moved by one", pack_transfer(0, 200) + log[1:201]


@row
def test_n9_an_evil_master_changes_nothing():
    names = [name for name, _ in evil_frames(4096, bytes(500))]
    for name in names:
        pair = Pair(master_store(), slave_store())
        pair.sync()
        fill(pair.master, 10)
        pair.sync()
        log, seen = log_bytes(pair.slave), units(pair.slave)
        assert refused(pair.link, dict(evil_frames(len(log), log))[name]), name
        assert (log_bytes(pair.slave), units(pair.slave)) == (log, seen), name
        pair.disconnect()
        fill(pair.master, 5, first=10)
        pair.connect()
        pair.sync()
        check_same(pair)


@row
def test_n9_an_equal_duplicate_is_skipped():
    pair = Pair(master_store(), slave_store())
    fill(pair.master, 10)
    pair.sync()
    log = log_bytes(pair.slave)
    for begin, stop in ((100, 400), (0, len(log)), (len(log) - 1, len(log))):
        assert not refused(pair.link, pack_transfer(begin, stop - begin) + log[begin:stop])
        assert log_bytes(pair.slave) == log
    fill(pair.master, 5, first=10)
    pair.down()
    pair.up()
    check_same(pair)


@row
def test_n9_a_range_cut_inside_a_record_waits_for_its_rest():
    pair = Pair(master_store(), slave_store())
    fill(pair.master, 3)
    log = log_bytes(pair.master)
    pair.up()
    pair.link.receive_data(pack_transfer(0, 300) + log[:300])
    assert pair.slave.max_phy_offset == 205
    pair.link.receive_data(pack_transfer(300, len(log) - 300) + log[300:])
    assert log_bytes(pair.slave) == log
    assert units(pair.slave) == units(pair.master)


@row
def test_n10_bytes_come_one_by_one_all_at_once_and_cut_in_every_field():
    for batch, cut in ((32_768, 1), (13, 1), (1, None), (777, 11), (32_768, None)):
        pair = Pair(master_store(ha_transfer_batch_size=batch), slave_store())
        pair.sync()
        fill(pair.master, 12, size=400)
        pair.sync(cut)
        check_same(pair)
    master = master_store()
    ends = [0]
    for number in range(3):
        fill(master, 1, first=number)
        ends.append(master.max_phy_offset)
    stream = pack_transfer(0, master.max_phy_offset) + log_bytes(master)
    slave = slave_store()
    for cut in range(1, 12 + master.max_phy_offset // 3 + 1):  # the header and a whole record
        copy = slave_store(files=slave.files.copy())
        link = SlaveLink(ReplicaLog(copy), copy.config, Clock())
        link.start()
        link.receive_data(stream[:cut])
        whole = max(end for end in ends if end <= max(cut - 12, 0))
        assert copy.max_phy_offset == whole, "records are whole or they are not there"
        link.receive_data(stream[cut:])
        assert log_bytes(copy) == log_bytes(master)


@row
def test_n10_reports_cut_anywhere_are_counted():
    for cut in (1, 3, 7):
        pair = Pair(master_store(), slave_store())
        fill(pair.master, 10)
        pair.up()
        pair.down(cut=500)
        reports = pair.link.data_to_send()
        for begin in range(0, len(reports), cut):
            pair.slaves.received(pair.connection, reports[begin : begin + cut])
        check_same(pair)


@row
def test_n10_four_mebibytes_at_once():
    big = {"mapped_file_size_commit_log": 1 << 20, "mapped_file_size_consume_queue": 20_000}
    pair = Pair(master_store(**big), slave_store(**big))
    pair.sync()
    fill(pair.master, 66, size=65_000)
    stream = bytearray()
    while data := pair.connection.next_data():
        stream += data
    assert len(stream) > MAX_BODY
    pair.link.receive_data(bytes(stream))
    pair.up()
    assert pair.connection.ack == pair.slave.max_phy_offset == pair.master.max_phy_offset
    assert log_from(pair.slave, 0) == log_from(pair.master, 0)
    assert units(pair.slave) == units(pair.master)


# --- N11, N12: beginnings and ends -----------------------------------------------------------------


@row
def test_n11_an_empty_slave_begins_at_the_last_file():
    pair = Pair(master_store(), slave_store())
    fill(pair.master, 100, size=300)
    assert len(pair.master.log.queue.segments) >= 5
    pair.sync(1000)
    start = pair.master.log.queue.segments[-1].start
    assert pair.slave.min_phy_offset == start
    assert log_bytes(pair.slave) == log_bytes(pair.master)[start:]
    assert pair.connection.ack == pair.master.max_phy_offset
    for queue in pair.slave.queues:
        same = pair.master.queues.find(queue.topic, queue.queue_id)
        assert queue.max_offset == same.max_offset
        assert queue.min_offset > 0
        assert queue.unit(queue.min_offset) == same.unit(queue.min_offset)


@row
def test_n11_what_the_master_has_removed_is_said():
    pair = Pair(master_store(), slave_store())
    pair.sync()
    fill(pair.master, 5)
    pair.sync()
    pair.disconnect()
    fill(pair.master, 100, size=300, first=5)
    pair.master.log.queue.drop(pair.master.log.queue.segments[0])
    pair.connect()
    before = log_bytes(pair.slave)
    told = ""
    try:
        pair.sync()
    except ReplicationError as error:
        told = str(error)
    assert "our log begins at 4096" in told
    assert log_bytes(pair.slave) == before


@row
async def test_n12_a_slave_that_lost_power_in_a_record_goes_on():
    async with sim_pair() as pair:
        for _ in range(4):
            assert await pair.send()
        slave = pair.slave
        slave.files.settle()
        for _ in range(4):
            assert await pair.send()
        await slave.kill()
        pending = slave.files.pending()
        torn = [item.choices * (at % 2) for at, item in enumerate(pending)]
        slave.files = slave.files.crash(pending, torn)
        await slave.start()
        await until(pair.send, 0.2)
        await until(pair.in_sync, 0.2)
        assert await pair.verdict() == []


@row
async def test_n12_a_slave_whose_disk_is_full_stops_its_acks():
    async with sim_pair() as pair:
        pair.slave.files.capacity = 0
        confirmed = sum([await pair.send() for _ in range(20)])
        assert confirmed < 20
        assert not await pair.send()
        assert pair.codes == {PutStatus.PUT_OK, PutStatus.FLUSH_SLAVE_TIMEOUT}
        assert "space" in pair.slave.following.fault
        pair.slave.files.capacity = None
        await until(pair.send, 0.2)
        await until(pair.in_sync, 0.2)
        assert await pair.verdict() == []


@row
def test_n12_bytes_that_were_torn_on_the_way_are_never_dispatched():
    for field, at in (("size", 3), ("magic", 5), ("offset", 35), ("body", 95)):
        pair = Pair(master_store(), slave_store())
        fill(pair.master, 6)
        pair.up()
        data = bytearray(pair.connection.next_data())
        size = pair.master.max_phy_offset // 6
        data[12 + 3 * size + at] ^= 1
        refused(pair.link, bytes(data))
        assert log_bytes(pair.slave) == log_bytes(pair.master)[: 3 * size], field
        seen = units(pair.slave)
        assert sum(len(found) for _, found in seen.values()) == 3, field
        pair.disconnect()
        pair.connect()
        pair.sync()
        check_same(pair)


@row
def test_n12_a_disk_that_fails_ends_it():
    pair = Pair(master_store(), slave_store())
    pair.sync()
    fill(pair.master, 6)
    pair.slave.files.fail("pwrite", "commitlog", errno.EIO)
    for _ in range(2):  # an answer from a cache after a failure is not believed
        ended = False
        try:
            pair.sync()
        except (OSError, StoreError):
            ended = True
        assert ended
        assert pair.slaves.pushed == 0
        pair.disconnect()
        pair.connect()
