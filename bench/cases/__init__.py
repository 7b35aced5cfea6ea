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

GROUPS: dict[str, Group] = {  # the first ones share their brokers
    "sends": sends.GROUP,
    "pulls": pulls.GROUP,
    "connections": connections.GROUP,
    "push": push.GROUP,
    "producers": producers.GROUP,
    "backlog": growing.BACKLOG,
    "transactions": transactions.GROUP,
    "pops": pops.GROUP,
    "cold": pulls.FROM_DISK,
    "starts": starts.GROUP,
    "topics": topics.GROUP,
    "replication": replication.GROUP,
    "growth": growing.GROUP,
    "filters": filters.GROUP,
    "two-brokers": two_brokers.GROUP,
}
