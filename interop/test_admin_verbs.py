"""`rmqwire admin` beside mqadmin, asked of Java's servers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from interop.peer import Peer
from interop.processes import wait_until
from interop.verb_rows import ROWS, V5, Row, names_in, numbers_aside
from interop.wire import route_known
from rmqwire.cli import main
from rmqwire.codec import java_json

CLUSTER = ("-c", "DefaultCluster")


def admin(*words: str) -> str:
    command = [sys.executable, "-m", "rmqwire", "admin", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def java_status(peer: Peer, namesrv: str) -> str:
    """Return what mqadmin shows of a broker; one that has just started answers with an exception."""
    for _ in range(20):
        shown = peer.mqadmin("brokerStatus", "-n", namesrv, *CLUSTER)
        if "commitLogMaxOffset" in shown:
            break
        time.sleep(1)
    return shown


@dataclass(frozen=True)
class Asked:
    """What the verbs of the table are about."""

    namesrv: str
    words: dict[str, str]


@pytest.fixture(scope="module")
def asked(
    java_namesrv: str, peers: dict[str, Peer], tmp_path_factory: pytest.TempPathFactory
) -> Asked:
    """A topic with messages and a group that has consumed some of each queue, at the Java cluster."""
    peer = peers["JSON"]
    topic, group = f"T_{uuid.uuid4().hex[:8]}", f"G_{uuid.uuid4().hex[:8]}"
    java_status(peer, java_namesrv)
    peer.mqadmin("updateTopic", "-n", java_namesrv, *CLUSTER, "-t", topic, "-r", "2", "-w", "2")
    wait_until(lambda: route_known(java_namesrv, topic), f"route of {topic}", 15)
    marks = ("--key", "wanted", "--tag", "TagA")
    run("produce", java_namesrv, topic, *marks, lines="m0\nm1\nm2\n")
    run("consume", java_namesrv, topic, "-g", group, "--first", "--count", "3")
    run("produce", java_namesrv, topic, *marks, lines="m3\nm4\n")
    _, name, _, addr = verb("clusterList", "-n", java_namesrv).splitlines()[1].split()[:4]
    # rows may be spread over processes: what one looks at must not come from the row before it
    peer.mqadmin("updateOrderConf", "-n", java_namesrv, "-t", topic, "-m", "put", "-v", f"{name}:4")
    folder = str(tmp_path_factory.mktemp("export"))
    Path(folder, "groups.json").write_text(f'[{{"groupName":"{group}","retryMaxTimes":5}}]')
    found = {"topic": topic, "group": group, "addr": addr, "name": name, "folder": folder}
    first = json.loads(verb("printMsg", "-n", java_namesrv, "-t", topic, "--json").splitlines()[0])
    found |= {"msg_id": first["msgId"], "record_id": first["offsetMsgId"]}
    return Asked(java_namesrv, found)


def run(command: str, namesrv: str, topic: str, *words: str, lines: str = "") -> None:
    """Run `rmqwire produce` or `rmqwire consume`."""
    called = [sys.executable, "-m", "rmqwire", command, "-n", namesrv, "-t", topic, *words]
    subprocess.run(called, input=lines, check=True, capture_output=True, text=True, timeout=30)


def verb(*words: str, code: int = 0) -> str:
    """Return what a verb prints, called in this process; it ends with this exit code."""
    result = CliRunner().invoke(main, ["admin", *words])
    assert result.exit_code == code, result.output
    return result.stdout


def marks_of(row: Row) -> list[pytest.MarkDecorator]:
    only = [] if row.only is None else [pytest.mark.only(row.only)]
    return only if row.always else [*only, pytest.mark.optin(V5)]


PARAMETERS = [pytest.param(one, id=one.words, marks=marks_of(one)) for one in ROWS]


@pytest.mark.optin
def test_verbs_about_clients_print_what_mqadmin_prints(
    asked: Asked, json_peer: Peer, version: str
) -> None:
    """In any order, numbers aside; mqadmin of 4.9.7 has not the parts and settings of 5.5.0."""
    topic, group = f"T_{uuid.uuid4().hex[:8]}", f"G_{uuid.uuid4().hex[:8]}"
    json_peer.mqadmin("updateTopic", "-n", asked.namesrv, *CLUSTER, "-t", topic, "-r1", "-w1")
    wait_until(lambda: route_known(asked.namesrv, topic), f"route of {topic}", 15)
    json_peer.produce(asked.namesrv, topic, 3)
    with json_peer.consume(asked.namesrv, topic, group=group) as consumer:
        consumer.take(3)
        found = verb("consumerConnection", "-n", asked.namesrv, "-g", group, "--json")
        member = json.loads(found)["connectionSet"][0]["clientId"]
        for words in (
            ("consumerConnection", "-g", group),
            ("consumerStatus", "-g", group, "-i", member),
            ("getConsumerConfig", "-g", group),
        ):
            java = set(numbers_aside(json_peer.mqadmin(*words, "-n", asked.namesrv)))
            ours = set(numbers_aside(verb(*words, "-n", asked.namesrv)))
            assert java <= ours if version == "4.9.7" else java == ours
            assert len(java) > 5
        where = ("-b", asked.words["addr"])
        told = json_peer.mqadmin("producer", *where, "-n", asked.namesrv)
        assert of_client(verb("producer", *where), member) == of_client(told, member) != []


def of_client(text: str, client_id: str) -> list[str]:
    """The lines about one client, the time of its last heartbeat aside."""
    found = [line for line in text.splitlines() if client_id in line]
    return [line.partition(", lastUpdateTimestamp=")[0] for line in found]


@pytest.mark.parametrize("row", PARAMETERS)
def test_a_verb_prints_what_mqadmin_prints(row: Row, asked: Asked, json_peer: Peer) -> None:
    words = row.words.format(**asked.words).split()
    java = json_peer.mqadmin(*words, "-n", asked.namesrv)
    written = None if row.file is None else exported(asked, row.file)
    ours = verb(*words, *row.more.format(**asked.words).split(), "-n", asked.namesrv)
    assert row.compared(ours) == row.compared(java), java
    if row.file is not None:
        assert exported(asked, row.file) == written


def exported(asked: Asked, name: str) -> list[str]:
    """Return the names of the fields in a file that was written, and remove it."""
    file = Path(asked.words["folder"], name)
    found = java_json.loads(file.read_bytes())
    file.unlink()
    return names_in(found)


def test_java_s_servers_are_healthy(java_namesrv: str) -> None:
    addr = admin("brokerStatus", "-n", java_namesrv, *CLUSTER).split()[0]
    said = admin("health", "-b", addr, "-n", java_namesrv)
    assert said == f"broker {addr} answers\nnamesrv {java_namesrv} answers\n"


@pytest.mark.only("4.9.7")
def test_ha_status_of_a_broker_that_knows_none_says_where_to_look(java_namesrv: str) -> None:
    said = admin("haStatus", "-n", java_namesrv, *CLUSTER)
    assert "#CommitLogMaxOffset\t" in said
    assert "V4_9_7 doesn't tell its slaves' progress: compare commitLogMaxOffset in" in said
