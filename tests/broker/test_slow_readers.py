"""Groups that read too far behind are shut out, if the broker is told to do so."""

from __future__ import annotations

import pytest

from rmqwire.broker.slow_readers import disable_slow_readers
from tests.support import requests
from tests.support.broker import MemoryBroker

BODY = bytes(1000)


@pytest.fixture
def broker(tmp_path):
    made = MemoryBroker(
        tmp_path, disable_consume_if_consumer_read_slowly=True, consumer_fallbehind_threshold=5_000
    )
    yield made
    made.close()


@pytest.fixture
def client(broker):
    client = broker.connect()
    groups = {name: [requests.subscription("T")] for name in ("slow", "quick", "new")}
    client.call(requests.heartbeat("c1", groups))
    for _ in range(20):
        client.call(requests.send(body=BODY))
    broker.state.offsets.commit("c", "slow", "T", 0, 3)
    broker.state.offsets.commit("c", "quick", "T", 0, 18)
    broker.state.offsets.commit("c", "away", "T", 0, 0)
    broker.state.groups.find("away")
    return client


def pulled(client, group):
    return client.call(requests.pull("T", 3, consumer_group=group, sys_flag=4))


def test_who_reads_too_far_behind_may_not_consume(broker, client, caplog):
    disable_slow_readers(broker.state)
    enabled = {name: broker.state.groups.select(name).consume_enable for name in ("slow", "quick")}
    assert enabled == {"slow": False, "quick": True}
    assert broker.state.groups.select("away").consume_enable  # it reads nothing now
    (line,) = [r.getMessage() for r in caplog.records if "PROTECT_BROKER" in r.getMessage()]
    assert line.startswith("[PROTECT_BROKER] the consumer[slow] consume slowly, 1")
    answer = pulled(client, "slow")
    assert (answer.code, answer.remark) == (16, "subscription group no permission, slow")
    assert pulled(client, "quick").code == 0
    disable_slow_readers(broker.state)
    assert caplog.text.count("PROTECT_BROKER") == 1


def test_what_was_pulled_counts_although_it_is_not_committed_yet(broker, client):
    broker.state.offsets.commit_pull("slow", "T", 0, 19)
    disable_slow_readers(broker.state)
    assert broker.state.groups.select("slow").consume_enable


@pytest.mark.parametrize(
    "setting",
    [
        ("disable_consume_if_consumer_read_slowly", False),
        ("consumer_fallbehind_threshold", 1 << 30),
    ],
)
def test_nobody_is_shut_out_unless_told(broker, client, setting):
    setattr(broker.state.config, *setting)
    disable_slow_readers(broker.state)
    assert broker.state.groups.select("slow").consume_enable
