"""Accounts of access control 1.0 become users and policies, as those of a Java broker did."""

from __future__ import annotations

import logging

import pytest

from rmqwire.auth.migration import policies_of
from rmqwire.codec.bodies import PlainAccessConfig
from rmqwire.codec.release import V5_5_0
from rmqwire.errors import ConfigError
from tests.auth.support import put
from tests.broker.admin_support import AdminBroker
from tests.support.memory_files import MemoryFiles

# RocketMQ's own conf/plain_acl.yml, and what mqadmin listed after Java 5.5.0 had taken it over.
PLAIN_ACL = """\
globalWhiteRemoteAddresses:
- 10.10.103.*
accounts:
- accessKey: RocketMQ
  secretKey: 12345678
  whiteRemoteAddress:
  admin: false
  defaultTopicPerm: DENY
  defaultGroupPerm: SUB
  topicPerms: [topicA=DENY, topicB=PUB|SUB, topicC=SUB]
  groupPerms: [groupA=DENY, groupB=PUB|SUB, groupC=SUB]
- accessKey: rocketmq2
  secretKey: 12345678
  whiteRemoteAddress: 192.168.1.*
  admin: true
"""
RULES = [
    ("Custom", "Topic:topicA", ["All"], "Deny"),
    ("Custom", "Topic:topicB", ["Pub", "Sub"], "Allow"),
    ("Custom", "Topic:topicC", ["Sub"], "Allow"),
    ("Custom", "Group:groupA", ["All"], "Deny"),
    ("Custom", "Group:groupB", ["Pub", "Sub"], "Allow"),
    ("Custom", "Group:groupC", ["Sub"], "Allow"),
    ("Default", "Topic:*", ["All"], "Deny"),
    ("Default", "Group:*", ["Sub"], "Allow"),
]


def broker(text, **settings):
    files = MemoryFiles()
    if text is not None:
        put(files, "home/conf/plain_acl.yml", text)
    return AdminBroker(
        V5_5_0,
        files,
        authentication_enabled=True,
        migrate_auth_from_v1_enabled=True,
        rocketmq_home="home",
        **settings,
    )


def rules(policies):
    return [
        (policy.policy_type, one.resource, one.actions, one.decision)
        for policy in policies
        for one in policy.entries
    ]


def test_accounts_become_the_users_and_policies_that_java_made_of_them(caplog):
    caplog.set_level(logging.WARNING)
    made = broker(PLAIN_ACL)
    table = made.state.auth.table
    assert [(one.username, one.password, one.user_type) for one in table.users.values()] == [
        ("RocketMQ", "12345678", "Normal"),
        ("rocketmq2", "12345678", "Super"),
    ]
    assert rules(table.acl_of("User:RocketMQ").policies) == RULES
    assert "rocketmq2" not in table.policies
    assert "rocketmq2 signs everywhere now: white addresses are not taken over" in caplog.text
    assert "12345678" not in caplog.text
    made.close()


def test_what_was_changed_since_stays_at_the_next_start():
    made = broker(PLAIN_ACL)
    made.state.auth.table.delete_acl("User:RocketMQ", None, None)
    made.close()
    again = AdminBroker(
        V5_5_0,
        made.files,
        authentication_enabled=True,
        migrate_auth_from_v1_enabled=True,
        rocketmq_home="home",
    )
    assert "RocketMQ" not in again.state.auth.table.policies
    again.close()


def test_without_files_nobody_is_taken_over_and_none_is_made():
    made = broker(None)
    assert made.state.auth.table.users == {}
    assert not made.files.exists("home/conf/plain_acl.yml")
    made.close()


def test_accounts_that_can_not_be_read_stop_the_start():
    with pytest.raises(ConfigError, match=r"^migrateAuthFromV1Enabled=true: home/conf/plain_acl"):
        broker("accounts: nobody")


def test_a_permission_that_1_0_does_not_know_denies_here_too():
    account = PlainAccessConfig("k", "s", topic_perms=["a=WRITE", "=PUB", "b"], group_perms=["g="])
    assert rules(policies_of(account)) == [
        ("Custom", "Topic:a", ["All"], "Deny"),
        ("Custom", "Group:g", ["All"], "Deny"),
    ]
    assert policies_of(PlainAccessConfig("k", "s")) == []
