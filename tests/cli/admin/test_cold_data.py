"""Limits of readers of cold data and reading ahead, as mqadmin shows them."""

from __future__ import annotations

import json

import pytest

from rmqwire.codec.codes import RequestCode
from tests.admin.support import NAMESRV
from tests.cli.admin.conftest import admin, answered
from tests.cli.admin.test_broker_verbs import CLUSTER, MASTER, ORPHAN, SLAVE, two_brokers
from tests.support.mqadmin import replay

INFO = RequestCode.GET_COLD_DATA_FLOW_CTR_INFO
READERS = (
    b'{"runtimeTable":{"readers":{"coldAcc":7,"lastColdReadTimeMills":1700000001000,'
    b'"createTimeMills":1700000000000}},"configTable":{},"globalAcc":7}'
)


@pytest.mark.parametrize("name", ["getColdDataFlowCtrInfo", "setCommitLogReadAheadMode"])
def test_a_broker_s_answers_are_shown_as_mqadmin_shows_them(monkeypatch, name):
    printed, ours = replay(monkeypatch, name)
    assert ours == printed


def test_a_limit_is_set_shown_and_taken_away(rmq, broker_addr):
    group = (*CLUSTER, "-g", "readers")
    update = ("updateColdDataFlowCtrGroupConfig", *group, "-v", "1024")
    assert admin(*update, "--dry-run") == f"would let readers read 1024 bytes at {broker_addr}\n"
    assert admin(*update) == f"updateColdDataFlowCtrGroupConfig success, {broker_addr}\n"
    heading, *lines = admin("getColdDataFlowCtrInfo", *CLUSTER).splitlines()
    assert heading == f" ============Master: {broker_addr}============"
    assert json.loads("\n".join(lines))["configTable"] == {"readers": 1024}
    remove = ("removeColdDataFlowCtrGroupConfig", "-b", broker_addr, "-g", "readers")
    assert admin(*remove, "--dry-run").startswith("would take the limit of readers away at ")
    assert admin(*remove) == f"remove broker cold read threshold success, {broker_addr}\n"
    shown = json.loads(admin("getColdDataFlowCtrInfo", "-b", broker_addr, "--json"))
    assert (shown["brokerAddr"], shown["table"]["configTable"]) == (broker_addr, {})


def test_readers_are_shown_with_times_of_day_and_members_under_their_masters(monkeypatch):
    remoting = two_brokers(INFO)
    remoting.bodies |= {(MASTER, INFO): READERS, (SLAVE, INFO): b"", (ORPHAN, INFO): b"{}"}
    answered(monkeypatch, remoting)
    monkeypatch.setattr("rmqwire.cli.admin.cold_data.second_text", lambda ms: f"<{ms}>")
    lines = admin("getColdDataFlowCtrInfo", "-n", NAMESRV, "-c", "C").splitlines()
    end = lines.index("}") + 1
    table = json.loads("\n".join(lines[1:end]))
    assert table["runtimeTable"]["readers"] == {
        "coldAcc": 7,
        "lastColdReadTimeFormat": "<1700000001000>",
        "createTimeFormat": "<1700000000000>",
    }
    assert lines[end:] == [
        f" ============My Master: {MASTER}=====Slave: {SLAVE}============",
        f"Broker[{SLAVE}] has no cold ctr table !",
        f" ============My Master: NO_MASTER=====Slave: {ORPHAN}============",
        f"Broker[{ORPHAN}] has no cold ctr table !",
    ]


def test_how_the_log_is_read_is_set_at_every_member(rmq, broker_addr):
    words = ("setCommitLogReadAheadMode", *CLUSTER, "-m")
    assert admin(*words, "1", "--dry-run") == f"would set mode 1 at {broker_addr}\n"
    assert admin(*words, "1").splitlines() == [
        f" ============Master: {broker_addr}============",
        "commitLog set readAhead mode rstStrset commitlog readahead mode success, mode: 1",
    ]
    assert json.loads(admin(*words, "0", "--json"))["remark"].endswith("success, mode: 0")
    assert "is not one of '0', '1'" in admin(*words, "2", code=2)
