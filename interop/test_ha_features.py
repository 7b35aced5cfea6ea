"""What rmqwire's replication does beside its log: the master's 5.x tables, haStatus, parted logs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from interop.peer import Peer
from interop.processes import BROKER_PORTS, Node, free_port, wait_until
from interop.replication import Servers, broker, end_of_log, in_sync
from interop.wire import ask
from rmqwire.codec.checkpoint import TimerCheckpoint
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import SendMessageRequestHeader

pytestmark = pytest.mark.optin


class Group:
    """One broker name: a master and a slave with folders of their own."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self.servers, self.folder = servers, folder
        self.namesrv = servers.namesrv("rmqwire", folder / "namesrv").addr

    def master(self, kind: str, **more: str) -> Node:
        return self._start(kind, "master", "ASYNC_MASTER", more)

    def slave(self, kind: str, **more: str) -> Node:
        return self._start(kind, "slave", "SLAVE", more)

    def _start(self, kind: str, home: str, role: str, more: dict[str, str]) -> Node:
        settings = broker("ha-f", role, **more)
        return self.servers.broker(kind, self.folder / home, self.namesrv, settings)


@pytest.fixture
def group(servers: Servers, tmp_path: Path) -> Group:
    return Group(servers, tmp_path)


def send(node: Node, properties: str) -> int:
    header = SendMessageRequestHeader(
        producer_group="p",
        topic="timed",
        default_topic="TBW102",
        default_topic_queue_nums=4,
        queue_id=0,
        sys_flag=0,
        born_timestamp=1,
        flag=0,
        properties=properties,
    )
    return ask(node.addr, RemotingCommand.request(RequestCode.SEND_MESSAGE, header, b"x")).code


@pytest.mark.only("5.5.0")
def test_a_5_x_master_s_modes_and_timers_are_kept(group: Group) -> None:
    master = group.master("java")
    wait_until(
        lambda: send(master, "TIMER_DELAY_SEC\x0130\x02") == ResponseCode.SUCCESS, "a timed message"
    )
    modes = {"consumerGroup": "g", "mode": "POP", "popShareQueueNum": -1, "topic": "timed"}
    request = RemotingCommand.request(RequestCode.SET_MESSAGE_REQUEST_MODE)
    request.body = json.dumps(modes).encode()
    assert ask(master.addr, request).code == ResponseCode.SUCCESS
    slave = group.slave("rmqwire")
    tables = [group.folder / home / "store" / "config" for home in ("master", "slave")]
    theirs, ours = (folder / "messageRequestMode.json" for folder in tables)
    wait_until(lambda: ours.exists() and "POP" in ours.read_text(), "the request modes")
    assert ours.read_text() == theirs.read_text()

    check = tables[1] / "timercheck"
    metrics = tables[1] / "timermetrics"
    wait_until(check.exists, "the timer check point")
    first = TimerCheckpoint.decode(check.read_bytes())
    wait_until(
        lambda: (
            TimerCheckpoint.decode(check.read_bytes()).last_read_time_ms > first.last_read_time_ms
        ),
        "the master's next check point",
    )
    wait_until(lambda: '"timed":{"count":1' in metrics.read_text(), "the timer metrics", 120)
    assert len(check.read_bytes()) == 4096
    assert slave.stop() == 0
    assert group.slave("java").process.poll() is None  # Java opens what we wrote


@pytest.mark.only("5.5.0")
def test_ha_status_is_mqadmin_s(group: Group, json_peer: Peer) -> None:
    master, slave = group.master("rmqwire"), group.slave("rmqwire")
    json_peer.produce(group.namesrv, "status", 50)
    wait_until(lambda: in_sync(master, slave), "the slave in sync")
    for node in (master, slave):
        java = json_peer.mqadmin("haStatus", "-b", node.addr)
        ours = ha_status("-b", node.addr)
        wanted = [line for line in java.splitlines() if line.strip()]
        wanted = wanted[wanted.index(next(line for line in wanted if line.startswith("#M"))) :]
        found = [line for line in ours.splitlines() if line]
        assert len(found) == len(wanted)
        for mine, line in zip(found, wanted, strict=True):
            if "Time\t" not in line:  # what beats every few seconds
                assert mine.startswith(line.rstrip("\n")), (mine, line)
    by_cluster = ha_status("-c", "DefaultCluster", "-n", group.namesrv)
    assert by_cluster.split()[-1] == "0"  # ms
    other = broker("other", "SYNC_MASTER")
    java_s = group.servers.broker("java", group.folder / "other", group.namesrv, other)
    assert f"#MasterAddr\t{java_s.addr}\n" in ha_status("-b", java_s.addr)


def ha_status(*words: str) -> str:
    command = [sys.executable, "-m", "rmqwire", "admin", "haStatus", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


@pytest.mark.parametrize("written", [0, 300], ids=["lost", "lost and written"])
def test_n7_a_java_master_that_lost_its_end_is_followed(
    group: Group, json_peer: Peer, written: int
) -> None:
    """What only the slave has is saved and cut; from there on both are the same."""
    port = {"listenPort": str(free_port(BROKER_PORTS))}
    master = group.master("java", **port)
    slave = group.slave("rmqwire", haDivergencePolicy="truncate")
    json_peer.produce(group.namesrv, "parted", 100)
    wait_until(lambda: in_sync(master, slave), "the slave in sync")
    kept = end_of_log(master)
    master.stop()
    home = group.folder / "master"
    shutil.copytree(home / "store", group.folder / "before")
    master = group.master("java", **port)
    wait_until(lambda: end_of_log(master) == kept, "the master back")
    json_peer.produce(group.namesrv, "parted", 200, seed=1)
    wait_until(lambda: in_sync(master, slave) and end_of_log(slave) > kept, "all of it")
    lost = end_of_log(slave)
    master.kill()
    shutil.rmtree(home / "store")
    shutil.copytree(group.folder / "before", home / "store")
    master = group.master("java", **port)
    wait_until(lambda: end_of_log(master) > 0, "the master back")
    if written:
        json_peer.produce(group.namesrv, "parted", written, seed=2)
    wait_until(lambda: in_sync(master, slave), "the slave behind its master again", 90)
    end = end_of_log(master)
    assert (end == kept) == (not written)
    wait_until(lambda: "200 messages" in slave.tail(20_000), "what was cut, told")
    saved = sorted((group.folder / "slave/store/diverged").glob("*/*"))
    assert int(saved[0].name) == kept
    assert sum(file.stat().st_size for file in saved) == lost - kept
    shown = subprocess.run(
        [sys.executable, "-m", "rmqwire", "inspect", "commitlog", "--json", *map(str, saved)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    assert sum('"kind": "message"' in line for line in shown.splitlines()) == 200
    logs = []
    for store in (home / "store", group.folder / "slave/store"):
        files = sorted((store / "commitlog").iterdir())
        logs.append(b"".join(file.read_bytes() for file in files)[:end])
    assert logs[0] == logs[1]
    json_peer.produce(group.namesrv, "parted", 50, seed=3)
    wait_until(lambda: in_sync(master, slave), "going on")
