"""brokerStatus, haStatus and health, asked of a cluster in this process."""

from __future__ import annotations

import json

import pytest
import trio

from rmqwire.cli.admin.verb import repeated
from rmqwire.codec.bodies import BrokerData, ClusterInfo
from rmqwire.codec.codes import RequestCode
from rmqwire.testing import cluster
from tests.admin.support import NAMESRV, Answers
from tests.cli.admin.conftest import admin, answered

CLUSTER = ("-c", "DefaultCluster")


def test_ha_status_of_a_broker_and_of_a_cluster(rmq, broker_addr):
    by_cluster = admin("haStatus", *CLUSTER)
    assert by_cluster.startswith(f"\n#MasterAddr\t{broker_addr}\n#MasterCommitLogMaxOffset\t")
    assert admin("haStatus", "-b", broker_addr, "-n", "") == by_cluster


async def test_a_live_view_comes_again_and_again(autojump_clock):
    begin, moments = trio.current_time(), []

    async def once():
        moments.append(round(trio.current_time() - begin))

    with trio.move_on_after(25):
        await repeated(10, once)
    assert moments == [0, 10, 20]
    await repeated(None, once)
    assert moments == [0, 10, 20, 25]


def test_the_other_brokers_are_shown_where_one_does_not_answer(monkeypatch):
    brokers = {"a": BrokerData("C", "a", {0: "h:1", 1: "h:2"})}
    bodies = {
        (NAMESRV, RequestCode.GET_BROKER_CLUSTER_INFO): ClusterInfo(brokers, {"C": ["a"]}).encode(),
        ("h:2", RequestCode.GET_BROKER_RUNTIME_INFO): b'{"table":{"k":"v"}}',
    }
    answered(monkeypatch, Answers(bodies))
    said = admin("brokerStatus", "-n", NAMESRV, "-c", "C", code=1)
    assert "warning: h:1: " in said
    assert f"{'h:2':<24} {'k':<32}: v" in said
    assert "h:1" in admin("brokerStatus", "-b", "h:1", code=1)


def test_ha_status_of_a_broker_that_knows_none(monkeypatch):
    with cluster("4.9.7") as old:
        monkeypatch.setenv("NAMESRV_ADDR", old.namesrv_addr)
        said = admin("haStatus", *CLUSTER)
    assert "#CommitLogMaxOffset\t0\n" in said
    assert "V4_9_7 doesn't tell its slaves' progress: compare commitLogMaxOffset" in said


def test_broker_status_of_a_broker_and_of_a_cluster(rmq, broker_addr):
    one = admin("brokerStatus", "-b", broker_addr).splitlines()
    assert "brokerVersionDesc               : V5_5_0" in one
    for line, same in zip(admin("brokerStatus", *CLUSTER).splitlines(), one, strict=True):
        assert line.startswith(f"{broker_addr:<24} {same.partition(':')[0]}")
    shown = json.loads(admin("brokerStatus", "-b", broker_addr, "--json"))
    assert shown["brokerAddr"] == broker_addr
    assert shown["figures"]["brokerVersionDesc"] == "V5_5_0"


def test_servers_that_answer_are_healthy_and_others_are_not(rmq, broker_addr, tmp_path):
    namesrv = rmq.namesrv_addr
    file = tmp_path / "addresses"
    file.write_text(f"namesrv {namesrv}\nbroker {broker_addr}\n")
    for words in (("-b", broker_addr, "-n", namesrv), ("--addressFile", str(file))):
        told = sorted(admin("health", *words).splitlines())
        assert told == [f"broker {broker_addr} answers", f"namesrv {namesrv} answers"]
    assert f"not supported  BROKER: {namesrv}" in admin("health", "-b", namesrv, code=1)
    assert "127.0.0.1:1" in admin("health", "-b", "127.0.0.1:1", code=1)


def test_health_of_nobody_is_a_wrong_call(monkeypatch):
    monkeypatch.delenv("RMQWIRE_ADDRESS_FILE", raising=False)
    assert "Which one?" in admin("health", code=2)


@pytest.mark.parametrize("option", ["-m", None])
def test_cluster_list_of_one_and_of_a_broker_that_is_gone(rmq, option, monkeypatch):
    words = [option] if option else []
    heading, line = admin("clusterList", *words).splitlines()
    assert heading.startswith("#Cluster Name")
    assert line.split()[:2] == ["DefaultCluster", "broker-a"]
    assert admin("clusterList", *words, "-c", "Nowhere").splitlines() == [heading]
