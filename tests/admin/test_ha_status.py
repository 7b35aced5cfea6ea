"""haStatus prints what mqadmin prints, and the lag."""

from __future__ import annotations

import json

from rmqwire.admin.ha import HaStatus
from rmqwire.cli.admin.ha import status_lines
from rmqwire.codec.bodies import (
    HAClientRuntimeInfo,
    HAConnectionRuntimeInfo,
    HARuntimeInfo,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.ha import pack_report
from tests.admin.support import InMemory, ask
from tests.broker.test_broker import send_command
from tests.support.broker import MemoryBroker

MASTER = "127.0.0.1:10911"


def test_a_master_s_lines_are_mqadmin_s():
    info = HARuntimeInfo(
        master=True,
        master_commit_log_max_offset=5000,
        in_sync_slave_nums=1,
        ha_connection_info=[
            HAConnectionRuntimeInfo("10.0.0.2:40000", 5000, 0, True, 2048, 5000),
            HAConnectionRuntimeInfo("10.0.0.3:40000", 10, 4990, False, 0, 20),
        ],
    )
    lines = list(status_lines(HaStatus(MASTER, info, {"10.0.0.2:40000": 0}, {})))
    assert lines[:5] == [
        "",
        f"#MasterAddr\t{MASTER}",
        "#MasterCommitLogMaxOffset\t5000",
        "#SlaveNum\t2",
        "#InSyncSlaveNum\t1",
    ]
    # The widths of Java's format: %-32s  %-16s %16s %16s %16s %16s, and ours behind it.
    assert lines[5] == (
        "#SlaveAddr                        #SlaveAckOffset             #Diff "
        "#TransferSpeed(KB/s)          #Status #TransferFromWhere         #Lag(ms)"
    )
    assert lines[6] == (
        "10.0.0.2:40000                    5000                            0 "
        "            2.00               OK             5000                0"
    )
    assert lines[7].split() == [
        "10.0.0.3:40000", "10", "4990", "0.00", "Fall", "Behind", "20", "-"
    ]  # fmt: skip


def test_a_slave_s_lines_are_mqadmin_s(monkeypatch):
    client = HAClientRuntimeInfo("10.0.0.1:10912", 1024, 77, 1_795_229_432_145, 0, 5)
    info = HARuntimeInfo(master=False, ha_client_runtime_info=client)
    lines = list(status_lines(HaStatus(MASTER, info, {}, {})))
    assert lines[:4] == [
        "",
        "#MasterAddr\t10.0.0.1:10912",
        "#CommitLogMaxOffset\t77",
        "#TransferSpeed(KB/s)\t1.00",
    ]
    assert lines[4].startswith("#LastReadTime\t2026-11-")
    assert lines[4].endswith(",145")
    assert lines[6] == "#MasterFlushOffset\t5"
    info.ha_client_runtime_info = HAClientRuntimeInfo()
    assert "#MasterAddr\tnull" in list(status_lines(HaStatus(MASTER, info, {}, {})))


def test_a_broker_without_ha_status_shows_the_end_of_its_log_and_where_to_look():
    figures = {"brokerVersionDesc": "V4_9_7", "commitLogMaxOffset": "5000", "getMissTps": "0"}
    lines = list(status_lines(HaStatus(MASTER, None, {}, figures)))
    assert lines[:3] == ["", f"#BrokerAddr\t{MASTER}", "#CommitLogMaxOffset\t5000"]
    assert lines[3].startswith("#NoHaStatus\tV4_9_7 doesn't tell its slaves' progress: compare ")
    assert "#CommitLogMaxOffset\tnull" in list(status_lines(HaStatus(MASTER, None, {}, {})))


def test_a_master_tells_the_age_of_what_a_slave_lacks(tmp_path):
    master = MemoryBroker(tmp_path)
    client = master.connect()
    slaves = master.state.replication.slaves
    client.call(send_command("T", b"one"))
    half = master.state.store.max_phy_offset // 2
    end = master.state.store.max_phy_offset
    master.clock.ms += 5_000
    client.call(send_command("T", b"two"))
    master.clock.ms += 250
    for peer, ack in (("10.0.0.2:1", end), ("10.0.0.3:1", half), ("10.0.0.4:1", end * 2)):
        slaves.received(slaves.open(peer), pack_report(min(ack, master.state.store.log.end)))
    slaves.open("10.0.0.5:1")  # not a word yet

    def asked():
        return ask(InMemory(client), "ha_status", MASTER)

    # The second slave is within the first record, as a Java slave may be: the next one counts.
    assert asked().lags == {"10.0.0.2:1": 250, "10.0.0.3:1": 250, "10.0.0.4:1": 0}
    slaves.received(slaves.open("10.0.0.6:1"), pack_report(0))
    found = asked()
    assert found.lags["10.0.0.6:1"] == 5250
    status = client.call(RemotingCommand.request(RequestCode.GET_BROKER_HA_STATUS))
    keys = json.loads(bytes(status.body))["haConnectionInfo"][0].keys()
    assert "lag" not in str(keys).lower()
    lines = list(status_lines(found))
    assert [line.split()[-1] for line in lines[6:]] == ["250", "250", "0", "-", "5250"]
    master.close()
