"""The slave's core: every chunking gives the master's bytes, nothing wrong ever gets in."""

from __future__ import annotations

from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.ha import REPORT_SIZE, pack_transfer, unpack_report, unpack_transfer
from rmqwire.errors import DiskFull, LogDiverged, ReplicationError
from rmqwire.ha.slave_link import MAX_BODY, SlaveLink
from rmqwire.ha.slaves import Slaves
from rmqwire.store.replica.replica_log import ReplicaLog
from tests.ha.support import SEGMENT, Pair, fill, log_bytes, master_store, slave_store, units
from tests.support import golden
from tests.support.stores import Clock, message, put, small_config


def reports(data: bytes) -> list[int]:
    return [unpack_report(data, pos) for pos in range(0, len(data), REPORT_SIZE)]


def check_same(pair):
    assert log_bytes(pair.slave) == log_bytes(pair.master)
    assert pair.slave.max_phy_offset == pair.master.max_phy_offset
    assert units(pair.slave) == units(pair.master)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    cut=st.one_of(st.integers(1, 40), st.lists(st.integers(1, 9000), min_size=1, max_size=6)),
    size=st.sampled_from([6, 150, 1500]),
    batch=st.sampled_from([1, 13, 500, 32_768]),
)
def test_n10_every_chunking_gives_the_master_s_log(counts, cut, size, batch):
    pair = Pair(master_store(ha_transfer_batch_size=batch), slave_store())
    first = 0
    pair.sync()
    for count in counts:
        fill(pair.master, count, size=size, first=first)
        first += count
        pair.sync(cut if isinstance(cut, int) else cycle(cut))
        check_same(pair)
        assert pair.connection.ack == pair.master.max_phy_offset


@pytest.mark.parametrize(
    "path", [p for p in golden.ha_streams("s2c") if p.stat().st_size], ids=lambda p: p.parts[-3]
)
@pytest.mark.parametrize("cut", [1 << 20, 65_536, 4097, 97])
def test_a_recorded_master_s_stream_builds_its_log(path, cut):
    stream = path.read_bytes()
    body, first, pos = bytearray(), None, 0
    while pos < len(stream):
        offset, size = unpack_transfer(stream, pos)
        body += stream[pos + 12 : pos + 12 + size]
        first = offset if first is None and size else first
        pos += 12 + size
    segment = 131_072 if "JSON-ha" in str(path) else 4 << 20
    store = slave_store(mapped_file_size_commit_log=segment)
    log = ReplicaLog(store)
    if first % segment:  # a slave that went on: give it what it had
        log = _GoesOn(store, first)
    clock = Clock()
    link = SlaveLink(log, store.config, clock)
    link.start()
    for begin in range(0, len(stream), cut):
        link.receive_data(stream[begin : begin + cut])
    assert link.verified
    sent = reports(link.data_to_send())
    assert sent == sorted(sent)
    assert sent[-1] == first + len(body) == log.end
    if first % segment == 0:
        assert log.read(first, len(body)) == body
        stored = sum(len(found) for _, found in units(store).values())
        assert stored > 0


class _GoesOn:
    """A log that begins in the middle of a file: only the link is under test."""

    def __init__(self, store, start):
        self.start, self.data = start, bytearray()

    @property
    def end(self):
        return self.start + len(self.data)

    received = flushed = end

    def overlap_start(self, size):
        return self.start

    def forget(self):
        pass

    def append(self, *pieces):
        self.data += b"".join(pieces)

    def read(self, offset, size):
        return bytes(self.data[offset - self.start : offset - self.start + size])


def test_n11_an_empty_slave_starts_at_the_master_s_last_file():
    pair = Pair(master_store(), slave_store())
    fill(pair.master, 100, size=300)
    assert len(pair.master.log.queue.segments) >= 5
    pair.sync(1000)
    start = pair.master.log.queue.segments[-1].start
    assert pair.slave.min_phy_offset == start
    assert log_bytes(pair.slave) == log_bytes(pair.master)[start:]
    for queue in pair.slave.queues:
        same = pair.master.queues.find(queue.topic, queue.queue_id)
        assert queue.max_offset == same.max_offset
        assert queue.min_offset > 0
        first = queue.unit(queue.min_offset)
        assert first == same.unit(queue.min_offset)
        assert first[0] >= start


def test_what_is_not_whole_is_neither_visible_nor_reported():
    pair = Pair(master_store(), slave_store())
    fill(pair.master, 3)
    pair.up()
    data = pair.connection.next_data()
    whole = pair.master.max_phy_offset
    ends = [unit[0] + unit[1] for _, found in units(pair.master).values() for unit in found]
    for end in range(13, len(data)):  # a range is taken when it's whole, so cut it by hand
        slave = slave_store()
        link = SlaveLink(ReplicaLog(slave), slave.config, Clock())
        link.start()
        link.receive_data(pack_transfer(0, end - 12) + data[12:end])
        expected = max((e for e in ends if e <= end - 12), default=0)
        assert slave.max_phy_offset == expected
        assert reports(link.data_to_send())[-1] == expected
        assert all(u[0] + u[1] <= expected for _, f in units(slave).values() for u in f)
        rest = pack_transfer(end - 12, whole - (end - 12)) + data[end:]
        link.receive_data(rest)
        assert log_bytes(slave) == log_bytes(pair.master)


def test_n12_a_slave_goes_on_where_it_was_killed():
    clock = Clock()
    pair = Pair(master_store(clock), slave_store(clock), clock)
    pair.sync()
    fill(pair.master, 20)
    pair.sync()
    fill(pair.master, 20, first=20)
    pair.disconnect()
    killed = pair.slave.files.copy()
    pair.slave = slave_store(clock, killed)
    pair.log = ReplicaLog(pair.slave)
    pair.connect()
    assert 0 < pair.link.position < pair.slave.max_phy_offset
    pair.sync(33)
    check_same(pair)


def test_n12_a_link_lost_in_a_record_goes_on():
    pair = Pair(master_store(), slave_store())
    fill(pair.master, 9)
    pair.up()
    data = pair.connection.next_data()
    pair.link.receive_data(pack_transfer(0, 700) + data[12:712])
    assert pair.log.received == 700 > pair.log.end
    pair.disconnect()
    pair.connect()
    assert pair.log.received == pair.log.end
    pair.sync()
    check_same(pair)


def diverged_pair(same=10, ours=5, theirs=5, body=100):
    pair = Pair(master_store(), slave_store())
    fill(pair.master, same)
    pair.sync()
    copy = pair.master.files.copy()
    fill(pair.master, ours, first=1000, size=body)
    pair.sync()  # the slave has what the master is going to lose
    pair.disconnect()
    pair.master = master_store(files=copy)
    fill(pair.master, theirs, first=2000, size=body)
    pair.slaves = Slaves(pair.master.log, pair.master.config, pair.clock)
    return pair


@pytest.mark.parametrize(("ours", "theirs"), [(5, 5), (3, 8), (1, 1)])
def test_another_log_is_noticed_and_left_alone(ours, theirs):
    pair = diverged_pair(ours=ours, theirs=theirs)
    before = log_bytes(pair.slave)
    pair.connect()
    with pytest.raises(LogDiverged, match="different at offset"):
        pair.sync()
    assert log_bytes(pair.slave) == before
    assert pair.connection.ack <= pair.link.position


def test_a_slave_ahead_is_noticed():
    # Java's master: it has nothing at the offset asked for, so it sends heartbeats for ever.
    pair = Pair(master_store(), slave_store())
    fill(pair.master, 10)
    pair.sync()
    link = SlaveLink(pair.log, pair.slave.config, pair.clock)
    link.start()
    beat = pack_transfer(link.position, 0)
    link.receive_data(beat)
    assert not link.verified
    with pytest.raises(LogDiverged, match="nothing at offset"):
        link.receive_data(beat)


def test_one_heartbeat_before_the_overlap_is_nothing():
    pair = Pair(master_store(), slave_store())
    fill(pair.master, 10)
    pair.sync()
    pair.disconnect()
    fill(pair.master, 3, first=10)
    pair.connect()
    pair.link.receive_data(pack_transfer(pair.link.position, 0))
    pair.sync()
    check_same(pair)


@pytest.mark.parametrize(
    "frame",
    [
        lambda end, _: pack_transfer(end + 1, 10) + bytes(10),
        lambda end, _: pack_transfer(end + 4096, 0),
        lambda end, _: pack_transfer(end - 10, 0),
        lambda end, _: pack_transfer(end, MAX_BODY),
        lambda end, _: pack_transfer(end, 2**31 - 1),
        lambda end, _: pack_transfer(-1, 10) + bytes(10),
        lambda end, _: pack_transfer(-(2**63), 10) + bytes(10),
        lambda end, _: pack_transfer(2**63 - 1, 10) + bytes(10),
        lambda end, _: (end).to_bytes(8, "big") + b"\xff\xff\xff\xff",
        lambda end, _: (end).to_bytes(8, "big") + b"\x80\0\0\0",
        lambda end, _: pack_transfer(end, 40) + bytes(40),
        lambda end, _: pack_transfer(end, 40) + b"\xff" * 40,
        lambda end, log: pack_transfer(end, 400) + log[:400],  # records of another place
        lambda end, log: pack_transfer(end - 30, 30) + b"x" * 30,
        lambda end, log: pack_transfer(0, 200) + log[1:201],
    ],
)
def test_n9_an_evil_master_changes_nothing(frame):
    pair = Pair(master_store(), slave_store())
    fill(pair.master, 10)
    pair.sync()
    log = log_bytes(pair.slave)
    seen = units(pair.slave)
    with pytest.raises(ReplicationError):
        pair.link.receive_data(frame(pair.slave.max_phy_offset, log))
    assert log_bytes(pair.slave) == log
    assert units(pair.slave) == seen
    pair.disconnect()
    fill(pair.master, 5, first=10)
    pair.connect()
    pair.sync()
    check_same(pair)


def test_an_equal_duplicate_is_skipped():
    pair = Pair(master_store(), slave_store())
    fill(pair.master, 10)
    pair.sync()
    log = log_bytes(pair.slave)
    pair.link.receive_data(pack_transfer(100, 300) + log[100:400])
    pair.link.receive_data(pack_transfer(0, len(log)) + log)
    assert log_bytes(pair.slave) == log
    fill(pair.master, 5, first=10)
    pair.down()
    check_same(pair)


def test_n12_a_byte_torn_on_the_way_never_gets_in():
    pair = Pair(master_store(), slave_store())
    fill(pair.master, 6)
    pair.up()
    data = bytearray(pair.connection.next_data())
    size = pair.master.max_phy_offset // 6
    data[12 + 3 * size + 95] ^= 1  # in the body of the fourth record
    with pytest.raises(ReplicationError, match="CRC"):
        pair.link.receive_data(bytes(data))
    assert log_bytes(pair.slave) == log_bytes(pair.master)[: 3 * size]
    pair.disconnect()
    pair.connect()
    pair.sync()
    check_same(pair)


def test_reports_beat_and_silence_ends_the_link():
    clock = Clock()
    pair = Pair(master_store(clock), slave_store(clock), clock)
    fill(pair.master, 4)
    pair.sync()
    end = pair.slave.max_phy_offset
    clock.now_ms += 4_999
    pair.link.tick()
    assert pair.link.data_to_send() == b""
    clock.now_ms += 1
    pair.link.tick()
    assert reports(pair.link.data_to_send()) == [end]
    clock.now_ms += 15_001
    with pytest.raises(ReplicationError, match="silent"):
        pair.link.tick()


def test_files_of_another_size_are_refused():
    pair = Pair(master_store(), slave_store(mapped_file_size_commit_log=3000))
    fill(pair.master, 60, size=300)
    with pytest.raises(ReplicationError, match="mappedFileSizeCommitLog"):
        pair.sync()


def test_a_slave_takes_no_puts_of_its_own():
    results = put(slave_store(), message())
    assert "slave mode" in results[0].remark


def test_n12_a_full_disk_stops_the_acks_and_nothing_else():
    pair = Pair(master_store(), slave_store())
    pair.sync()
    fill(pair.master, 20)
    pair.sync()
    end = pair.slave.max_phy_offset
    pair.slave.files.capacity = 0
    fill(pair.master, 60, first=20)
    with pytest.raises(DiskFull):
        pair.sync()
    assert pair.slave.max_phy_offset % SEGMENT == 0 or pair.slave.max_phy_offset == end
    pair.disconnect()
    pair.slave.files.capacity = None
    pair.connect()
    pair.sync()
    check_same(pair)


def test_small_config_is_what_the_tests_think():
    assert small_config().mapped_file_size_commit_log == SEGMENT


def test_a_slave_becomes_a_master_and_its_queues_go_on():
    clock = Clock()
    pair = Pair(master_store(clock), slave_store(clock), clock)
    pair.sync()
    fill(pair.master, 10)
    pair.sync()
    pair.slave.close()
    promoted = master_store(clock, pair.slave.files)
    results = put(promoted, message(queue_id=0), message(queue_id=1))
    assert [result.status for result in results] == [0, 0]
    assert [result.queue_offset for result in results] == [5, 5]
    assert results[0].physical_offset == pair.master.max_phy_offset
    # The old master lost nothing, so it can follow the new one.
    pair.master.close()
    back = Pair(promoted, slave_store(clock, pair.master.files), clock)
    back.sync()
    assert log_bytes(back.slave) == log_bytes(promoted)
    assert units(back.slave) == units(promoted)


def test_an_old_master_with_more_than_the_new_one_is_noticed():
    clock = Clock()
    pair = Pair(master_store(clock), slave_store(clock), clock)
    pair.sync()
    fill(pair.master, 10)
    pair.sync()
    fill(pair.master, 2, first=10)  # never replicated
    pair.slave.close()
    pair.master.close()
    promoted = master_store(clock, pair.slave.files)
    fill(promoted, 5, first=50)
    back = Pair(promoted, slave_store(clock, pair.master.files), clock)
    with pytest.raises(LogDiverged):
        back.sync()
