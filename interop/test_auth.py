"""Access control 2.0 beside Java 5.5.0: users and policies of each kind of broker, asked the same."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop import nodes
from interop.client_program import ClientError
from interop.cluster import Cluster
from interop.peer import Peer
from interop.processes import wait_until
from interop.replication import Servers
from interop.stores import tables
from interop.test_access_control import FIELDS, Protected
from interop.wire import ask
from rmqwire import Credentials
from rmqwire.auth.contexts import FORGOTTEN
from rmqwire.auth.signature import SigningHook
from rmqwire.broker.requests import REQUESTS
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
}  # fmt: skip
WHO = {
    "nobody": None,
    "stranger": Credentials("stranger", "x"),
    "wrong": Credentials("clerk", "not-the-password"),
    "disabled": GONE,
    "clerk": CLERK,
}
CODES = sorted({int(row.code) for row in REQUESTS if row.known_to(V5_5_0)} | {9999})
STRICTER = {int(code) for code in (*FORGOTTEN, R.LITE_PULL_MESSAGE)}


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


@pytest.mark.parametrize("kind", KINDS)
def test_our_slave_signs_towards_a_protected_master(
    protected: dict[str, Protected], servers: Servers, tmp_path: Path, kind: str, json_peer: Peer
) -> None:
    topic, master = f"S_{uuid.uuid4().hex[:8]}", protected[kind]
    settings = {
        "brokerName": "protected", "brokerRole": "SLAVE", "brokerId": "1", "slaveSyncInterval": "1000",
        "innerClientAuthenticationCredentials": f'{{"accessKey":"admin","secretKey":"{ADMIN.secret_key}"}}',
    }  # fmt: skip
    slave = servers.broker("rmqwire", tmp_path / "slave", master.namesrv, settings)
    with json_peer.signing(ADMIN):
        json_peer.mqadmin("updateTopic", "-n", master.namesrv, "-c", "DefaultCluster", "-t", topic)
    wait_until(
        lambda: topic in str(tables(tmp_path / "slave" / "store")), f"{topic} at the slave", 30
    )
    assert CANARY not in slave.tail(1_000_000)
    slave.stop()


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
