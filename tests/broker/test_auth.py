"""A broker with authenticationEnabled: its users, their file, and what passwords never get into."""

from __future__ import annotations

import logging

import pytest

from rmqwire.auth.auth_table import AuthTable
from rmqwire.auth.credentials import Credentials
from rmqwire.auth.signature import SigningHook
from rmqwire.broker.access import make_auth
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.broker.settings.values import BrokerConfig
from rmqwire.codec.bodies import AclInfo, PolicyEntryInfo, PolicyInfo, UserInfo
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.disk.files import RealFiles
from rmqwire.disk.table_file import ConfigFile
from rmqwire.errors import ConfigError, StoreError
from tests.broker.admin_support import AdminBroker
from tests.support.memory_files import MemoryFiles

CANARY = "canary-password"
ADMIN = Credentials("admin", f"{CANARY}-1")
CLERK = Credentials("clerk", f"{CANARY}-2")
SUPER = f'{{"username":"admin","password":"{ADMIN.secret_key}"}}'
FILE = "store/config/auth.json"
NO_PERMISSION = int(ResponseCode.NO_PERMISSION)
SYSTEM_ERROR = int(ResponseCode.SYSTEM_ERROR)


def make(files=None, **settings):
    enabled = {"authentication_enabled": True, "authorization_enabled": True}
    return AdminBroker(V5_5_0, files, **{**enabled, "init_authentication_user": SUPER, **settings})


@pytest.fixture
def broker():
    made = make()
    add_user(made, CLERK)
    yield made
    made.close()


def ask(broker, code, fields=None, body=b"", who=ADMIN):
    request = RemotingCommand(code, dict(fields or {}), body)
    if who is not None:
        SigningHook(who).before_request("", request)
    broker.connection.receive_data(encode_command(request))
    return decode_command(broker.connection.data_to_send())


def add_user(broker, user, kind=None, who=ADMIN):
    info = UserInfo(username="", password=user.secret_key, user_type=kind)
    return ask(broker, R.AUTH_CREATE_USER, {"username": user.access_key}, info.encode(), who)


def allow(broker, resource, *actions, subject="User:clerk"):
    entry = PolicyEntryInfo(resource=resource, actions=list(actions), decision="Allow")
    info = AclInfo(subject=subject, policies=[PolicyInfo(entries=[entry])])
    return ask(broker, R.AUTH_CREATE_ACL, {"subject": subject}, info.encode())


def test_only_super_users_make_change_and_delete_super_users(broker):
    allow(broker, "Cluster:GoldCluster", "All")
    second = Credentials("second", "pass")
    answer = add_user(broker, second, "Super", who=CLERK)
    assert (answer.code, answer.remark) == (
        SYSTEM_ERROR,
        "The super user can only be create by super user",
    )
    said = "The super user can only be update by super user"
    changed = UserInfo(password="mine").encode()
    for code, body, refused in (
        (R.AUTH_UPDATE_USER, changed, NO_PERMISSION),
        (R.AUTH_UPDATE_USER, UserInfo(user_type="super").encode(), SYSTEM_ERROR),
        (R.AUTH_DELETE_USER, b"", NO_PERMISSION),
    ):
        answer = ask(broker, code, {"username": "admin"}, body, who=CLERK)
        assert (answer.code, answer.remark) == (refused, said)
    assert add_user(broker, second, "Super").code == 0
    assert ask(broker, R.GET_BROKER_CONFIG, who=second).code == 0
    assert (
        ask(
            broker,
            R.AUTH_UPDATE_USER,
            {"username": "second"},
            UserInfo(user_status="disable").encode(),
        ).code
        == 0
    )
    assert ask(broker, R.GET_BROKER_CONFIG, who=second).remark == "User:second is disabled."


def test_passwords_are_shown_to_super_users_alone(broker):
    allow(broker, "Cluster:GoldCluster", "Get")
    for who, shown in ((ADMIN, CLERK.secret_key), (CLERK, "******")):
        answer = ask(broker, R.AUTH_GET_USER, {"username": "clerk"}, who=who)
        assert UserInfo.decode(answer.body).password == shown
        listed = bytes(ask(broker, R.AUTH_LIST_USER, who=who).body).decode()
        assert (CANARY in listed) == (who is ADMIN)
    assert ask(broker, R.AUTH_GET_USER, {"username": " "}).code == ResponseCode.INVALID_PARAMETER


def test_users_and_policies_outlive_a_restart_and_no_one_else_reads_their_file(tmp_path):
    path = tmp_path / "config" / "auth.json"
    table = AuthTable(ConfigFile(str(path), RealFiles(), holds="users", private=True), V5_5_0)
    table.load()
    table.ensure_super(ADMIN)
    table.ensure_super(Credentials("admin", "another"))
    entry = PolicyEntryInfo(
        resource="Topic:t*", actions=["Pub"], source_ips=["10.0.0.0/8"], decision="Deny"
    )
    table.update_acl(
        "User:admin", AclInfo(policies=[PolicyInfo(policy_type="Default", entries=[entry])])
    )
    assert {one.stat().st_mode & 0o777 for one in path.parent.iterdir()} == {0o600}
    again = AuthTable(ConfigFile(str(path), RealFiles(), holds="users"), V5_5_0)
    again.load()
    assert again.users == table.users
    assert again.policies == table.policies
    assert again.users["admin"].password == ADMIN.secret_key


@pytest.mark.parametrize("text", [b"{}", b'{"users":[],"acls":5}', b'{"users":[5],"acls":[]}', b"users",
                                  b'{"users":[],"acls":[{"subject":"clerk"}]}'])  # fmt: skip
def test_a_damaged_file_stops_the_start(text):
    files = MemoryFiles()
    files.makedirs("store/config")
    files.put(FILE, text)
    with pytest.raises(StoreError, match="is damaged"):
        make(files)


def test_a_change_that_the_disk_refuses_is_none(broker):
    broker.files.fail("rename", "auth.json")
    answer = add_user(broker, Credentials("third", "pass"))
    assert answer.code == SYSTEM_ERROR
    assert answer.remark.startswith("not written: ")
    assert ask(broker, R.AUTH_GET_USER, {"username": "third"}).body == b""


def test_deleted_users_take_their_policies_along(broker):
    allow(broker, "Topic:t", "Pub")
    assert ask(broker, R.AUTH_DELETE_USER, {"username": "clerk"}).code == 0
    assert ask(broker, R.AUTH_LIST_ACL).body == b""
    add_user(broker, CLERK)
    assert ask(broker, R.AUTH_GET_ACL, {"subject": "User:clerk"}).body == b""
    answer = ask(broker, R.AUTH_DELETE_ACL, {"subject": "User:clerk"})
    assert (answer.code, answer.remark) == (NO_PERMISSION, "The acl is not exist.")


def test_codes_on_a_white_list_need_no_user_or_no_policy():
    broker = make(authentication_whitelist="28,29", authorization_whitelist="30, 43")
    add_user(broker, CLERK)
    assert ask(broker, 28, who=None).code == 0
    topic = {"topic": "t", "queueId": "0", "timestamp": "0"}
    failed = "Authorization failed. Please verify your access rights and try again."
    assert ask(broker, 29, topic, who=None).remark == failed
    assert (
        ask(broker, 29, {**topic, "AccessKey": "admin", "Signature": "forged"}, who=None).remark
        == failed
    )
    assert ask(broker, 29, topic).code != NO_PERMISSION
    assert ask(broker, 30, topic, who=CLERK).code != NO_PERMISSION
    assert ask(broker, 30, topic, who=None).remark == "username cannot be null."
    broker.close()


def test_without_authorization_every_user_may_do_everything():
    broker = make(authorization_enabled=False)
    add_user(broker, CLERK)
    assert add_user(broker, Credentials("third", "pass"), who=CLERK).code == 0
    assert ask(broker, R.GET_BROKER_CONFIG, who=None).remark == "username cannot be null."
    broker.close()


def test_a_body_that_cannot_be_read_is_refused(broker):
    answer = ask(broker, R.HEART_BEAT, {}, b"{canary", who=CLERK)
    assert (answer.code, answer.remark) == (NO_PERMISSION, "parse authorization context error.")


def test_users_of_a_java_broker_that_are_not_read_are_named(caplog):
    files = MemoryFiles()
    files.makedirs("store/config/users")
    files.put("store/config/users/CURRENT", b"MANIFEST-000005\n")
    make(files).close()
    assert "`rmqwire store import-users` takes them over" in caplog.text
    caplog.clear()
    make(files).close()  # our table is there now
    assert "import-users" not in caplog.text


def test_a_broker_nobody_can_administer_says_so(caplog):
    make(init_authentication_user=None).close()
    assert "no super user: nobody can make users" in caplog.text


def test_a_slaves_own_credentials_are_a_super_user():
    inner = '{"accessKey":"inner","secretKey":"pass"}'
    broker = make(inner_client_authentication_credentials=inner)
    assert ask(broker, R.GET_BROKER_CONFIG, who=Credentials("inner", "pass")).code == 0
    broker.close()


def test_without_access_control_its_requests_say_so(admin_broker):
    answer = admin_broker(V5_5_0).ask(R.AUTH_LIST_USER)
    assert answer.remark == "access control is not enabled: authenticationEnabled=false"
    assert admin_broker(V4_9_7).ask(3005).remark == " request type 3005 not supported"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"authorizationEnabled": "true"}, "authorizationEnabled=true: authenticationEnabled=true is needed"),
        ({"initAuthenticationUser": "canary"}, "initAuthenticationUser: not a JSON object"),
        ({"initAuthenticationUser": '{"username":"canary"}'}, "initAuthenticationUser: username and password"),
        ({"authenticationProvider": "com.example.Mine"}, "authenticationProvider=com.example.Mine: refused"),
    ],
)  # fmt: skip
def test_settings_that_would_leave_a_broker_open_are_refused(settings, said):
    with pytest.raises(ConfigError, match=said) as caught:
        load_broker_config(None, settings)
    assert "canary" not in str(caught.value)


def test_a_white_list_of_something_else_is_refused():
    config = BrokerConfig(authentication_enabled=True, authorization_whitelist="SEND")
    with pytest.raises(ConfigError, match="authorizationWhitelist=SEND: not request codes"):
        make_auth(config, "store", V5_5_0, MemoryFiles())
    assert (
        make_auth(BrokerConfig(authentication_enabled=True), "store", V4_9_7, MemoryFiles()) is None
    )


def test_no_password_is_in_a_log_an_answer_or_a_file_but_its_own(broker, caplog):
    caplog.set_level(logging.DEBUG)
    body = UserInfo(password=f"{CANARY}-3").encode()
    said = [
        ask(broker, code, {"username": "new", "subject": "User:new"}, body, who)
        for who in (None, CLERK, ADMIN, Credentials("admin", f"{CANARY}-wrong"))
        for code in (3001, 3002, 3006, 3009, 3010, 26, 28, 9999)
    ]
    assert CANARY.encode() not in b"".join(map(encode_command, said))
    assert CANARY not in caplog.text
    holders = {path for path, data in broker.files.data.items() if CANARY.encode() in data}
    assert holders == {FILE, f"{FILE}.bak"}
