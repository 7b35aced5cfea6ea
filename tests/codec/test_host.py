from __future__ import annotations

import pytest

from rmqwire.codec.host import format_host, host_text, pack_host, unpack_host
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
