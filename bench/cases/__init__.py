"""What is measured, a module for each group of cases that share servers."""

from __future__ import annotations

from bench.cases import (
    connections,
    filters,
    growing,
    pops,
    producers,
    pulls,
    push,
    replication,
    sends,
    starts,
    topics,
    transactions,
    two_brokers,
)
from bench.cases.group import Group

GROUPS: dict[str, Group] = {
    "sends": sends.GROUP,
    "pulls": pulls.GROUP,
    "starts": starts.GROUP,
    "connections": connections.GROUP,
    "topics": topics.GROUP,
    "replication": replication.GROUP,
    "growth": growing.GROUP,
    "push": push.GROUP,
    "producers": producers.GROUP,
    "filters": filters.GROUP,
    "two-brokers": two_brokers.GROUP,
    "transactions": transactions.GROUP,
    "pops": pops.GROUP,
}
