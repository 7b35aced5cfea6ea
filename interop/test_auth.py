"""Access control 2.0 beside Java 5.5.0: users and policies of each kind of broker, asked the same."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import dropwhile
from pathlib import Path

import pytest

from interop import nodes
from interop.client_program import ClientError
from interop.cluster import Cluster
from interop.peer import Peer
from interop.processes import wait_until
from interop.replication import Servers
from interop.stores import tables
from interop.test_access_control import FIELDS, Protected, command, without_volatile
from interop.verb_masks import NOISE
from interop.wire import ask
from rmqwire import Credentials
from rmqwire.auth.contexts import FORGOTTEN
from rmqwire.auth.signature import SigningHook
from rmqwire.broker.requests import REQUESTS
from rmqwire.codec.bodies import AclInfo, PolicyEntryInfo, PolicyInfo, UserInfo
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import JSON, ROCKETMQ, RemotingCommand
from rmqwire.codec.release import V5_5_0

pytestmark = pytest.mark.only("5.5.0")

CANARY = "canary-77d1"
ADMIN = Credentials("admin", f"{CANARY}-admin")
CLERK = Credentials("clerk", f"{CANARY}-clerk")
GONE = Credentials("gone", f"{CANARY}-gone")
KINDS = ("java", "rmqwire")
JAVA = "org.apache.rocketmq.auth"
SETTINGS = {
    "brokerName": "protected",
    "authenticationEnabled": "true",
    "authorizationEnabled": "true",
    "authenticationProvider": f"{JAVA}.authentication.provider.DefaultAuthenticationProvider",
    "authenticationMetadataProvider": f"{JAVA}.authentication.provider.LocalAuthenticationMetadataProvider",
    "authorizationProvider": f"{JAVA}.authorization.provider.DefaultAuthorizationProvider",
    "authorizationMetadataProvider": f"{JAVA}.authorization.provider.LocalAuthorizationMetadataProvider",
    "initAuthenticationUser": f'{{"username":"admin","password":"{ADMIN.secret_key}"}}',
    "userCacheExpiredSecond": "2",
    "userCacheRefreshSecond": "1",
    "aclCacheExpiredSecond": "2",
    "aclCacheRefreshSecond": "1",
}
VERBS = (
    ("listUser",),
    ("createUser", "-u", "clerk", "-p", CLERK.secret_key),
    ("createUser", "-u", "clerk", "-p", "again"),
    ("createUser", "-u", "gone", "-p", GONE.secret_key, "-t", "Normal"),
    ("createUser", "-u", "other", "-p", "x", "-t", "King"),
    ("updateUser", "-u", "gone", "-s", "disable"),
    ("updateUser", "-u", "nobody", "-s", "disable"),
    ("deleteUser", "-u", "other"),
    ("listUser",),
    ("listUser", "-f", "on"),
    ("getUser", "-u", "clerk"),
    ("createAcl", "-s", "User:clerk", "-r", "Topic:*,Group:*", "-a", "Pub,Sub", "-d", "Allow"),
    ("updateAcl", "-s", "User:clerk", "-r", "Topic:denied", "-a", "Pub,Sub", "-d", "Deny"),
    ("updateAcl", "-s", "User:clerk", "-r", "Group:denied_group", "-a", "Sub", "-d", "Deny", "-i", "127.0.0.0/8"),
    ("createAcl", "-s", "User:clerk", "-r", "Topic:temp", "-a", "All", "-d", "Allow"),
    ("deleteAcl", "-s", "User:clerk", "-r", "Topic:temp"),
    ("createAcl", "-s", "User:nobody", "-r", "Topic:t", "-a", "Pub", "-d", "Allow"),
    ("createAcl", "-s", "User:clerk", "-r", "Topic:t", "-a", "Write", "-d", "Allow"),
    ("getAcl", "-s", "User:clerk"),
    ("listAcl",),
    ("listAcl", "-r", "denied"),
    ("listAcl", "-s", "nobody"),
)  # fmt: skip


@pytest.fixture(scope="module")
def protected(
    cluster: Cluster, version: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Protected]]:
    servers = Servers(cluster, version)
    made = {}
    try:
        for kind in KINDS:
            home = tmp_path_factory.mktemp(f"auth-{kind}")
            namesrv = nodes.start_namesrv(home / "namesrv")
            servers.nodes.append(namesrv)
            broker = servers.broker(kind, home / "broker", namesrv.addr, SETTINGS)
            made[kind] = Protected(namesrv.addr, broker, home / "broker")
        yield made
    finally:
        servers.end()


@pytest.fixture(scope="module")
def printed(protected: dict[str, Protected], peers: dict[str, Peer]) -> dict[str, list[str]]:
    """What mqadmin printed while it made users and policies."""
    shown = {}
    for kind, cluster in protected.items():
        with peers["JSON"].signing(ADMIN):
            shown[kind] = [
                peers["JSON"].mqadmin(
                    verb, "-n", cluster.namesrv, "-b", cluster.broker.addr, *words
                )
                for verb, *words in VERBS
            ]
    wait_until(
        lambda: answer(protected["java"].broker.addr, 28, CLERK) is None, "java's caches", 10
    )
    return shown


def answer(addr: str, code: int, who: Credentials | None) -> str | None:
    """Return the refusal of access control; None: it let the request pass, whatever came then."""
    body = b""
    if code == R.HEART_BEAT:
        body = b'{"clientID":"c","consumerDataSet":[{"groupName":"denied_group","subscriptionDataSet":[]}],"producerDataSet":[]}'
    if code in {R.LOCK_BATCH_MQ, R.UNLOCK_BATCH_MQ}:
        body = b'{"clientId":"c","consumerGroup":"denied_group","mqSet":[]}'
    serialize_type = ROCKETMQ if code % 2 and code < 32768 else JSON
    request = RemotingCommand(
        code, REQUIRED | FIELDS, body, serialize_type=serialize_type, version=V5_5_0.mq_version
    )
    if who is not None:
        SigningHook(who).before_request("", request)
    try:
        said = ask(addr, request, 2)
    except TimeoutError:
        return None
    remark = said.remark or ""
    return remark if said.code == 16 and ACCESS.search(remark) else None


ACCESS = re.compile(
    "username cannot|is not found|is disabled|check signature|no permission to access|context error"
)
REQUIRED = {
    "groupName": "denied_group", "commitOffset": "1", "destGroup": "denied_group", "srcGroup": "denied_group",
    "compareGroup": "denied_group", "brokerName": "protected", "msgId": "m", "messageKey": "k", "statsName": "s",
    "statsKey": "k", "isOrder": "false", "minutes": "1", "isForce": "true", "index": "0", "count": "1", "key": "k",
    "maxNum": "1", "beginTimestamp": "0", "endTimestamp": "1", "defaultTopic": "TBW102", "readQueueNums": "1",
    "writeQueueNums": "1", "perm": "6", "topicFilterType": "SINGLE_TAG", "order": "false", "topicSysFlag": "0",
    "tranStateTableOffset": "0", "commitLogOffset": "0", "commitOrRollback": "0", "delayLevel": "0",
    "recallHandle": "h", "maxMsgNums": "1", "invisibleTime": "1", "pollTime": "1", "bornTime": "1", "initMode": "0",
    "extraInfo": "e", "username": "nobody", "subject": "User:nobody", "masterFlushOffset": "0",
    "configType": "topics",
}  # fmt: skip
WHO = {
    "nobody": None,
    "stranger": Credentials("stranger", "x"),
    "wrong": Credentials("clerk", "not-the-password"),
    "disabled": GONE,
    "clerk": CLERK,
}
CODES = sorted({int(row.code) for row in REQUESTS if row.known_to(V5_5_0)} | {9999})
STRICTER = {int(code) for code in (*FORGOTTEN, R.LITE_PULL_MESSAGE, R.POP_LITE_MESSAGE)}


@pytest.mark.parametrize("who", WHO)
def test_every_code_is_refused_as_by_java(
    protected: dict[str, Protected], printed: dict[str, list[str]], who: str
) -> None:
    differing = {}
    for code in CODES:
        java, ours = (answer(protected[kind].broker.addr, code, WHO[who]) for kind in KINDS)
        if java != ours and not (code in STRICTER and java is None):
            differing[code] = (java, ours)
    assert differing == {}


@pytest.mark.optin
def test_mqadmin_s_verbs_print_the_same(printed: dict[str, list[str]]) -> None:
    pairs = zip(VERBS, printed["java"], printed["rmqwire"], strict=True)
    both = [(words, quiet(java), quiet(ours)) for words, java, ours in pairs]
    assert [one for one in both if one[1] != one[2]] == []


def quiet(text: str) -> list[str]:
    """What mqadmin printed, without stacks and what the first one prints of its own log."""
    lines = (line for line in without_volatile(text).splitlines() if not NOISE.match(line))
    return list(dropwhile(lambda line: not line, lines))


AGAIN = (
    ("updateUser", "-u", "gone", "-s", "disable"),
    ("deleteUser", "-u", "other"),
    ("listUser", "-f", "on"),
    ("getUser", "-u", "clerk"),
    ("updateAcl", "-s", "User:clerk", "-r", "Topic:denied", "-a", "Pub,Sub", "-d", "Deny"),
    ("deleteAcl", "-s", "User:clerk", "-r", "Topic:temp"),
    ("getAcl", "-s", "User:clerk"),
    ("listAcl",),
    ("listAcl", "-r", "denied"),
    ("listAcl", "-s", "nobody"),
)


@pytest.mark.optin
@pytest.mark.parametrize("kind", KINDS)
def test_rmqwire_s_verbs_print_what_mqadmin_s_do(
    protected: dict[str, Protected], printed: dict[str, list[str]], kind: str
) -> None:
    for words in AGAIN:
        java = printed[kind][VERBS.index(words)]
        yes = ["--yes"] if words[0].startswith("delete") else []
        where = ("-b", protected[kind].broker.addr)
        ours = command("admin", words[0], *where, *words[1:], *yes, who=ADMIN)
        assert quiet(ours.strip()) == quiet(java.strip()), words
    refused = command("admin", "listUser", *where, who=CLERK)
    assert "User:clerk has no permission to access Cluster:DefaultCluster" in refused


@pytest.mark.optin
@pytest.mark.parametrize("way", ["asked for", "from its files"])
def test_users_and_policies_come_over_from_a_running_java_broker(
    protected: dict[str, Protected],
    printed: dict[str, list[str]],
    servers: Servers,
    tmp_path: Path,
    way: str,
) -> None:
    """The broker is asked and ours told, or its RocksDBs are read as they stand: as after a kill."""
    java, home = protected["java"], tmp_path / "new"
    if way == "from its files":
        store = home / "store"
        said = command("store", "import-users", str(store), "--from", f"{java.home}/store/config")
        assert "imported clerk" in said
    settings = SETTINGS | {"brokerName": "new"}
    ours = servers.broker("rmqwire", home, java.namesrv, settings)
    for verb in ("copyUser", "copyAcl") if way == "asked for" else ():
        said = command("admin", verb, "-f", java.broker.addr, "-t", ours.addr, who=ADMIN)
        assert "clerk" in said
    for verb in ("listUser", "listAcl"):
        there, here = (
            command("admin", verb, "-b", addr, who=ADMIN) for addr in (java.broker.addr, ours.addr)
        )
        assert sorted(here.splitlines()) == sorted(there.splitlines())
    assert answer(ours.addr, R.GET_MAX_OFFSET, CLERK) == answer(
        java.broker.addr, R.GET_MAX_OFFSET, CLERK
    )
    ours.stop()


ACCOUNTS = """\
globalWhiteRemoteAddresses:
- 10.10.103.*
accounts:
- {accessKey: the-clerk, secretKey: canary-77d1-1, admin: false, defaultTopicPerm: DENY, defaultGroupPerm: SUB,
   topicPerms: [topicA=DENY, topicB=PUB|SUB, topicC=SUB], groupPerms: [groupA=DENY, groupB=PUB|SUB, groupC=SUB]}
- {accessKey: the-boss, secretKey: canary-77d1-2, whiteRemoteAddress: 192.168.1.*, admin: true}
- {accessKey: the-other, secretKey: canary-77d1-3, defaultTopicPerm: PUB|SUB}
"""


@pytest.mark.optin
def test_accounts_of_1_0_become_the_users_and_policies_that_java_makes(
    servers: Servers, tmp_path: Path, json_peer: Peer
) -> None:
    shown = {}
    for kind in KINDS:
        home = tmp_path / kind
        (home / "conf").mkdir(parents=True)
        (home / "conf" / "plain_acl.yml").write_text(ACCOUNTS)
        namesrv = servers.namesrv("rmqwire", home / "namesrv")
        settings = SETTINGS | {"migrateAuthFromV1Enabled": "true"}
        settings |= {"rocketmqHome": str(home)} if kind == "rmqwire" else {}
        broker = servers.broker(kind, home, namesrv.addr, settings)
        with json_peer.signing(ADMIN):
            shown[kind] = [
                sorted(json_peer.mqadmin(verb, "-n", namesrv.addr, "-b", broker.addr).splitlines())
                for verb in ("listUser", "listAcl")
            ]
        broker.stop()
    assert shown["rmqwire"] == shown["java"]
    assert "the-clerk" in str(shown["java"])


@pytest.mark.parametrize("serialize_type", ["JSON", "ROCKETMQ"])
def test_java_s_clients_work_with_a_user_and_not_without(
    protected: dict[str, Protected],
    printed: dict[str, list[str]],
    peers: dict[str, Peer],
    serialize_type: str,
) -> None:
    peer, cluster = peers[serialize_type], protected["rmqwire"]
    topic = f"U_{uuid.uuid4().hex[:8]}"
    with pytest.raises(ClientError, match="still failed"):
        peer.produce(cluster.namesrv, topic, 1)
    with peer.signing(CLERK):
        sent = peer.produce(cluster.namesrv, topic, 5)
        with peer.consume(cluster.namesrv, topic) as consumer:
            assert len(consumer.take(5)) == len(sent) == 5
        with pytest.raises(ClientError, match="still failed"):
            peer.produce(cluster.namesrv, "denied", 1)


@pytest.mark.parametrize(
    ("of", "kind"),
    [
        ("rmqwire", "java"),
        ("rmqwire", "rmqwire"),
        pytest.param("java", "rmqwire", marks=pytest.mark.optin),  # it asks once a minute
    ],
)
def test_a_slave_signs_towards_a_protected_master(
    protected: dict[str, Protected],
    servers: Servers,
    tmp_path: Path,
    of: str,
    kind: str,
    json_peer: Peer,
) -> None:
    """``of``: the slave is Java's or ours, which has the master's users; ``kind``: so is its master."""
    topic, master = f"S_{uuid.uuid4().hex[:8]}", protected[kind]
    settings = SETTINGS | {
        "brokerName": "protected", "brokerRole": "SLAVE", "brokerId": "1", "slaveSyncInterval": "1000",
        "innerClientAuthenticationCredentials": f'{{"accessKey":"admin","secretKey":"{ADMIN.secret_key}"}}',
    }  # fmt: skip
    store = tmp_path / "slave" / "store"
    slave = servers.broker(of, tmp_path / "slave", master.namesrv, settings)
    with json_peer.signing(ADMIN):
        json_peer.mqadmin("updateTopic", "-n", master.namesrv, "-c", "DefaultCluster", "-t", topic)
        wait_until(lambda: topic in str(tables(store)), f"{topic} at the slave", 90)
        if of == "rmqwire":
            at = ("-n", master.namesrv, "-b", master.broker.addr, "-u", topic)
            for verb, *words in (("createUser", "-p", CLERK.secret_key), ("deleteUser",)):
                json_peer.mqadmin(verb, *at, *words)
                wait_until(
                    lambda comes=bool(words): (topic in users_of(store)) == comes,
                    f"{verb} {topic} at the slave",
                    15,
                )
    assert CANARY not in slave.tail(1_000_000)
    slave.stop()


def users_of(store: Path) -> set[str]:
    """Return the names of the users that a broker of ours keeps."""
    file = store / "config" / "auth.json"
    whole = json.loads(file.read_text()) if file.exists() else {"users": []}
    return {user["username"] for user in whole["users"]}


def test_no_password_leaves_our_broker_s_table(
    protected: dict[str, Protected], printed: dict[str, list[str]]
) -> None:
    home = protected["rmqwire"].home
    holders = {
        path.name
        for path in home.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    }
    assert holders == {"auth.json", "auth.json.bak", "broker.conf"}


# A user for each of them: kind of policy, resource, actions, from where, decision.
Rule = tuple[str, str, list[str], list[str] | None, str]
CUSTOM, ALLOW, DENY, HERE, THERE = "Custom", "Allow", "Deny", ["127.0.0.0/8"], ["10.1.0.0/16"]
POLICIES: dict[str, list[Rule]] = {
    "without": [],
    "publisher": [(CUSTOM, "Topic:denied", ["Pub"], None, ALLOW)],
    "subscriber": [(CUSTOM, "Topic:*", ["Sub"], None, ALLOW), (CUSTOM, "Group:*", ["Sub"], None, ALLOW)],
    "of_groups": [(CUSTOM, "Group:denied_group", ["All"], None, ALLOW)],
    "reader": [(CUSTOM, "*", ["Get", "List"], None, ALLOW)],
    "prefixed": [(CUSTOM, "Topic:den*", ["All"], None, ALLOW), (CUSTOM, "Group:denied*", ["All"], None, ALLOW),
                 (CUSTOM, "Topic:*", ["All"], None, DENY), (CUSTOM, "Group:denied_g*", ["Sub"], None, DENY)],
    "literal": [(CUSTOM, "Topic:denied", ["All"], None, ALLOW), (CUSTOM, "Topic:d*", ["All"], None, DENY),
                (CUSTOM, "*", ["All"], None, ALLOW)],
    "of_the_cluster": [(CUSTOM, "Cluster:DefaultCluster", ["Get"], None, ALLOW)],
    "elsewhere": [(CUSTOM, "*", ["All"], THERE, ALLOW)],
    "by_place": [(CUSTOM, "Topic:*", ["All"], HERE, ALLOW), (CUSTOM, "Group:*", ["All"], THERE, ALLOW)],
    "by_default": [("Default", "Topic:denied", ["All"], None, DENY), (CUSTOM, "Topic:*", ["All"], None, ALLOW),
                   ("Default", "Group:*", ["Sub"], None, ALLOW)],
    "everything": [(CUSTOM, "*", ["All"], None, ALLOW)],
}  # fmt: skip


def give(addr: str, name: str, rules: list[Rule]) -> None:
    """Make a user with policies; each rule is sent on its own, as mqadmin does."""
    made = UserInfo(password=CANARY, user_type="Normal").encode(V5_5_0)
    said = signed(addr, R.AUTH_CREATE_USER, {"username": name}, made)
    assert said.code == 0, said.remark
    for kind, resource, actions, places, decision in rules:
        entry = PolicyEntryInfo(resource, actions, places, decision)
        info = AclInfo(f"User:{name}", [PolicyInfo(kind, [entry])])
        said = signed(addr, R.AUTH_CREATE_ACL, {"subject": info.subject}, info.encode(V5_5_0))
        assert said.code == 0, said.remark


def signed(addr: str, code: int, fields: dict[str, str], body: bytes) -> RemotingCommand:
    request = RemotingCommand(code, fields, body, version=V5_5_0.mq_version)
    SigningHook(ADMIN).before_request("", request)
    return ask(addr, request)


@pytest.mark.optin
@pytest.mark.parametrize("name", POLICIES)
def test_each_policy_lets_pass_and_refuses_what_java_s_does(
    protected: dict[str, Protected], name: str
) -> None:
    """Every code, JSON and ROCKETMQ by turns: the same refusal in the same words, or none at both."""
    who = Credentials(name, CANARY)
    cells: dict[str, dict[int, str | None]] = {}
    for kind, cluster in protected.items():
        addr = cluster.broker.addr
        give(addr, name, POLICIES[name])
        with ThreadPoolExecutor(8) as pool:
            found = pool.map(lambda code, addr=addr: answer(addr, code, who), CODES)
        cells[kind] = dict(zip(CODES, found, strict=True))
    differing = {
        code: (java, cells["rmqwire"][code])
        for code, java in cells["java"].items()
        if java != cells["rmqwire"][code] and not (code in STRICTER and java is None)
    }
    refused = sum(said is not None for said in cells["java"].values())
    print(f"{name}: {len(CODES)} codes, {refused} refused by Java, {len(differing)} differ")
    assert differing == {}
