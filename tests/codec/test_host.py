from __future__ import annotations

import pytest

from rmqwire.codec.host import format_host, host_text, pack_address, pack_host, unpack_host
from rmqwire.errors import ProtocolError


@pytest.mark.parametrize(
    ("ip", "port", "size", "text"),
    [("127.0.0.1", 10911, 8, "127.0.0.1:10911"), ("fe80::1", 1, 20, "[fe80::1]:1")],
)
def test_a_host_reads_back(ip, port, size, text):
    data = pack_host(ip, port)
    assert len(data) == size
    assert unpack_host(data) == (ip, port)
    assert format_host((ip, port)) == text


def test_a_zone_id_is_cut_off():
    assert unpack_host(pack_host("fe80::1%eth0", 1)) == ("fe80::1", 1)


@pytest.mark.parametrize("call", [lambda: unpack_host(bytes(9)), lambda: pack_host("x", 1)])
def test_what_is_no_host_is_refused(call):
    with pytest.raises(ProtocolError):
        call()


def test_hosts_of_either_kind():
    assert host_text(("10.0.0.1", 1)) == "10.0.0.1:1"
    assert host_text(("fe80::a:0:1", 1)) == "[fe80:0:0:0:0:a:0:1]:1"


@pytest.mark.parametrize(
    ("address", "packed"),
    [
        ("127.0.0.1:40000", bytes([127, 0, 0, 1, 0, 0, 0x9C, 0x40])),
        ("[::1]:10911", bytes(15) + b"\x01" + bytes([0, 0, 0x2A, 0x9F])),
        ("[fe80::1%eth0]:1", bytes.fromhex("fe80") + bytes(13) + b"\x01" + bytes([0, 0, 0, 1])),
        ("[::ffff:10.0.0.7]:9", bytes([10, 0, 0, 7, 0, 0, 0, 9])),
        ("broker.example:10911", bytes(8)),
        ("memory", bytes(8)),
        ("", bytes(8)),
    ],
)
def test_what_is_no_address_packs_as_zeros(address, packed):
    assert pack_address(address) == packed
