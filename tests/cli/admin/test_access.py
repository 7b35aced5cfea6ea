"""Users, policies and accounts, asked and changed at brokers with access control."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import pytest

from rmqwire.auth.credentials import Credentials
from rmqwire.auth.signature import SigningHook
from rmqwire.codec.command import decode_command, encode_command
from rmqwire.codec.release import V4_9_7, V5_5_0
from tests.auth.support import put
from tests.broker.admin_support import AdminBroker
from tests.cli.admin.conftest import admin
from tests.support.memory_files import MemoryFiles

ADMIN = Credentials("admin-key", "admin-secret")
ACCOUNTS = "accounts:\n- {accessKey: admin-key, secretKey: admin-secret, admin: true}\n"
B = ("-b", "127.0.0.1:10911")


class Signed:
    """A remoting to brokers in memory, its requests signed by the administrator.

    Args:
        brokers: by address.
    """

    def __init__(self, brokers):
        self.brokers = brokers

    async def invoke(self, addr, command, timeout_ms=3000):
        SigningHook(ADMIN).before_request(addr, command)
        connection = self.brokers[addr].connection
        connection.receive_data(encode_command(command))
        return decode_command(connection.data_to_send())


def serve(monkeypatch, brokers):
    @asynccontextmanager
    async def remoting():
        yield Signed(brokers)

    monkeypatch.setattr("rmqwire.cli.admin.verb.remoting_client", remoting)


@pytest.fixture
def two(monkeypatch):
    """Two brokers with access control 2.0; the administrator's user is there."""
    user = '{"username":"admin-key","password":"admin-secret"}'
    made = [
        AdminBroker(V5_5_0, authentication_enabled=True, init_authentication_user=user)
        for _ in range(2)
    ]
    serve(monkeypatch, {"127.0.0.1:10911": made[0], "127.0.0.1:10921": made[1]})
    yield made
    for broker in made:
        broker.close()


@pytest.fixture
def old(monkeypatch):
    """A broker of 4.9 with access control 1.0."""
    files = MemoryFiles()
    put(files, "home/conf/plain_acl.yml", ACCOUNTS)
    made = AdminBroker(V4_9_7, files, acl_enable=True, rocketmq_home="home")
    serve(monkeypatch, {"127.0.0.1:10911": made})
    yield made
    made.close()


def table(text):
    return [line.split() for line in text.splitlines()]


def test_users_are_made_changed_listed_and_removed(two):
    assert admin("createUser", *B, "-u", "clerk", "-p", "s") == (
        "create user to 127.0.0.1:10911 success.\n"
    )
    admin("createUser", *B, "-u", "root2", "-p", "s2", "-t", "Super")
    assert "The user is existed" in admin("createUser", *B, "-u", "clerk", "-p", "s", code=1)
    admin("updateUser", *B, "-u", "clerk", "-s", "disable")
    assert "one of -p, -t, -s" in admin("updateUser", *B, "-u", "clerk", code=2)
    assert admin("listUser", *B).splitlines() == [
        "#UserName         #Password               #UserType               #UserStatus           ",
        "admin-key         admin-secret            Super                   enable                ",
        "clerk             s                       Normal                  disable               ",
        "root2             s2                      Super                   enable                ",
    ]
    assert table(admin("listUser", *B, "-f", "oo"))[1:] == [["root2", "s2", "Super", "enable"]]
    assert table(admin("getUser", *B, "-u", "clerk"))[1:] == [["clerk", "s", "Normal", "disable"]]
    assert admin("getUser", *B, "-u", "nobody") == ""
    assert json.loads(admin("getUser", *B, "-u", "root2", "--json"))["userType"] == "Super"
    assert admin("deleteUser", *B, "-u", "clerk", "--dry-run") == (
        "would delete user of clerk at 127.0.0.1:10911\n"
    )
    assert admin("deleteUser", *B, "-u", "clerk", "--yes").startswith("delete user to ")
    assert len(table(admin("listUser", *B))) == 3


def test_policies_are_made_changed_listed_and_removed(two):
    admin("createUser", *B, "-u", "clerk", "-p", "s")
    words = ("-s", "User:clerk", "-r", "Topic:ta, Group:ga", "-a", "Pub,Sub", "-d", "Allow")
    assert admin("createAcl", *B, *words, "-i", "127.0.0.1") == (
        "create acl to 127.0.0.1:10911 success.\n"
    )
    admin("updateAcl", *B, "-s", "User:clerk", "-r", "Topic:tb", "-a", "Pub", "-d", "Deny")
    heading = "#Subject          #PolicyType  #Resource               #Actions              #SourceIp                 #Decision "
    rows = [
        "User:clerk        Custom      Topic:ta                [Pub, Sub]            [127.0.0.1]               Allow     ",
        "User:clerk        Custom      Group:ga                [Pub, Sub]            [127.0.0.1]               Allow     ",
        "User:clerk        Custom      Topic:tb                [Pub]                 null                      Deny      ",
    ]
    assert admin("listAcl", *B).splitlines() == [heading, *rows]
    assert admin("getAcl", *B, "-s", "User:clerk").splitlines() == [heading, *rows]
    assert admin("listAcl", *B, "-r", "tb").splitlines() == [heading, rows[2]]
    assert admin("getAcl", *B, "-s", "User:admin-key") == ""
    admin("deleteAcl", *B, "-s", "User:clerk", "-r", "Topic:ta", "--yes")
    assert admin("listAcl", *B).splitlines() == [heading, *rows[1:]]
    admin("deleteAcl", *B, "-s", "User:clerk", "--yes")
    assert admin("listAcl", *B) == ""


def test_users_and_policies_are_copied_from_broker_to_broker(two):
    to = ("-f", "127.0.0.1:10911", "-t", "127.0.0.1:10921")
    for name in ("clerk", "other"):
        admin("createUser", *B, "-u", name, "-p", "s")
        rule = ("-r", "Topic:ta", "-a", "Pub", "-d", "Allow")
        admin("createAcl", *B, "-s", f"User:{name}", *rule)
    one = "from 127.0.0.1:10911 to 127.0.0.1:10921 success.\n"
    assert admin("copyUser", *to, "-u", "clerk,nobody") == f"copy user of clerk {one}"
    assert (
        admin("copyAcl", *to, "-s", "User:clerk,User:admin-key") == f"copy acl of User:clerk {one}"
    )
    assert len(admin("copyUser", *to).splitlines()) == 3
    admin("copyAcl", *to)
    assert admin("listUser", "-b", "127.0.0.1:10921") == admin("listUser", *B)
    assert admin("listAcl", "-b", "127.0.0.1:10921") == admin("listAcl", *B)


def test_accounts_of_4_9_are_set_shown_and_removed(old):
    said = admin(
        "updateAclConfig", *B, "-a", "the-clerk", "-s", "clerk-secret", "-t", "ta=PUB,tb=DENY"
    )
    assert (
        said.splitlines()[0] == "create or update plain access config to 127.0.0.1:10911 success."
    )
    assert "accessKey=the-clerk" in said
    assert "clerk-secret" not in said
    shown = admin("getAclConfig", *B)
    assert "  topicPerms        : [ta=PUB, tb=DENY]\n" in shown
    assert "  admin             : true\n" in shown
    assert "globalWhiteRemoteAddresses: [10.1.2.*]\n" in admin_after_white()
    versions = admin("clusterAclConfigVersion", *B).splitlines()
    assert versions[0].split()[:2] == ["GoldCluster", "gold-a"]
    assert versions[0].split()[3].endswith("plain_acl.yml")
    assert versions[-1] == "get broker's plain access config version success."
    assert (
        json.loads(admin("clusterAclConfigVersion", *B, "--json"))["clusterName"] == "GoldCluster"
    )
    assert "account's accesskey is:the-clerk" in admin(
        "deleteAclConfig", *B, "-a", "the-clerk", "--yes"
    )
    assert "the-clerk" not in admin("getAclConfig", *B)


def test_a_cluster_s_brokers_are_asked_by_its_name(two, monkeypatch):
    where = ("-n", "127.0.0.1:9876", "-c", "GoldCluster")
    addrs = ["127.0.0.1:10911", "127.0.0.1:10921"]

    async def known(_, __=None):
        return addrs

    monkeypatch.setattr("rmqwire.admin.admin.Admin.masters", known)
    monkeypatch.setattr("rmqwire.admin.admin.Admin.brokers", known)
    made = admin("createUser", *where, "-u", "clerk", "-p", "s").splitlines()
    assert made == [f"create user to {addr} success." for addr in addrs]
    assert admin("listUser", *where).splitlines()[-1] == "get user from 127.0.0.1:10911 success."
    assert admin("listUser", *where, "-f", "nobody") == ""


def admin_after_white():
    said = admin("updateGlobalWhiteAddr", *B, "-g", "10.1.2.*")
    assert said == "update global white remote addresses to 127.0.0.1:10911 success.\n"
    return admin("getAclConfig", *B)


def test_nothing_is_changed_by_a_dry_run(old):
    before = admin("getAclConfig", *B)
    for words in (
        ("updateAclConfig", "-a", "a-clerk", "-s", "a-secret"),
        ("deleteAclConfig", "-a", "admin-key"),
        ("updateGlobalWhiteAddr", "-g", "*"),
    ):
        assert admin(*words, *B, "--dry-run").startswith("would ")
    assert admin("getAclConfig", *B) == before
