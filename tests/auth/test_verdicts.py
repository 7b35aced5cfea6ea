"""What access control 2.0 has decided is not looked for again, until something changes."""

from __future__ import annotations

import pytest

from rmqwire.auth import auth_table
from rmqwire.auth.auth_table import AuthTable
from rmqwire.auth.policy import Policies
from rmqwire.codec.bodies import AclInfo, PolicyEntryInfo, PolicyInfo, UserInfo
from rmqwire.codec.release import V5_5_0
from rmqwire.disk.table_file import ConfigFile
from tests.support.memory_files import MemoryFiles

PUB = frozenset(("Pub",))
ASKED = ("Topic", "orders", PUB, "10.0.0.1")


@pytest.fixture
def judged(monkeypatch):
    """The requests that policies were asked about."""
    asked = []
    decide = Policies.decide

    def counted(policies, *request):
        asked.append(request)
        return decide(policies, *request)

    monkeypatch.setattr(Policies, "decide", counted)
    return asked


@pytest.fixture
def table(judged):
    files = MemoryFiles()
    files.makedirs("store/config")
    made = AuthTable(ConfigFile("store/config/auth.json", files, holds="users"), V5_5_0)
    made.create_user(UserInfo("clerk", "secret"))
    decide(made, "Allow")
    return made


def decide(table, decision):
    entry = PolicyEntryInfo("Topic:orders", ["Pub"], None, decision)
    table.update_acl("User:clerk", AclInfo("User:clerk", [PolicyInfo("Custom", [entry])]))


def test_a_request_is_judged_once_from_each_place(table, judged):
    for host in ("10.0.0.1", "10.0.0.2", "10.0.0.1"):
        assert table.decide("clerk", "Topic", "orders", PUB, host) == "Allow"
    assert table.decide("clerk", "Topic", "others", PUB, "10.0.0.1") is None
    assert table.decide("clerk", "Topic", "others", PUB, "10.0.0.1") is None
    assert table.decide("nobody", *ASKED) is None
    assert judged == [ASKED, (*ASKED[:3], "10.0.0.2"), ("Topic", "others", PUB, "10.0.0.1")]


def test_each_change_counts_with_the_next_request(table, judged):
    assert table.decide("clerk", *ASKED) == "Allow"
    decide(table, "Deny")
    assert table.decide("clerk", *ASKED) == "Deny"
    table.delete_acl("User:clerk", None, None)
    assert table.decide("clerk", *ASKED) is None
    decide(table, "Allow")
    assert table.decide("clerk", *ASKED) == "Allow"
    table.delete_user("clerk")
    assert table.decide("clerk", *ASKED) is None
    assert len(judged) == 3


def test_more_names_than_anybody_has_hold_no_memory(table, judged, monkeypatch):
    monkeypatch.setattr(auth_table, "_MOST_VERDICTS", 3)
    for number in range(7):
        table.decide("clerk", "Topic", f"t{number}", PUB, "10.0.0.1")
    table.decide("clerk", "Topic", "t6", PUB, "10.0.0.1")
    assert len(judged) == 7
    table.decide("clerk", "Topic", "t0", PUB, "10.0.0.1")
    assert len(judged) == 8
