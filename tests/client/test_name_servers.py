from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqwire.client.name_servers import NameServers, parse_addresses
from rmqwire.errors import UsageError


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("", []),
        (" ; ", []),
        ("a:1", ["a:1"]),
        ("a:1;b:2", ["a:1", "b:2"]),
        (" a:1 ; b:65535 ; a:1 ", ["a:1", "b:65535"]),
        ("[::1]:9876", ["[::1]:9876"]),
    ],
)
def test_addresses(text, addresses):
    assert parse_addresses(text) == addresses


@pytest.mark.parametrize("text", ["a", "a:", ":1", "a:0", "a:65536", "a:x", "a:1,b:2", "a:٣"])
def test_bad_addresses(text):
    with pytest.raises(UsageError, match="no host:port"):
        parse_addresses(text)


@given(st.integers(1, 5), st.integers())
def test_every_server_gets_its_turn(count, seed):
    servers = NameServers([f"h{n}:1" for n in range(count)], Random(seed))
    seen = []
    for _ in range(count):
        seen.append(servers.current)
        servers.failed(servers.current)
    assert sorted(seen) == servers.addresses
    assert servers.current == seen[0]


def test_late_failure_of_another_server_changes_nothing():
    servers = NameServers(["a:1", "b:1"], Random(1))
    first = servers.current
    servers.failed(first)
    second = servers.current
    servers.failed(first)
    assert servers.current == second != first


def test_others_are_taken_and_the_one_asked_last_is_kept():
    servers = NameServers([], Random(1))
    servers.take(["a:1", "b:1"])
    assert servers.current == "a:1"
    servers.failed("a:1")
    servers.take(["c:1", "b:1"])
    assert servers.current == "b:1"
    servers.take(["d:1"])
    assert servers.current == "d:1"
