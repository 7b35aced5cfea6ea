"""What a cluster is set to and does, written to files."""

from __future__ import annotations

import json
import re

import pytest

from rmqwire import Message
from rmqwire.codec.bodies import BrokerData, ClusterInfo, TopicConfig, TopicConfigSerializeWrapper
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import GetAllTopicConfigRequestHeader, GetAllTopicConfigResponseHeader
from tests.admin.support import BROKER, NAMESRV, Answers, ask
from tests.cli.admin.conftest import admin, answered
from tests.support.mqadmin import replay
from tests.testing.support import consume, run, send

CLUSTER = ("-c", "DefaultCluster")


@pytest.fixture
def export(tmp_path):
    """Call a verb that writes a file, and return what it wrote."""

    def exported(verb, name, *words):
        folder = tmp_path / "new" / "folder"
        assert admin(verb, *words, "-f", str(folder)) == f"export {folder}/{name} success\n"
        return json.loads((folder / name).read_bytes())

    return exported


def test_mqadmin_asks_the_same_and_says_the_same(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    printed, ours = replay(monkeypatch, "exportMetadata")
    assert ours == printed
    written = json.loads((tmp_path / "exp" / "metadata.json").read_bytes())
    assert set(written) == {"topicConfigTable", "subscriptionGroupTable", "exportTime"}
    assert "goldxx1" in written["topicConfigTable"]
    assert not {"TBW102", "%RETRY%goldxcg_live"} & set(written["topicConfigTable"])
    assert "TOOLS_CONSUMER" not in written["subscriptionGroupTable"]


def test_topics_and_groups_of_a_cluster_and_of_a_broker(rmq, broker_addr, export):
    rmq.create_topic("T", 3)
    rmq.create_group("G")
    run(send, rmq, Message("T", b"x"))
    run(consume, rmq, "G", "T", 1)
    whole = export("exportMetadata", "metadata.json", *CLUSTER)
    assert whole["topicConfigTable"]["T"]["readQueueNums"] == 3
    assert whole["subscriptionGroupTable"]["G"]["retryMaxTimes"] == 16
    assert "%RETRY%G" not in whole["topicConfigTable"]
    topics = export("exportMetadata", "topic.json", *CLUSTER, "-t", "-s")
    assert "subscriptionGroupTable" not in topics
    assert "%RETRY%G" in topics["topicConfigTable"]
    groups = export("exportMetadata", "subscriptionGroup.json", *CLUSTER, "-g")
    assert list(groups["subscriptionGroupTable"]) == ["G"]
    of_broker = ("-b", broker_addr)
    assert "T" in export("exportMetadata", "topic.json", *of_broker, "-t")["topicConfigTable"]
    one = export("exportMetadata", "subscriptionGroup.json", *of_broker, "-g")
    assert list(one["subscriptionGroupTable"]) == ["G"]
    assert "-t for its topics, or -g" in admin("exportMetadata", *of_broker, code=2)


def test_settings_of_a_cluster(rmq, export):
    found = export("exportConfigs", "configs.json", *CLUSTER)
    assert found["clusterScale"] == {
        "namesrvSize": 1,
        "masterBrokerSize": 1,
        "slaveBrokerSize": 0,
    }
    settings = found["brokerConfigs"]["broker-a"]
    assert settings["brokerRole"] == "ASYNC_MASTER"
    assert "listenPort" not in settings


def test_figures_of_a_cluster(rmq, export):
    rmq.create_group("G")
    found = export("exportMetrics", "metrics.json", *CLUSTER)
    report = found["evaluateReport"]["broker-a"]
    assert report["runtimeVersion"]["rocketmqVersion"] == "V5_5_0"
    assert report["runtimeQuota"]["groupSize"] == 1
    assert set(found["totalData"]["totalTps"]) == {
        "totalNormalInTps",
        "totalNormalOutTps",
        "totalTransInTps",
        "totalScheduleInTps",
    }
    assert found["totalData"]["totalOneDayNum"]["transOneDayInNum"] == 0


def test_a_cluster_that_is_not_there(rmq):
    for verb in ("exportConfigs", "exportMetadata", "exportMetrics"):
        assert "no such broker of a cluster Nowhere" in admin(verb, "-c", "Nowhere", code=1)


def test_pop_records_of_a_broker_and_of_a_cluster(rmq, broker_addr):
    said = f"Export broker records, brokerName=broker-a, brokerAddr={broker_addr}, dryRun="
    assert admin("exportPopRecord", "-b", broker_addr, "-d", "true") == f"{said}true\n"
    assert admin("exportPopRecord", *CLUSTER, "--dry-run") == f"{said}true\n"
    assert admin("exportPopRecord", *CLUSTER) == f"{said}false\n"


def test_a_broker_that_has_no_pop_records_is_a_warning(monkeypatch):
    info = ClusterInfo({"a": BrokerData("C", "a", {0: BROKER})}, {"C": ["a"]})
    remoting = Answers({(NAMESRV, RequestCode.GET_BROKER_CLUSTER_INFO): info.encode()})
    answered(monkeypatch, remoting)
    said = admin("exportPopRecord", "-n", NAMESRV, "-c", "C", code=1)
    assert re.search(rf"warning: Export broker records error, brokerName=a, .*{BROKER}", said)


def test_topics_come_in_pages_of_5_x_brokers():
    topics = {f"T{number}": TopicConfig(f"T{number}") for number in range(5)}

    def answer(request):
        header = request.decode_header(GetAllTopicConfigRequestHeader)
        page = dict(list(topics.items())[header.topic_seq : header.topic_seq + 2])
        body = TopicConfigSerializeWrapper(page).encode()
        total = GetAllTopicConfigResponseHeader(total_topic_num=len(topics))
        return request.create_response(header=total, body=body)

    remoting = Answers({(BROKER, RequestCode.GET_ALL_TOPIC_CONFIG): answer})
    assert ask(remoting, "all_topics", BROKER).topic_config_table == topics
    assert len(remoting.asked) == 3


def test_numbers_of_queues_of_two_masters_are_added_up():
    info = ClusterInfo(
        {"a": BrokerData("C", "a", {0: "h:1"}), "b": BrokerData("C", "b", {0: "h:2"})},
        {"C": ["a", "b"]},
    )
    table = TopicConfigSerializeWrapper({"T": TopicConfig("T", 2, 3)}).encode()
    bodies = {(NAMESRV, RequestCode.GET_BROKER_CLUSTER_INFO): info.encode()}
    for addr in ("h:1", "h:2"):
        bodies[addr, RequestCode.GET_ALL_TOPIC_CONFIG] = table
        bodies[addr, RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER] = b'{"topicList":["S"]}'
        groups = b'{"subscriptionGroupTable":{"G":{"groupName":"G","retryQueueNums":1}}}'
        bodies[addr, RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG] = groups
    found = ask(Answers(bodies), "export_metadata", "C")
    topic = found.topics["T"]
    assert (topic.read_queue_nums, topic.write_queue_nums) == (4, 6)
    assert found.groups["G"].retry_queue_nums == 2
