from __future__ import annotations

from pathlib import Path

import pytest

from rmqwire.broker.settings.local_address import addresses_of_this_machine, choose_local_address


@pytest.mark.parametrize(
    ("addresses", "chosen"),
    [
        ([], "127.0.0.1"),
        (["127.0.0.1", "::1"], "127.0.0.1"),
        (["127.0.0.1", "192.168.1.5", "10.0.0.7"], "10.0.0.7"),
        (["10.0.0.7", "8.8.4.4", "10.0.0.8"], "8.8.4.4"),
        (["fe80::1%eth0", "10.0.0.7"], "10.0.0.7"),
        (["172.16.0.1"], "172.16.0.1"),
        (["172.32.0.1", "172.16.0.1"], "172.32.0.1"),
        (["fd00::5", "2001:4860::1"], "[2001:4860::1]"),
        (["fd00::5"], "[fd00::5]"),
    ],
)
def test_the_rule(addresses, chosen):
    assert choose_local_address(addresses) == chosen


FIB = """Main:
  +-- 0.0.0.0/0 3 0 5
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
     |-- 192.168.1.0
        /24 link UNICAST
     |-- 192.168.1.5
        /32 host LOCAL
Local:
     |-- 192.168.1.5
        /32 host LOCAL
"""
ROUTE = """Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
INET6 = """00000000000000000000000000000001 01 80 10 80       lo
fe800000000000000000000000000001 02 40 20 80     eth0
20010db8000000000000000000000005 02 40 00 80     eth0
"""


def test_addresses_as_linux_shows_them(tmp_path: Path):
    (tmp_path / "fib_trie").write_text(FIB)
    (tmp_path / "route").write_text(ROUTE)
    (tmp_path / "if_inet6").write_text(INET6)
    assert addresses_of_this_machine(tmp_path) == [
        "127.0.0.1",
        "192.168.1.5",
        "::1",
        "2001:db8::5",
    ]


def test_elsewhere_there_are_none(tmp_path: Path):
    assert addresses_of_this_machine(tmp_path) == []
