"""The brokers of a cluster, from a name server's answer."""

from __future__ import annotations

import pytest

from rmqwire.codec.bodies import BrokerData, ClusterInfo, KVTable
from rmqwire.codec.codes import RequestCode
from rmqwire.errors import BadBody, RemotingError, UsageError
from tests.admin.support import NAMESRV, Answers, ask


def broker(name, **addrs):
    table = {int(key[1:]): value for key, value in addrs.items()}
    return BrokerData(cluster="c", broker_name=name, broker_addrs=table)


CODE = RequestCode.GET_BROKER_CLUSTER_INFO
BODY = ClusterInfo(
    broker_addr_table={
        "b": broker("b", _1="h:3"),
        "a": broker("a", _1="h:2", _0="h:1"),
        "z": broker("z", _0="h:9"),
    },
    cluster_addr_table={"c": ["b", "a", "gone"], "other": ["z"]},
).encode()
KNOWN = Answers({(NAMESRV, CODE): BODY})


@pytest.mark.parametrize(
    ("choose", "addrs", "everywhere"),
    [
        ("masters", ["h:1"], ["h:1", "h:9"]),
        ("brokers", ["h:1", "h:2", "h:3"], ["h:1", "h:2", "h:3", "h:9"]),
    ],
)
def test_brokers_of_one_cluster_and_of_all(choose, addrs, everywhere):
    assert ask(KNOWN, choose, "c") == addrs
    assert ask(KNOWN, choose, "other") == ["h:9"]
    assert ask(KNOWN, choose, "none") == []
    assert ask(KNOWN, choose) == everywhere
    with pytest.raises(BadBody):
        ask(Answers({(NAMESRV, CODE): b"["}), choose, "c")


def test_the_addresses_of_a_name():
    assert ask(KNOWN, "broker_addrs", "a") == ["h:1", "h:2"]
    assert ask(KNOWN, "broker_addrs", "nobody") == []


def test_the_first_name_server_that_answers_is_heard():
    two = f"127.0.0.1:1;{NAMESRV}"
    assert ask(KNOWN, "masters", "c", namesrv_addr=two) == ["h:1"]
    with pytest.raises(RemotingError):
        ask(KNOWN, "masters", "c", namesrv_addr="127.0.0.1:1")
    with pytest.raises(UsageError, match="no name server"):
        ask(KNOWN, "masters", "c", namesrv_addr="")


def test_a_broker_that_does_not_answer_is_listed_without_figures(caplog):
    figures = KVTable(table={"putTps": "1.0"}).encode()
    remoting = Answers(
        {(NAMESRV, CODE): BODY, ("h:1", RequestCode.GET_BROKER_RUNTIME_INFO): figures}
    )
    found = ask(remoting, "cluster_list", "c")
    assert [(one.addr, one.figures) for one in found] == [
        ("h:1", {"putTps": "1.0"}),
        ("h:2", {}),
        ("h:3", {}),
    ]
    assert "h:2 tells no figures" in caplog.text
