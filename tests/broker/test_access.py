"""A broker with aclEnable: who passes, what is answered, and that no secret leaves it."""

from __future__ import annotations

import json
import logging

import pytest
import trio

from rmqwire.auth.credentials import Credentials
from rmqwire.auth.signature import SigningHook
from rmqwire.broker.broker import Broker, _watch_accounts
from rmqwire.broker.requests import REQUESTS
from rmqwire.broker.settings.values import BrokerConfig, LoadedConfig
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.errors import ConfigError
from rmqwire.store.config import StoreConfig
from tests.auth.support import put
from tests.broker.admin_support import NOW_MS, AdminBroker
from tests.support.memory_files import MemoryFiles

PATH = "home/conf/plain_acl.yml"
CANARY = "canary-secret"
ADMIN, USER = Credentials("the-admin", CANARY + "-1"), Credentials("the-user", CANARY + "-2")
ACCOUNTS = f"""\
accounts:
- accessKey: the-admin
  secretKey: {ADMIN.secret_key}
  admin: true
- accessKey: the-user
  secretKey: {USER.secret_key}
  topicPerms: [T=PUB]
"""
MARK = "org.apache.rocketmq.acl.common.AclException: "
SYSTEM_ERROR = int(ResponseCode.SYSTEM_ERROR)


@pytest.fixture
def broker():
    made = make(ACCOUNTS)
    yield made
    made.close()


def make(text):
    files = MemoryFiles()
    put(files, PATH, text)
    return AdminBroker(V4_9_7, files, acl_enable=True, rocketmq_home="home")


def ask(broker, code, fields=None, who=None, body=b""):
    request = RemotingCommand(code, dict(fields or {}), body)
    if who is not None:
        SigningHook(who).before_request("", request)
    broker.connection.receive_data(encode_command(request))
    broker.state.store.puts.end_pass()
    return decode_command(broker.connection.data_to_send())


@pytest.mark.parametrize("code", [row.code for row in REQUESTS if row.known_to(V4_9_7)] + [9999])
def test_no_code_is_answered_without_an_account(broker, code):
    answer = ask(broker, code, {"topic": "T"})
    assert answer.code == SYSTEM_ERROR
    frame = "org.apache.rocketmq.acl.plain.PlainPermissionManager.validate(PlainPermissionManager.java:663)"
    assert answer.remark == f"{MARK}No accessKey is configured, {frame}"


def test_a_user_sends_where_he_may_and_not_elsewhere(broker):
    fields = {
        "a": "g",
        "b": "T",
        "c": "TBW102",
        "d": "4",
        "e": "0",
        "f": "0",
        "g": "1",
        "h": "0",
        "m": "false",
    }
    assert ask(broker, R.SEND_MESSAGE_V2, fields, USER, b"x").code == 0
    for code in (R.SEND_MESSAGE_V2, R.SEND_BATCH_MESSAGE):
        refused = ask(broker, code, {**fields, "b": "U"}, USER, b"x")
        assert refused.remark.startswith(f"{MARK}No default permission for topic:U, ")
    assert broker.state.store.max_offset("U", 0) == 0


def test_an_account_of_no_administrator_neither_reads_nor_changes_accounts(broker):
    codes = (R.UPDATE_AND_CREATE_ACL_CONFIG, R.DELETE_ACL_CONFIG, R.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG,
             R.GET_BROKER_CLUSTER_ACL_CONFIG, R.UPDATE_BROKER_CONFIG)  # fmt: skip
    for code in codes:
        answer = ask(broker, code, {"accessKey": "the-admin"}, USER)
        said = f"{MARK}Need admin permission for request code={int(code)}, but accessKey=the-user is not"
        assert answer.remark.startswith(said)


def test_an_administrator_adds_changes_and_deletes_accounts(broker):
    fields = {
        "accessKey": "new-account",
        "secretKey": "new-secret",
        "topicPerms": "T=PUB,U=SUB,",
        "admin": "true",
    }
    new = Credentials("new-account", "new-secret")
    assert ask(broker, R.UPDATE_AND_CREATE_ACL_CONFIG, fields, ADMIN).code == 0
    assert b"- T=PUB\n  - U=SUB\n" in broker.files.data[PATH]
    assert ask(broker, R.GET_BROKER_CLUSTER_ACL_INFO, {}, new).code == 0
    answer = ask(broker, R.DELETE_ACL_CONFIG, {"accessKey": "new-account"}, ADMIN)
    assert (answer.code, answer.remark) == (0, None)
    assert ask(broker, R.GET_BROKER_CLUSTER_ACL_INFO, {}, new).code == SYSTEM_ERROR
    gone = ask(broker, R.DELETE_ACL_CONFIG, {"accessKey": "new-account"}, ADMIN)
    remark = "The accesskey[new-account] corresponding to accessConfig has been deleted failed."
    assert (gone.code, gone.remark) == (ResponseCode.DELETE_ACL_CONFIG_FAILED, remark)


def test_white_lists_are_set_at_once(broker):
    assert ask(broker, R.GET_BROKER_CONFIG).code == SYSTEM_ERROR
    fields = {"globalWhiteAddrs": "10.0.0.*,127.0.0.1"}  # as mqadmin without -p
    assert ask(broker, R.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG, fields, ADMIN).code == 0
    assert ask(broker, R.GET_BROKER_CONFIG).code == 0
    fields = {"globalWhiteAddrs": "*", "aclFileFullPath": "home/conf/other.yml"}
    answer = ask(broker, R.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG, fields)
    remark = "The globalWhiteAddresses[*] has been updated failed."
    assert (answer.code, answer.remark) == (
        ResponseCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG_FAILED,
        remark,
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"secretKey": "canary"}, "The accessKey=new-account and secretKey=****** cannot be null and length should longer than 6"),
        ({}, "The accessKey=new-account and secretKey=null cannot be null and length should longer than 6"),
        ({"secretKey": "new-secret", "topicPerms": "T"}, "Parse Resource format error for T.\nThe expected resource format is 'Res=Perm'. For example: topicA=SUB"),
        ({"secretKey": "new-secret", "whiteRemoteAddress": "host"}, "Netaddress examine Exception netaddress is host"),
    ],
)  # fmt: skip
def test_an_account_that_cannot_be_used_is_refused(broker, fields, said):
    answer = ask(
        broker, R.UPDATE_AND_CREATE_ACL_CONFIG, {"accessKey": "new-account", **fields}, ADMIN
    )
    assert (answer.code, answer.remark) == (ResponseCode.UPDATE_AND_CREATE_ACL_CONFIG_FAILED, said)
    assert broker.files.data[PATH] == ACCOUNTS.encode()


def test_a_disk_that_fails_is_named(broker):
    broker.files.fail("rename", "plain_acl.yml", 28)
    answer = ask(broker, R.DELETE_ACL_CONFIG, {"accessKey": "the-user"}, ADMIN)
    assert answer.remark.startswith("not written: [Errno 28] injected: 'home/conf/plain_acl.yml")


def test_accounts_are_shown_without_their_secrets(broker):
    answer = ask(broker, R.GET_BROKER_CLUSTER_ACL_CONFIG, {}, ADMIN)
    shown = json.loads(bytes(answer.body))
    assert [account["accessKey"] for account in shown["plainAccessConfigs"]] == [
        "the-admin",
        "the-user",
    ]
    assert {account["secretKey"] for account in shown["plainAccessConfigs"]} == {"******"}


def test_versions_are_those_of_the_files(broker):
    put(
        broker.files,
        "home/conf/acl/b.yml",
        "dataVersion: [{counter: 7, timestamp: 1700000000001}]\nother: 1\n",
    )
    broker.state.acl.take(broker.state.acl.read_files())
    fields = ask(broker, R.GET_BROKER_CLUSTER_ACL_INFO, {}, USER).ext_fields
    version = f'{{"counter":0,"timestamp":{NOW_MS}}}'
    assert fields["version"] == version
    other = '{"counter":7,"timestamp":1700000000001}'
    assert fields["allAclFileVersion"] == f'{{"home/conf/acl/b.yml":{other},"{PATH}":{version}}}'
    assert (fields["brokerName"], fields["clusterName"]) == ("gold-a", "GoldCluster")


def test_the_version_of_an_empty_file_is_that_of_the_start():
    broker = make("")
    broker.state.acl.table.white.append(lambda host: True)
    fields = ask(broker, R.GET_BROKER_CLUSTER_ACL_INFO).ext_fields
    broker.close()
    assert fields["version"] == f'{{"counter":0,"timestamp":{NOW_MS}}}'
    assert fields["allAclFileVersion"] == "{}"


def test_without_access_control_its_requests_say_so(admin_broker):
    broker = admin_broker(V4_9_7)
    for code, fields, refused in (
        (50, {"accessKey": "a"}, 209), (51, {"accessKey": "a"}, 210), (52, {}, 1), (54, {}, 1),
        (53, {"globalWhiteAddrs": "*", "aclFileFullPath": ""}, 211),
    ):  # fmt: skip
        answer = broker.ask(code, fields=fields)
        assert answer.remark == "access control is not enabled: aclEnable=false"
        assert answer.code in {refused, int(ResponseCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG_FAILED)}


def test_a_broker_of_5_does_not_know_them(admin_broker):
    broker = admin_broker(V5_5_0)
    for code in range(50, 55):
        assert broker.ask(code).remark == f" request type {code} not supported"


def test_a_broken_file_stops_the_start():
    with pytest.raises(ConfigError, match=f"aclEnable=true: {PATH}"):
        make("accounts: 5\n")


def test_no_secret_is_in_a_log_an_answer_or_a_file_but_its_own(broker, caplog):
    caplog.set_level(logging.DEBUG)
    new = {"accessKey": "new-account", "secretKey": CANARY + "-3"}
    said = [
        ask(broker, code, fields, who)
        for who in (None, USER, ADMIN, Credentials("the-admin", CANARY + "-wrong"))
        for code, fields in (
            (50, new), (50, {**new, "topicPerms": "T"}), (50, {**new, "admin": CANARY}), (51, new), (52, {}),
            (54, {}), (25, {}), (26, {}), (28, {}), (34, {}), (310, new), (9999, new),
        )
    ]  # fmt: skip
    wires = b"".join(encode_command(answer) for answer in said)
    assert CANARY.encode() not in wires.replace(b'"admin": canary', b"")
    assert CANARY not in caplog.text
    holders = [path for path, data in broker.files.data.items() if CANARY.encode() in data]
    assert holders in ([PATH], [])
    assert CANARY not in repr(broker.state.config)


async def test_changed_files_are_noticed_and_a_disk_that_fails_is_survived(
    broker, caplog, autojump_clock, nursery
):
    acl = broker.state.acl
    broker.files.fail("open", PATH)
    nursery.start_soon(_watch_accounts, acl)
    put(broker.files, PATH, ACCOUNTS.replace("the-user", "new-user"))
    while "new-user" not in acl.table.accounts:  # noqa: ASYNC110  it tells nobody
        await trio.sleep(1)
    assert "access control stays as it was: [Errno 5] injected" in caplog.text
    nursery.cancel_scope.cancel()


def test_a_broker_with_credentials_signs_what_it_asks():
    config = BrokerConfig(
        inner_client_authentication_credentials='{"accessKey":"a","secretKey":"s"}'
    )
    signing = Broker(LoadedConfig(config, StoreConfig(), V4_9_7, []))._signing()
    assert [type(hook) for hook in signing] == [SigningHook]
    assert Broker(LoadedConfig(BrokerConfig(), StoreConfig(), V4_9_7, []))._signing() == []
