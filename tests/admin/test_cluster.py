"""The brokers of a cluster, from a name server's answer."""

from __future__ import annotations

import pytest

from rmqwire.admin.cluster import brokers_of, masters_of
from rmqwire.codec.bodies import BrokerData, ClusterInfo
from rmqwire.errors import BadBody


def broker(name, **addrs):
    table = {int(key[1:]): value for key, value in addrs.items()}
    return BrokerData(cluster="c", broker_name=name, broker_addrs=table)


BODY = ClusterInfo(
    broker_addr_table={
        "a": broker("a", _1="h:2", _0="h:1"),
        "b": broker("b", _1="h:3"),
        "z": broker("z", _0="h:9"),
    },
    cluster_addr_table={"c": ["a", "b", "gone"], "other": ["z"]},
).encode()


@pytest.mark.parametrize(
    ("choose", "addrs"), [(masters_of, ["h:1"]), (brokers_of, ["h:1", "h:2", "h:3"])]
)
def test_brokers_of_one_cluster(choose, addrs):
    assert choose(BODY, "c") == addrs
    assert choose(BODY, "other") == ["h:9"]
    assert choose(BODY, "none") == []
    with pytest.raises(BadBody):
        choose(b"[", "c")
