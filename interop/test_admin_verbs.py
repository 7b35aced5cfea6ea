"""`rmqwire admin` beside mqadmin, asked of Java's servers."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from interop.peer import Peer

CLUSTER = ("-c", "DefaultCluster")


def admin(*words: str) -> str:
    command = [sys.executable, "-m", "rmqwire", "admin", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def columns(text: str) -> list[str]:
    """What stands before the value in each line of figures."""
    return [line.partition(": ")[0] for line in text.splitlines() if ": " in line]


def java_status(peer: Peer, namesrv: str) -> str:
    """Return what mqadmin shows of a broker; one that has just started answers with an exception."""
    for _ in range(20):
        shown = peer.mqadmin("brokerStatus", "-n", namesrv, *CLUSTER)
        if "commitLogMaxOffset" in shown:
            break
        time.sleep(1)
    return shown


def test_broker_status_has_mqadmin_s_lines(java_namesrv: str, json_peer: Peer) -> None:
    java = java_status(json_peer, java_namesrv)
    ours = admin("brokerStatus", "-n", java_namesrv, *CLUSTER)
    assert columns(ours) == columns(java)
    assert any("commitLogMaxOffset" in line for line in columns(ours))
    addr = ours.split()[0]
    one = json_peer.mqadmin("brokerStatus", "-n", java_namesrv, "-b", addr)
    assert columns(admin("brokerStatus", "-b", addr)) == columns(one)


def test_java_s_servers_are_healthy(java_namesrv: str) -> None:
    addr = admin("brokerStatus", "-n", java_namesrv, *CLUSTER).split()[0]
    said = admin("health", "-b", addr, "-n", java_namesrv)
    assert said == f"broker {addr} answers\nnamesrv {java_namesrv} answers\n"


@pytest.mark.only("4.9.7")
def test_ha_status_of_a_broker_that_knows_none_says_where_to_look(java_namesrv: str) -> None:
    said = admin("haStatus", "-n", java_namesrv, *CLUSTER)
    assert "#CommitLogMaxOffset\t" in said
    assert "V4_9_7 doesn't tell its slaves' progress: compare commitLogMaxOffset in" in said
