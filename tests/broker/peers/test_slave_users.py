"""A slave has its master's users and policies, so that a promotion locks nobody out and lets nobody in."""

from __future__ import annotations

import json

import pytest

from rmqwire.broker.peers.slave_sync import SlaveSynchronize
from rmqwire.codec.bodies import AclInfo, PolicyEntryInfo, PolicyInfo, UserInfo
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.release import V4_9_7
from tests.broker.peers.support import CODES, MASTER, Master, reaches
from tests.support.broker import MemoryBroker

INNER = '{"accessKey":"inner","secretKey":"of the slave"}'
PUB = frozenset(("Pub",))


def listed(*bodies):
    return RemotingCommand(0, body=b"[%s]" % b",".join(body.encode() for body in bodies))


def user(name, password="secret", kind="Normal", status="enable"):
    return UserInfo(name, password, kind, status)


def allows(name, *resources):
    entries = [PolicyEntryInfo(resource, ["Pub"], None, "Allow") for resource in resources]
    return AclInfo(f"User:{name}", [PolicyInfo("Custom", entries)])


@pytest.fixture
def pair(tmp_path):
    slave = MemoryBroker(
        tmp_path,
        broker_role="SLAVE",
        broker_id=1,
        authentication_enabled=True,
        authorization_enabled=True,
        inner_client_authentication_credentials=INNER,
    )
    master = Master("5.5.0")
    sync = SlaveSynchronize(master, slave.state, lambda: None, reaches)
    sync.follow(MASTER)
    yield slave, master, sync
    slave.close()


def tell(master, users, acls=()):
    master.by_code[R.AUTH_LIST_USER] = listed(*users)
    master.by_code[R.AUTH_LIST_ACL] = listed(*acls)


async def test_users_and_policies_come_change_and_go_as_at_the_master(pair, tmp_path):
    slave, master, sync = pair
    table = slave.state.auth.table
    table.create_user(user("only here"))
    tell(
        master,
        [user("clerk"), user("admin", kind="Super")],
        [allows("clerk", "Topic:a", "Topic:b")],
    )
    assert await sync.sync_all()
    assert table.users.keys() == {"clerk", "admin", "inner"}
    assert table.is_super("admin")
    assert table.decide("clerk", "Topic", "b", PUB, "10.0.0.1") == "Allow"
    tell(master, [user("clerk", "another", status="disable")], [allows("clerk", "Topic:a")])
    assert await sync.sync_all()
    assert table.users.keys() == {"clerk", "inner"}
    assert (table.users["clerk"].password, table.users["clerk"].user_status) == (
        "another",
        "disable",
    )
    assert table.decide("clerk", "Topic", "b", PUB, "10.0.0.1") is None
    whole = json.loads((tmp_path / "config/auth.json").read_text())
    assert {one["username"] for one in whole["users"]} == {"clerk", "inner"}


async def test_of_a_name_that_both_have_the_master_s_user_counts(pair):
    slave, master, sync = pair
    tell(master, [user("inner", "of the master", "Super")])
    assert await sync.sync_all()
    assert slave.state.auth.table.users == {"inner": user("inner", "of the master", "Super")}


async def test_own_users_keep_their_policies_and_those_of_nobody_do_not_come(pair):
    slave, master, sync = pair
    slave.state.auth.table.update_acl("User:inner", allows("inner", "Topic:a"))
    tell(master, [user("clerk")], [allows("nobody", "Topic:a")])
    assert await sync.sync_all()
    assert slave.state.auth.table.policies.keys() == {"inner"}


async def test_a_master_without_any_user_takes_none_away(pair):
    slave, master, sync = pair
    slave.state.auth.table.create_user(user("clerk"))
    tell(master, [])
    assert await sync.sync_all()
    assert slave.state.auth.table.users.keys() == {"clerk", "inner"}


async def test_what_has_not_changed_is_not_written(pair, tmp_path):
    _, master, sync = pair
    file = tmp_path / "config/auth.json"
    tell(master, [user("clerk")], [allows("clerk", "Topic:a")])
    assert await sync.sync_all()
    before = file.stat()
    assert await sync.sync_all()
    assert file.stat().st_ino == before.st_ino


@pytest.mark.parametrize("hidden", ["******", "", None])
async def test_a_master_that_hides_passwords_changes_nothing_and_is_named(pair, caplog, hidden):
    slave, master, sync = pair
    tell(master, [user("clerk", hidden)])
    assert not await sync.sync_all()
    assert slave.state.auth.table.users.keys() == {"inner"}
    assert (
        f"users and policies (AUTH_LIST_USER, AUTH_LIST_ACL) not taken over from {MASTER}: "
        "the password of User:clerk is told to super users alone"
    ) in caplog.text


async def test_a_4_9_master_has_none(pair, caplog):
    slave, master, sync = pair
    old = Master("4.9.7").by_code
    master.by_code = old | {
        code: RemotingCommand(3, remark="not supported", version=V4_9_7.mq_version)
        for code in (402, 60, 61)
    }
    assert await sync.sync_all()
    assert {command.code for _, command in master.asked} == set(CODES["4.9.7"])
    assert slave.state.auth.table.users.keys() == {"inner"}
    assert caplog.records == []
