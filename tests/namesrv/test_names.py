"""What is let in."""

from __future__ import annotations

import pytest

from rmqwire.namesrv import names
from rmqwire.remoting.handler import Reject


@pytest.mark.parametrize("topic", ["T", "%RETRY%g", "a|b-c_d", "x" * 255])
def test_legal_topics(topic):
    assert names.is_topic(topic)
    names.check_topic(topic)


@pytest.mark.parametrize("topic", ["", "../x", "a/b", "a b", "中", "x" * 256, "a\n", "a.b"])
def test_illegal_topics(topic):
    assert not names.is_topic(topic)
    with pytest.raises(Reject):
        names.check_topic(topic)


@pytest.mark.parametrize("address", ["1.2.3.4:1", "host.x-y:65535", "[::1]:10911", "::1:10911"])
def test_addresses(address):
    assert names.is_address(address)


@pytest.mark.parametrize(
    "address",
    ["", "1.2.3.4", ":1", "h:0", "h:65536", "h:1\n", "h h:1", "h:\u0661", "a/b:1", "h:-1"],
)
def test_what_is_no_address(address):
    assert not names.is_address(address)


@pytest.mark.parametrize(
    "broker",
    [("", "b", "h:1", 0), ("C", "../b", "h:1", 0), ("C", "b", "h", 0), ("C", "b", "h:1", -1)],
)
def test_a_broker_that_cannot_be(broker):
    with pytest.raises(Reject):
        names.check_broker(*broker)
    names.check_broker("C", "vm.example.org", "h:1", 0)
