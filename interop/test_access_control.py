"""Access control 1.0 beside Java 4.9.7: a protected broker of each kind, the same accounts in both."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from interop import nodes
from interop.client_program import ClientError
from interop.cluster import Cluster
from interop.peer import Peer
from interop.processes import Node, wait_until
from interop.replication import Servers
from interop.stores import tables
from interop.wire import ask
from rmqwire import Credentials
from rmqwire.auth.signature import SigningHook
from rmqwire.broker.requests import REQUESTS
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import JSON, ROCKETMQ, RemotingCommand
from rmqwire.codec.release import V4_9_7

CANARY = "canary-5e2c"
ADMIN = Credentials("the-admin", f"{CANARY}-admin")
USER = Credentials("the-user", f"{CANARY}-user")
ACCOUNTS = f"""\
globalWhiteRemoteAddresses:
- 10.10.103.*
accounts:
- accessKey: the-admin
  secretKey: {ADMIN.secret_key}
  admin: true
- accessKey: the-user
  secretKey: {USER.secret_key}
  whiteRemoteAddress:
  admin: false
  defaultTopicPerm: PUB|SUB
  defaultGroupPerm: SUB
  topicPerms:
  - denied=DENY
  - read=SUB
  groupPerms:
  - denied_group=DENY
"""
REFUSED = "org.apache.rocketmq.acl.common.AclException: "
FORGOTTEN = {50, 51, 53, 54, 320}  # what Java lets every account do
KINDS = ("java", "rmqwire")


@dataclass(frozen=True)
class Protected:
    """A name server and a protected broker of one kind."""

    namesrv: str
    broker: Node
    home: Path

    @property
    def acl_file(self) -> Path:
        return self.home / "conf" / "plain_acl.yml"


def start(servers: Servers, kind: str, home: Path, **settings: str) -> Protected:
    namesrv = nodes.start_namesrv(home / "namesrv")
    servers.nodes.append(namesrv)
    (home / "broker" / "conf").mkdir(parents=True)
    made = home / "broker" / "conf" / "plain_acl.yml"
    made.write_text(ACCOUNTS)
    settings = {"aclEnable": "true", "brokerName": "protected", **settings}
    if kind == "rmqwire":
        settings |= {"rocketmqVersion": "4.9.7", "rocketmqHome": str(home / "broker")}
    broker = servers.broker(kind, home / "broker", namesrv.addr, settings)
    return Protected(namesrv.addr, broker, home / "broker")


@pytest.fixture(scope="module")
def protected(
    cluster: Cluster, version: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Protected]]:
    """A protected broker of each kind; with clients of 5.5.0 only ours, which is a 4.9.7."""
    servers = Servers(cluster, version)
    kinds = KINDS if version == "4.9.7" else ("rmqwire",)
    try:
        yield {kind: start(servers, kind, tmp_path_factory.mktemp(kind)) for kind in kinds}
    finally:
        servers.end()


FIELDS = {
    "topic": "denied", "b": "denied", "group": "denied_group", "a": "denied_group", "consumerGroup": "denied_group",
    "clientID": "c", "producerGroup": "p", "queueId": "0", "commitOffset": "1", "accessKey": "nobody",
    "globalWhiteAddrs": "10.10.103.*", "aclFileFullPath": "/no/such.yml", "offset": "0", "timestamp": "0",
}  # fmt: skip
BODY = (
    b'{"clientID":"c","consumerDataSet":[{"groupName":"denied_group","subscriptionDataSet":[]}],'
    b'"producerDataSet":[]}'
)


def answer(
    addr: str,
    code: int,
    fields: dict[str, str] | None,
    who: Credentials | None,
    serialize_type: int,
) -> str | None:
    """Return the refusal of access control; None: it let the request pass, whatever came then."""
    body = BODY if code == RequestCode.HEART_BEAT else b""
    request = RemotingCommand(
        code,
        fields and dict(fields),
        body,
        serialize_type=serialize_type,
        version=V4_9_7.mq_version,
    )
    if who is not None:
        SigningHook(who).before_request("", request)
    try:
        said = ask(addr, request, 2)
    except TimeoutError:
        return None
    remark = said.remark or ""
    return f"{said.code} {remark}" if remark.startswith(REFUSED) else None


WHO = {
    "nobody": None,
    "stranger": Credentials("stranger", "secret-of-nobody"),
    "wrong": Credentials(USER.access_key, "not-the-secret"),
    "user": USER,
    "admin": ADMIN,
}
CODES = sorted({int(row.code) for row in REQUESTS if row.known_to(V4_9_7)} | {9999})
STOPPING = {int(RequestCode.UPDATE_BROKER_CONFIG)}  # not to be carried out with an empty body


@pytest.mark.only("4.9.7")
@pytest.mark.parametrize("who", WHO)
def test_every_code_is_refused_as_by_java(protected: dict[str, Protected], who: str) -> None:
    differing = {}
    for code in CODES:
        if who == "admin" and code in STOPPING:
            continue
        serialize_type = ROCKETMQ if code % 2 else JSON
        java, ours = (
            answer(protected[kind].broker.addr, code, FIELDS, WHO[who], serialize_type)
            for kind in KINDS
        )
        if java != ours:
            differing[code] = (java, ours)
    assert set(differing) == (FORGOTTEN if who == "user" else set()), differing
    assert all(java is None for java, _ in differing.values())


@pytest.mark.only("4.9.7")
def test_requests_without_fields_and_allowed_ones(protected: dict[str, Protected]) -> None:
    allowed = {"topic": "open", "b": "open", "group": "g", "a": "g", "consumerGroup": "g"}
    for who in (None, USER, ADMIN):
        for code, fields in ((14, None), (310, allowed), (10, allowed), (11, {"topic": "read"}),
                             (310, {"b": "read", "a": "g"}), (10, {"topic": "%RETRY%denied_group", "group": "g"})):  # fmt: skip
            java, ours = (
                answer(protected[kind].broker.addr, code, fields, who, JSON) for kind in KINDS
            )
            assert java == ours


def without_volatile(text: str) -> str:
    return re.sub(
        r"127\.0\.0\.1:\d+|@[0-9a-f]+|/\S+/conf|20\d\d-\d\d-\d\d \d\d:\d\d:\d\d|\d{13}", "X", text
    )


VERBS = (
    ("clusterAclConfigVersion",),
    ("getAclConfig",),
    ("updateAclConfig", "-a", "new-account", "-s", "new-secret", "-w", "10.0.0.*", "-i", "PUB", "-u", "SUB",
     "-t", "a=DENY,b=PUB|SUB", "-g", "g=SUB", "-m", "false"),
    ("updateAclConfig", "-a", "new-account", "-s", "other-secret", "-t", "a=PUB"),
    ("updateAclConfig", "-a", "new-account", "-s", "other-secret", "-t", "a"),
    ("updateAclConfig", "-a", "short", "-s", "other-secret"),
    ("getAclConfig",),
    ("updateGlobalWhiteAddr", "-g", "10.10.103.*,10.10.154.*"),
    ("deleteAclConfig", "-a", "new-account"),
    ("deleteAclConfig", "-a", "nobody-known"),
    ("getAclConfig",),
)  # fmt: skip


@pytest.mark.only("4.9.7")
def test_mqadmin_s_verbs_print_and_write_the_same(
    protected: dict[str, Protected], json_peer: Peer
) -> None:
    printed = {}
    for kind, cluster in protected.items():
        with json_peer.signing(ADMIN):
            printed[kind] = [
                json_peer.mqadmin(verb, "-n", cluster.namesrv, "-c", "DefaultCluster", *words)
                for verb, *words in VERBS
            ]
    for words, java, ours in zip(VERBS, *(printed[kind] for kind in KINDS), strict=True):
        assert stackless(ours) == stackless(redacted(java, words[0])), words
    java, ours = (protected[kind].acl_file.read_text() for kind in KINDS)
    assert re.sub(r"\d{13}", "TIME", ours) == re.sub(r"\d{13}", "TIME", java)
    assert "10.10.154.*" in ours
    for kind, cluster in protected.items():
        where = ("-n", cluster.namesrv, "-c", "DefaultCluster")
        for number in (7, 10):  # they read, or change nothing the second time
            verb, *words = VERBS[number]
            said = command("admin", verb, *where, *words, who=ADMIN)
            assert without_volatile(said).strip() == without_volatile(printed[kind][number]).strip()
        said = command("admin", "clusterAclConfigVersion", *where, who=ADMIN)
        with json_peer.signing(ADMIN):
            java = json_peer.mqadmin("clusterAclConfigVersion", *where)
        assert said == java
        words = ("-a", "new-account", "-s", "new-secret", "-t", "a=DENY", "-m", "false")
        said = command("admin", "updateAclConfig", *where, *words, who=ADMIN)
        assert said.startswith("create or update plain access config to ")
        assert "new-account" in command("admin", "getAclConfig", *where, who=ADMIN)
        said = command("admin", "deleteAclConfig", *where, *words[:2], "--yes", who=ADMIN)
        assert said.startswith("delete plain access config account from ")
        refused = command("admin", "deleteAclConfig", *where, *words[:2], "--yes", who=ADMIN)
        assert (
            "The accesskey[new-account] corresponding to accessConfig has been deleted failed"
            in refused
        )


def redacted(text: str, verb: str) -> str:
    """What Java's broker had told if it kept its secrets."""
    text = re.sub(r"secretKey=\S+ cannot", "secretKey=****** cannot", text)
    return re.sub(r"(secretKey +: ).*", r"\1******", text) if verb == "getAclConfig" else text


def stackless(text: str) -> str:
    """What was printed without the places of an exception, which are the client's own."""
    return without_volatile(re.sub(r"\n\tat .*|\n\t\.\.\. .*", "", text))


@pytest.mark.parametrize("serialize_type", ["JSON", "ROCKETMQ"])
def test_java_s_clients_work_with_an_account_and_not_without(
    protected: dict[str, Protected], peers: dict[str, Peer], serialize_type: str
) -> None:
    peer, namesrv = peers[serialize_type], protected["rmqwire"].namesrv
    failures = int(serialize_type == "JSON" and peer.version == "4.9.7")  # comes again after 10 s
    topic = f"A_{uuid.uuid4().hex[:8]}"
    with peer.signing(ADMIN):
        peer.mqadmin("updateTopic", "-n", namesrv, "-c", "DefaultCluster", "-t", topic)
        status = peer.mqadmin("brokerStatus", "-n", namesrv, "-c", "DefaultCluster")
    assert "commitLogMaxOffset" in status
    with pytest.raises(ClientError, match="still failed"):
        peer.produce(namesrv, topic, 1)
    with peer.signing(USER):
        sent = peer.produce(namesrv, topic, 5)
        sent += peer.produce(namesrv, topic, 5, "batch")
        with peer.consume(namesrv, topic, failures=failures) as consumer:
            deliveries = 10 * (1 + failures)
            assert len(consumer.take(deliveries)) == deliveries
        with pytest.raises(ClientError, match="still failed"):
            peer.produce(namesrv, "denied", 1)
    assert len(sent) >= 10


@pytest.mark.only("4.9.7")
def test_a_query_by_unique_key_works_here_and_not_with_java(
    protected: dict[str, Protected], json_peer: Peer
) -> None:
    topic = f"Q_{uuid.uuid4().hex[:8]}"
    shown = {}
    for kind, cluster in protected.items():
        with json_peer.signing(ADMIN):
            (sent,) = json_peer.produce(cluster.namesrv, topic, 1)
            words = ("queryMsgByUniqueKey", "-n", cluster.namesrv, "-t", topic, "-i", sent["msgId"])
            time.sleep(2)  # Java's index of keys
            shown[kind] = json_peer.mqadmin(*words)
    assert "Queue ID" in shown["rmqwire"]
    assert "Queue ID" not in shown["java"]


def command(*words: str, lines: str = "", who: Credentials | None = None) -> str:
    environ = {key: text for key, text in os.environ.items() if key != "ROCKETMQ_HOME"}
    if who is not None:
        environ |= {"RMQWIRE_ACCESS_KEY": who.access_key, "RMQWIRE_SECRET_KEY": who.secret_key}
    done = subprocess.run(
        [sys.executable, "-m", "rmqwire", *words],
        check=False, input=lines, env=environ, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.only("4.9.7")
@pytest.mark.parametrize("kind", KINDS)
def test_our_commands_work_with_an_account_and_not_without(
    protected: dict[str, Protected], kind: str
) -> None:
    namesrv, topic = protected[kind].namesrv, f"C_{uuid.uuid4().hex[:8]}"
    words = ("-n", namesrv, "-t", topic)
    assert "SEND_OK" in command("produce", *words, lines="one\ntwo\n", who=USER)
    assert "No accessKey is configured" in command("produce", *words, lines="one\n")
    wrong = Credentials(USER.access_key, "not-the-secret")
    assert "Check signature failed" in command("produce", *words, lines="one\n", who=wrong)
    taken = command(
        "consume", *words, "-g", "readers", "--first", "--count", "2", "--timeout", "20", who=USER
    )
    assert sorted(taken.split()) == ["one", "two"]
    status = ("admin", "brokerStatus", "-n", namesrv, "-c", "DefaultCluster")
    assert "commitLogMaxOffset" in command(*status, who=USER)
    assert "No accessKey is configured" in command(*status)


@pytest.mark.only("4.9.7")
def test_our_slave_signs_towards_a_protected_java_master(
    protected: dict[str, Protected], servers: Servers, tmp_path: Path, json_peer: Peer
) -> None:
    check_slave(protected["java"], "rmqwire", servers, tmp_path, json_peer)


@pytest.mark.only("4.9.7")
def test_our_slave_signs_towards_our_protected_master(
    protected: dict[str, Protected], servers: Servers, tmp_path: Path, json_peer: Peer
) -> None:
    check_slave(protected["rmqwire"], "rmqwire", servers, tmp_path, json_peer)


def check_slave(master: Protected, kind: str, servers: Servers, home: Path, peer: Peer) -> None:
    topic = f"S_{uuid.uuid4().hex[:8]}"
    signed = f'{{"accessKey":"{USER.access_key}","secretKey":"{USER.secret_key}"}}'
    settings = {
        "brokerName": "protected", "brokerRole": "SLAVE", "brokerId": "1", "slaveSyncInterval": "1000",
        "innerClientAuthenticationCredentials": signed,
    }  # fmt: skip
    slave = servers.broker(kind, home / "slave", master.namesrv, settings)
    with peer.signing(ADMIN):
        peer.mqadmin("updateTopic", "-n", master.namesrv, "-c", "DefaultCluster", "-t", topic)
    wait_until(lambda: topic in str(tables(home / "slave" / "store")), f"{topic} at the slave", 30)
    assert CANARY not in slave.tail(1_000_000)
    slave.stop()


@pytest.mark.only("4.9.7")
@pytest.mark.optin
def test_a_java_slave_follows_our_protected_master_from_a_white_list(
    servers: Servers, tmp_path: Path, json_peer: Peer
) -> None:
    master = start(servers, "rmqwire", tmp_path / "master")
    with json_peer.signing(ADMIN):
        words = ("-n", master.namesrv, "-c", "DefaultCluster", "-g", "127.0.0.1")
        json_peer.mqadmin("updateGlobalWhiteAddr", *words)
    check_slave(master, "java", servers, tmp_path, json_peer)


@pytest.mark.only("5.5.0")
@pytest.mark.optin
def test_java_5_with_acl_enable_runs_open(
    servers: Servers, tmp_path: Path, json_peer: Peer
) -> None:
    cluster = start(servers, "java", tmp_path)
    assert answer(cluster.broker.addr, 28, {}, None, JSON) is None
    assert len(json_peer.produce(cluster.namesrv, "open", 1)) == 1
    refused = ask(cluster.broker.addr, RemotingCommand(54))
    assert refused.remark == " request type 54 not supported"


def test_a_changed_file_is_used_within_seconds_and_no_secret_leaves_it(
    protected: dict[str, Protected],
) -> None:
    ours = protected["rmqwire"]
    third = Credentials("third-account", f"{CANARY}-third")
    assert answer(ours.broker.addr, 28, {}, third, JSON) is not None
    text = ours.acl_file.read_text()
    ours.acl_file.write_text(text + "broken: [\n")
    ours.acl_file.write_text(
        text.replace(
            "accounts:\n",
            f"accounts:\n- accessKey: third-account\n  secretKey: {third.secret_key}\n",
        )
    )
    wait_until(lambda: answer(ours.broker.addr, 28, {}, third, JSON) is None, "the account", 15)
    holders = [
        path
        for path in ours.home.parent.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    assert holders == [ours.acl_file]
    limits = Path(f"/proc/{ours.broker.process.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 ", limits)
