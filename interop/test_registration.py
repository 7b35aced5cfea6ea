"""Name servers and brokers of both kinds, crosswise."""

from __future__ import annotations

from pathlib import Path

from interop import nodes
from interop.checks import all_of_it
from interop.cluster import Cluster
from interop.peer import Peer
from interop.processes import wait_until
from interop.wire import route_known


def there_and_back(peer: Peer, namesrv: str, topic: str, broker: str) -> None:
    peer.mqadmin("updateTopic", "-n", namesrv, "-b", broker, "-t", topic)
    wait_until(lambda: route_known(namesrv, topic), f"route of {topic}", 15)
    with peer.consume(namesrv, topic) as consumer:
        sent = peer.produce(namesrv, topic, 30)
        received = consumer.take(30)
    all_of_it(sent, received)


def test_rmqwire_broker_at_a_java_name_server(
    java_namesrv: str, version: str, json_peer: Peer, tmp_path: Path
) -> None:
    settings = {"brokerName": "rmqwire-b", "rocketmqVersion": version}
    broker = nodes.start_broker(tmp_path, java_namesrv, settings)
    try:
        listing = json_peer.mqadmin("clusterList", "-n", java_namesrv)
        assert broker.addr in listing
        there_and_back(json_peer, java_namesrv, "on_rmqwire_b", broker.addr)
    finally:
        code = broker.stop()
    assert code == 0
    assert broker.addr not in json_peer.mqadmin("clusterList", "-n", java_namesrv)


def test_java_broker_at_an_rmqwire_name_server(
    cluster: Cluster, version: str, json_peer: Peer, tmp_path: Path
) -> None:
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")
    try:
        broker = cluster.start_broker(tmp_path / "java", namesrv.addr, {"brokerName": "java-b"})
        assert broker.addr in json_peer.mqadmin("clusterList", "-n", namesrv.addr)
        there_and_back(json_peer, namesrv.addr, "on_java_b", broker.addr)
        broker.stop()
        wait_until(
            lambda: broker.addr not in json_peer.mqadmin("clusterList", "-n", namesrv.addr),
            "the stopped broker gone from the name server",
            15,
        )
    finally:
        assert namesrv.stop() == 0
