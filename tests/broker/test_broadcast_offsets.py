"""Broadcasting members that come by way of a proxy go on where they were (``BroadcastOffsetManager``)."""

from __future__ import annotations

import pytest

from rmqwire.broker.processors.pull_message import PROXY_FOR_BROADCAST
from rmqwire.broker.tables import broadcast_offsets
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.record import iter_messages
from tests.support import requests
from tests.support.broker import MemoryBroker

MOVED = ResponseCode.PULL_OFFSET_MOVED


@pytest.fixture
def broker(tmp_path):
    made = MemoryBroker(tmp_path)
    producer = made.connect()
    for number in range(5):
        producer.call(requests.send(body=b"m%d" % number))
    yield made
    made.close()


def by_proxy(offset: int, member: str = "m1"):
    return requests.pull(
        offset=offset,
        sys_flag=4,
        request_source=PROXY_FOR_BROADCAST,
        proxy_froward_client_id=member,
    )


def member_of(broker, client_id="m1"):
    client = broker.connect()
    subs = [requests.subscription("T", version=1)]
    client.call(requests.heartbeat(client_id, groups={"cg": subs}, model="BROADCASTING"))
    return client


def directly(offset: int):
    return requests.pull(offset=offset, sys_flag=0, sub_version=1)


def moved_to(answer) -> int | None:
    """Return where a pull is sent to; None: it was answered where it asked."""
    if answer.code == MOVED:
        assert answer.remark == "OFFSET_RESET"
        return int(answer.ext_fields["nextBeginOffset"])
    assert answer.code in {ResponseCode.SUCCESS, ResponseCode.PULL_NOT_FOUND}
    return None


def test_a_new_member_of_a_proxy_begins_where_what_is_in_memory_begins(broker):
    proxy = broker.connect()
    assert moved_to(proxy.call(by_proxy(-1))) == 0
    answer = proxy.call(by_proxy(0))
    assert [one.body for one in iter_messages(answer.body)] == [b"m%d" % n for n in range(5)]


def test_it_goes_on_where_it_was(broker):
    proxy = broker.connect()
    proxy.call(by_proxy(-1))
    proxy.call(by_proxy(3))
    assert moved_to(proxy.call(by_proxy(-1))) == 3
    assert moved_to(proxy.call(by_proxy(1))) is None  # it may go back, and is remembered further on
    assert moved_to(proxy.call(by_proxy(-1))) == 3


def test_a_member_that_changes_from_broker_to_proxy_and_back_goes_on_where_it_was(broker):
    client, proxy = member_of(broker), broker.connect()
    assert moved_to(client.call(directly(2))) is None
    assert moved_to(proxy.call(by_proxy(0))) == 2
    assert moved_to(proxy.call(by_proxy(4))) is None
    assert moved_to(client.call(directly(0))) == 4
    assert moved_to(client.call(directly(0))) is None


def test_the_slowest_is_committed_and_new_members_begin_there(broker):
    proxy = broker.connect()
    proxy.call(by_proxy(4, "fast"))
    proxy.call(by_proxy(2, "slow"))
    broker.core.persist_offsets()
    assert broker.state.offsets.query("cg@broadcast", "T", 0) == 2
    assert moved_to(proxy.call(by_proxy(-1, "new"))) == 2


def test_who_is_gone_for_two_minutes_holds_nobody_back(broker):
    proxy = broker.connect()
    proxy.call(by_proxy(1, "gone"))
    broker.clock.ms += 60_000
    proxy.call(by_proxy(3, "there"))
    broker.core.persist_offsets()
    assert broker.state.offsets.query("cg@broadcast", "T", 0) == 1
    broker.clock.ms += 60_000
    broker.core.persist_offsets()
    assert broker.state.offsets.query("cg@broadcast", "T", 0) == 3
    broker.clock.ms += 120_000
    broker.core.persist_offsets()
    assert moved_to(proxy.call(by_proxy(-1, "gone"))) == 3


def test_who_is_connected_and_silent_is_remembered_for_five_minutes(broker):
    client, proxy = member_of(broker), broker.connect()
    client.call(directly(2))
    broker.clock.ms += 299_999
    broker.core.persist_offsets()
    assert moved_to(proxy.call(by_proxy(0))) == 2
    client.call(directly(2))
    broker.clock.ms += 300_000
    broker.core.persist_offsets()
    assert moved_to(proxy.call(by_proxy(0))) is None


def test_other_groups_and_a_broker_without_it_are_left_alone(broker, tmp_path):
    client = broker.connect()
    client.call(requests.heartbeat(groups={"cg": [requests.subscription("T")]}))
    client.call(directly(2))
    assert moved_to(broker.connect().call(by_proxy(0, "c1"))) is None
    broker.state.config.enable_broadcast_offset_store = False
    broker.connect().call(by_proxy(3))
    broker.state.config.enable_broadcast_offset_store = True
    assert moved_to(broker.connect().call(by_proxy(-1))) == 0


def test_no_more_members_are_kept_than_the_limit(broker, monkeypatch):
    monkeypatch.setattr(broadcast_offsets, "MOST_MEMBERS", 2)
    proxy = broker.connect()
    for member in ("a", "b", "c"):
        proxy.call(by_proxy(3, member))
    assert moved_to(proxy.call(by_proxy(-1, "b"))) == 3
    assert moved_to(proxy.call(by_proxy(-1, "c"))) == 0
