"""The brokers of the clusters that a name server knows (mqadmin's ``cluster``)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from rmqwire.admin.broker import BrokerVerbs
from rmqwire.errors import BrokerError, RemotingError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClusterMember:
    """One broker of a cluster.

    Args:
        cluster: its cluster's name.
        broker_name: its name, shared with its slaves or master.
        broker_id: 0 is the master.
        addr: ``host:port``.
        figures: those that ``brokerStatus`` shows; empty when it didn't answer.
    """

    cluster: str
    broker_name: str
    broker_id: int
    addr: str
    figures: dict[str, str]


class ClusterVerbs(BrokerVerbs):
    """What is asked about clusters."""

    async def cluster_list(self, cluster: str | None = None) -> list[ClusterMember]:
        """Return the brokers with their figures, by cluster, name and id (``clusterList``).

        A broker that doesn't answer is there without figures, and a warning is logged.

        Args:
            cluster: of this one; None: of all.
        """
        info = await self.cluster_info()
        clusters = info.cluster_addr_table if cluster is None else (cluster,)
        return [
            ClusterMember(name, broker_name, broker_id, addr, await self._figures(addr))
            for name in clusters
            for broker_name in sorted(info.cluster_addr_table.get(name) or ())
            if (broker := info.broker_addr_table.get(broker_name)) is not None
            for broker_id, addr in sorted(broker.broker_addrs.items())
        ]

    async def _figures(self, addr: str) -> dict[str, str]:
        try:
            return await self.broker_status(addr)
        except (RemotingError, BrokerError) as error:
            logger.warning("%s tells no figures: %s", addr, error)
            return {}
