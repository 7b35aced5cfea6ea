"""Rounds over consumer groups: what waits, for how long, and whom they tell of."""

from __future__ import annotations

from rmqwire.admin.monitor import MembersReport
from rmqwire.cli.admin.monitor import _members


def test_members_that_differ_and_queues_that_are_stuck_are_told():
    report = MembersReport("g", False, ["c MessageQueue [topic=T] can't lock for a while, 5ms"])
    start = "[MONITOR]  [NOTIFY] reportConsumerRunningInfo: ConsumerGroup: g,"
    assert list(_members(report)) == [
        f"{start} Subscription different",
        f"{start} ClientId: c, c MessageQueue [topic=T] can't lock for a while, 5ms",
    ]
    assert list(_members(MembersReport("g", True, []))) == []
