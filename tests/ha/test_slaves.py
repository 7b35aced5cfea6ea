"""The master's core: what Java slaves ask for, and what nobody may claim."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.ha import pack_report, unpack_report, unpack_transfer
from rmqwire.errors import ReplicationError
from rmqwire.ha.slaves import Slaves
from tests.ha.support import SEGMENT, fill, log_bytes, master_store
from tests.support import golden
from tests.support.stores import Clock


def open_slave(store, clock=None, peer="10.0.0.2:1", **_):
    slaves = Slaves(store.log, store.config, clock or Clock())
    return slaves, slaves.open(peer)


def transfers(data: bytes) -> list[tuple[int, bytes]]:
    found, pos = [], 0
    while pos < len(data):
        offset, size = unpack_transfer(data, pos)
        found.append((offset, data[pos + 12 : pos + 12 + size]))
        pos += 12 + size
    return found


def filled(count=40, **changes):
    store = master_store(**changes)
    fill(store, count, size=200)
    return store


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9000), st.integers(1, 40_000))
def test_ranges_follow_each_other_and_stay_in_a_file(start, batch):
    store = filled(ha_transfer_batch_size=batch)
    _, slave = open_slave(store)
    slave.receive_data(pack_report(start))
    position, log = start, bytearray()
    while data := slave.next_data():
        for offset, body in transfers(data):
            assert offset == position
            assert 0 < len(body) <= batch
            assert offset // SEGMENT == (offset + len(body) - 1) // SEGMENT
            position += len(body)
            log += body
    assert log == log_bytes(store)[start:]


def test_zero_means_the_last_file():
    store = filled()
    _, slave = open_slave(store)
    slave.receive_data(pack_report(0))
    assert transfers(slave.next_data())[0][0] == store.log.queue.segments[-1].start > 0


def test_nothing_is_sent_before_the_first_report():
    clock = Clock()
    _, slave = open_slave(filled(), clock)
    clock.now_ms += 19_000
    assert slave.next_data() == b""
    slave.check()
    clock.now_ms += 1_001
    with pytest.raises(ReplicationError, match="hasn't reported"):
        slave.check()


@pytest.mark.parametrize("cut", [1, 3, 8, 11])
def test_reports_are_cut_anywhere(cut):
    store = filled()
    slaves, slave = open_slave(store)
    end = store.max_phy_offset
    slave.receive_data(pack_report(1))
    while slave.next_data():
        pass
    data = b"".join(map(pack_report, (1, 500, 9000, end)))
    moved = [slaves.received(slave, data[i : i + cut]) for i in range(0, len(data), cut)]
    assert slave.ack == slaves.pushed == end
    assert any(moved)


def test_heartbeats_come_when_nothing_else_does():
    clock = Clock()
    store = filled()
    end = store.max_phy_offset
    _, slave = open_slave(store, clock)
    slave.receive_data(pack_report(end))
    assert slave.next_data() == b""
    assert slave.wait_ms() == 5_000
    clock.now_ms += 5_000
    assert transfers(slave.next_data()) == [(end, b"")]
    assert slave.next_data() == b""
    fill(store, 1, first=40)
    clock.now_ms += 4_999
    assert len(transfers(slave.next_data())) == 1
    clock.now_ms += 1
    assert slave.next_data() == b""


@pytest.mark.parametrize("forged", [-1, -(2**63), 2**63 - 1, 1 << 40, "end+1"])
@pytest.mark.parametrize("first", [True, False])
def test_n3_forged_reports_are_never_counted(forged, first):
    store = filled()
    slaves, slave = open_slave(store)
    if not first:
        slaves.received(slave, pack_report(100))
    before = slaves.pushed
    offset = store.max_phy_offset + 1 if forged == "end+1" else forged
    with pytest.raises(ReplicationError):
        slaves.received(slave, pack_report(offset))
    assert slaves.pushed == before
    assert slave.ack == (-1 if first else 100)
    assert slaves.acked_by(1) == slave.ack


def test_n3_a_report_of_what_was_not_sent_is_forged():
    store = filled()
    slaves, slave = open_slave(store)
    slaves.received(slave, pack_report(100))
    with pytest.raises(ReplicationError, match="sent up to 100"):
        slaves.received(slave, pack_report(store.max_phy_offset))


def test_a_report_can_not_go_back():
    store = filled()
    slaves, slave = open_slave(store)
    slaves.received(slave, pack_report(100))
    with pytest.raises(ReplicationError):
        slaves.received(slave, pack_report(99))


def test_n3_junk_ends_the_connection_and_counts_for_nothing():
    clock = Clock()
    slaves, slave = open_slave(filled(), clock)
    with pytest.raises(ReplicationError):
        slaves.received(slave, b"GET / HTTP/1.1\r\n\r\n")
    slaves.close(slave)
    assert slaves.pushed == 0
    assert slaves.acked_by(1) == -1


def test_n11_what_was_removed_is_said_to_be_gone():
    store = filled()
    store.log.queue.drop(store.log.queue.segments[0])
    _, slave = open_slave(store)
    with pytest.raises(ReplicationError, match="our log begins at 4096"):
        slave.receive_data(pack_report(100))


def test_n4_a_slave_that_connects_twice_counts_once():
    clock = Clock()
    store = filled()
    end = store.max_phy_offset
    slaves, zombie = open_slave(store, clock, "10.0.0.2:1")
    slaves.received(zombie, pack_report(end))
    again = slaves.open("10.0.0.2:2")
    slaves.received(again, pack_report(end))
    assert slaves.acked_by(1) == end
    assert slaves.acked_by(2) == -1
    other = slaves.open("10.0.0.3:1")
    slaves.received(other, pack_report(end))
    assert slaves.acked_by(2) == end
    assert slaves.acked_by(3) == -1
    clock.now_ms += 5_000  # two brokers of one machine, as it turns out
    slaves.received(zombie, pack_report(end))
    assert slaves.acked_by(3) == end


def test_flow_control_holds_a_second_s_bytes():
    clock = Clock()
    store = filled(ha_flow_control_enable=True, max_ha_transfer_byte_in_second=1000)
    _, slave = open_slave(store, clock)
    slave.receive_data(pack_report(1))
    assert sum(len(body) for _, body in transfers(slave.next_data())) == 1000
    assert slave.next_data() == b""
    assert slave.wait_ms() == 1000
    clock.now_ms += 1000
    assert sum(len(body) for _, body in transfers(slave.next_data())) == 1000
    assert slave.speed == 1000


def test_in_sync_is_a_matter_of_the_gap():
    store = filled(ha_max_gap_not_in_sync=500)
    slaves, slave = open_slave(store)
    end = store.max_phy_offset
    slaves.received(slave, pack_report(end - 500))
    assert not slaves.in_sync(slave)
    slave.next_data()
    slaves.received(slave, pack_report(end - 499))
    assert slaves.in_sync(slave)


@pytest.mark.parametrize("path", golden.ha_streams("c2s"), ids=lambda p: "-".join(p.parts[-4:]))
def test_recorded_java_slaves_are_believed(path):
    data = path.read_bytes()
    offsets = [unpack_report(data, pos) for pos in range(0, len(data), 8)]
    store = filled(1)
    _, slave = open_slave(store)
    store.log.end = max(offsets)  # only the figures are looked at
    slave.receive_data(data[:8])
    slave.position = store.log.end
    slave.receive_data(data[8:])
    assert slave.ack == offsets[-1]
