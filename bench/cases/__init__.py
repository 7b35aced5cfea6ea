"""What is measured, a module for each group of cases that share servers."""

from __future__ import annotations

from bench.cases import connections, pulls, sends, starts, topics
from bench.cases.group import Group

GROUPS: dict[str, Group] = {
    "sends": sends.GROUP,
    "pulls": pulls.GROUP,
    "starts": starts.GROUP,
    "connections": connections.GROUP,
    "topics": topics.GROUP,
}
