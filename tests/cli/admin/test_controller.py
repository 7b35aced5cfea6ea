"""What Java's controller was recorded to answer, shown as mqadmin shows it."""

from __future__ import annotations

import json

import pytest

from rmqwire.codec.bodies import BrokerData, ClusterInfo
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import GetMetaDataResponseHeader
from tests.admin.support import NAMESRV, Answers
from tests.cli.admin.conftest import admin, answered
from tests.support.mqadmin import replay

ADDR = "127.0.0.1:9878"


def rstripped(lines):
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize(
    ("name", "more"),
    [("getSyncStateSet", ()), ("getBrokerEpoch", ()), ("cleanBrokerMetadata", ("--yes",))],
)
def test_a_verb_prints_what_mqadmin_prints(name, more, monkeypatch):
    printed, ours = replay(monkeypatch, f"controller_{name}", *more)
    assert rstripped(ours) == rstripped(printed)


def test_meta_data(monkeypatch):
    printed, ours = replay(monkeypatch, "controller_getControllerMetaData")
    assert list(filter(None, ours)) == list(filter(None, printed))


def test_settings_are_sorted(monkeypatch):
    printed, ours = replay(monkeypatch, "controller_getControllerConfig")
    assert ours[0] == printed[0]
    assert ours[1:] == sorted(ours[1:])
    assert {line for line in map(str.rstrip, printed) if line} <= set(map(str.rstrip, ours))


def test_an_election_that_mqadmin_can_not_read_the_answer_of(monkeypatch):
    """Its fastjson2 refuses the unquoted ids of the controller's own answer."""
    printed, ours = replay(monkeypatch, "controller_electMaster")
    assert "not support unquoted name" in printed[1]
    assert ours == [
        "",
        "#ClusterName\tGoldCluster",
        "#BrokerName\tgold-a",
        "#BrokerMasterAddr\t127.0.0.1:20911",
        "#MasterEpoch\t3",
        "#SyncStateSetEpoch\t5",
        "\t#Broker\t1\t127.0.0.1:20911",
        "\t#Broker\t2\t127.0.0.1:20931",
    ]


def test_a_cluster_s_sets_are_asked_for_together(monkeypatch):
    def led(request):
        header = GetMetaDataResponseHeader(controller_leader_address="127.0.0.1:9")
        return request.create_response(header=header)

    info = ClusterInfo(
        {"b": BrokerData("C", "b", {0: "h:1"}), "a": BrokerData("C", "a", {1: "h:2"})},
        {"C": ["b", "a"]},
    )
    remoting = Answers(
        {
            (NAMESRV, RequestCode.GET_BROKER_CLUSTER_INFO): info.encode(),
            (ADDR, RequestCode.CONTROLLER_GET_METADATA_INFO): led,
            ("127.0.0.1:9", RequestCode.CONTROLLER_GET_SYNC_STATE_DATA): (
                b'{"replicasInfoTable":{"a":{"masterBrokerId":2,"inSyncReplicas":[],'
                b'"notInSyncReplicas":[{"brokerName":"a","brokerId":3,"brokerAddress":"h:3"}]}}}'
            ),
        }
    )
    answered(monkeypatch, remoting)
    shown = json.loads(admin("getSyncStateSet", "-a", ADDR, "-n", NAMESRV, "-c", "C", "--json"))
    assert (shown["brokerName"], shown["replicas"]["masterBrokerId"]) == ("a", 2)
    assert bytes(remoting.asked[-1][1].body) == b'["a","b"]'
    lines = admin("getSyncStateSet", "-a", ADDR, "-b", "a").splitlines()
    assert lines[-1] == (
        "NotInSyncReplica:\tReplicaIdentity{brokerName='a', brokerId=3, brokerAddress='h:3', alive=null}"
    )


def test_controllers_without_a_leader_are_an_error(monkeypatch):
    def nobody(request):
        return request.create_response(header=GetMetaDataResponseHeader(group="g"))

    answered(monkeypatch, Answers({(ADDR, RequestCode.CONTROLLER_GET_METADATA_INFO): nobody}))
    said = admin("getSyncStateSet", "-a", ADDR, "-b", "a", code=1)
    assert "the controllers have no leader" in said


def test_a_controller_s_setting_is_changed(monkeypatch):
    remoting = Answers({(ADDR, RequestCode.UPDATE_CONTROLLER_CONFIG): b""})
    answered(monkeypatch, remoting)
    words = ("updateControllerConfig", "-a", ADDR, "-k", "k", "-v", "v")
    assert admin(*words, "--dry-run") == f"would set k=v at {ADDR}\n"
    assert admin(*words) == f"update controller config success![{ADDR}]\nk : v\n"
    assert bytes(remoting.asked[0][1].body) == b"k=v\n"


def test_replicas_are_forgotten_by_cluster_unless_the_living_are_meant():
    words = ("cleanBrokerMetadata", "-a", ADDR, "-bn", "a")
    assert "clusterName option can not be empty" in admin(*words, "--yes", code=2)
    assert admin(*words, "-l", "--dry-run") == "would forget all replicas of a\n"
    elect = ("electMaster", "-a", ADDR, "-c", "C", "-bn", "a", "-b", "2", "--dry-run")
    assert admin(*elect) == "would make 2 of a the master\n"


def test_epochs_of_a_broker_that_nobody_knows(monkeypatch):
    body = b'{"brokerAddrTable":{},"clusterAddrTable":{}}'
    answered(monkeypatch, Answers({(NAMESRV, RequestCode.GET_BROKER_CLUSTER_INFO): body}))
    said = admin("getBrokerEpoch", "-n", NAMESRV, "-b", "a", code=1)
    assert "knows no broker a" in said
    said = admin("getBrokerEpoch", "-n", NAMESRV, "-c", "C", code=1)
    assert "knows no such broker of a cluster C" in said
