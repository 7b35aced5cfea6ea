from __future__ import annotations

import pytest

from rmqwire.codec import auto_switch_ha, ha, layouts
from rmqwire.codec.record import check_record, peek
from rmqwire.errors import ProtocolError
from tests.support import golden


@pytest.mark.parametrize("path", golden.ha_streams("s2c"), ids=lambda p: "-".join(p.parts[-4:]))
def test_a_master_s_stream_is_read_and_written(path):
    data = path.read_bytes()
    pos, written, log = 0, bytearray(), bytearray()
    first = None
    while pos < len(data):
        header = ha.unpack_transfer(data, pos)
        pos += ha.TRANSFER_HEADER_SIZE
        body = data[pos : pos + header.body_size]
        pos += header.body_size
        written += ha.pack_transfer(*header) + body
        if first is None and body:
            first = header.physical_offset
        if body:
            assert header.physical_offset == first + len(log)
            log += body
    assert written == data
    assert pos == len(data)
    if len(data) < 300_000:  # construct is slow, and one stream is proof enough
        parsed = layouts.HA_STREAM.parse(data)
        assert layouts.HA_STREAM.build(parsed) == data
    at = 0
    while at < len(log) and peek(log, at)[0]:
        found = check_record(log, at)
        if not found.is_blank:
            assert found.physical_offset == first + at
        at += found.total_size
    assert at or not log


@pytest.mark.parametrize("path", golden.ha_streams("c2s"), ids=lambda p: "-".join(p.parts[-4:]))
def test_a_slave_s_stream_is_read_and_written(path):
    data = path.read_bytes()
    offsets = [ha.unpack_report(data, pos) for pos in range(0, len(data) // 8 * 8, 8)]
    assert b"".join(map(ha.pack_report, offsets)) == data
    assert offsets == sorted(offsets)


def test_the_auto_switch_headers_have_java_s_sizes():
    assert (
        len(auto_switch_ha.pack_slave_handshake(auto_switch_ha.SlaveHandshake(1, 0, 1, 7)))
        == auto_switch_ha.SLAVE_HANDSHAKE_SIZE
    )
    assert (
        len(auto_switch_ha.pack_slave_report(auto_switch_ha.SlaveReport(2, 9)))
        == auto_switch_ha.SLAVE_REPORT_SIZE
    )
    transfer = auto_switch_ha.MasterTransfer(auto_switch_ha.HaState.TRANSFER, 0, 1, 2, 3, 4)
    assert len(auto_switch_ha.pack_master_transfer(transfer)) == auto_switch_ha.MASTER_TRANSFER_SIZE
    handshake = auto_switch_ha.MasterHandshake(
        1, 100, 2, (auto_switch_ha.EpochEntry(1, 0), auto_switch_ha.EpochEntry(2, 50))
    )
    data = auto_switch_ha.pack_master_handshake(handshake)
    assert len(data) == auto_switch_ha.MASTER_HANDSHAKE_SIZE + 2 * auto_switch_ha.EPOCH_ENTRY_SIZE
    assert auto_switch_ha.unpack_master_handshake(data) == handshake


@pytest.mark.parametrize(
    "call",
    [
        lambda: ha.unpack_report(bytes(7)),
        lambda: ha.unpack_transfer(bytes(11)),
        lambda: ha.unpack_transfer(ha.pack_transfer(0, -1)),
        lambda: auto_switch_ha.unpack_slave_handshake(bytes(15)),
        lambda: auto_switch_ha.unpack_slave_report(bytes(11)),
        lambda: auto_switch_ha.unpack_master_transfer(bytes(35)),
        lambda: auto_switch_ha.unpack_master_transfer(bytes(4) + b"\xff" * 4 + bytes(28)),
        lambda: auto_switch_ha.unpack_master_handshake(bytes(4) + b"\0\0\0\x0b" + bytes(23)),
        lambda: auto_switch_ha.unpack_master_handshake(bytes(4) + b"\0\0\0\x0c" + bytes(12)),
    ],
)
def test_what_is_no_header_is_refused(call):
    with pytest.raises(ProtocolError):
        call()
