"""Which brokers a name server knows (``CommandUtil``)."""

from __future__ import annotations

from rmqwire.codec.bodies import BrokerData, ClusterInfo
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.message_const import MASTER_ID


def cluster_request() -> RemotingCommand:
    """Ask a name server for all brokers."""
    return RemotingCommand.request(int(RequestCode.GET_BROKER_CLUSTER_INFO))


def masters_of(body: bytes, cluster: str) -> list[str]:
    """Return the masters' addresses of a cluster (``fetchMasterAddrByClusterName``).

    Args:
        body: a name server's answer to ``cluster_request``.
        cluster: the cluster's name.

    Raises:
        BadBody: it isn't one.
    """
    addrs = (broker.broker_addrs.get(MASTER_ID) for broker in _brokers(body, cluster))
    return [addr for addr in addrs if addr]


def brokers_of(body: bytes, cluster: str) -> list[str]:
    """Return the addresses of a cluster's masters and slaves (``fetchMasterAndSlaveAddr…``).

    Args:
        body: a name server's answer to ``cluster_request``.
        cluster: the cluster's name.

    Raises:
        BadBody: it isn't one.
    """
    return [
        addr
        for broker in _brokers(body, cluster)
        for _, addr in sorted(broker.broker_addrs.items())
    ]


def _brokers(body: bytes, cluster: str) -> list[BrokerData]:
    info = ClusterInfo.decode(body)
    found = (
        info.broker_addr_table.get(name) for name in info.cluster_addr_table.get(cluster) or ()
    )
    return [broker for broker in found if broker is not None]
