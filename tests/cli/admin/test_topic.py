"""Topics made, changed, shown and removed by the verbs, at a cluster in this process."""

from __future__ import annotations

import json

import pytest

from rmqwire import Message
from rmqwire.codec.bodies import BrokerData, ClusterInfo, QueueData, TopicRouteData
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import CreateTopicRequestHeader
from tests.admin.support import NAMESRV, Answers
from tests.cli.admin.conftest import admin, answered
from tests.testing.support import consume, run, send

CLUSTER = ("-c", "DefaultCluster")


def route(topic):
    return json.loads(admin("topicRoute", "-t", topic, "--json"))


def queues(topic):
    (one,) = route(topic)["queueDatas"]
    return one["readQueueNums"], one["writeQueueNums"], one["perm"], one["topicSysFlag"]


def test_a_topic_is_made_with_its_options_and_changed(rmq, broker_addr):
    words = ("-t", "T", "-r", "3", "-w", "2", "-p", "4", "-u", "true", "-s", "true")
    made = admin("updateTopic", "-b", broker_addr, *words, "-a", "+message.type=FIFO")
    assert made.splitlines() == [
        f"create topic to {broker_addr} success.",
        (
            "TopicConfig [topicName=T, readQueueNums=3, writeQueueNums=2, perm=R--, topicFilterType="
            "SINGLE_TAG, topicSysFlag=3, order=false, attributes={+message.type=FIFO}]"
        ),
    ]
    assert queues("T") == (3, 2, 4, 3)
    shown = json.loads(admin("updateTopic", *CLUSTER, "-t", "T", "--json"))
    assert shown["brokerAddrs"] == [broker_addr]
    assert shown["topic"]["readQueueNums"] == 8
    assert queues("T") == (8, 8, 6, 0)


@pytest.mark.parametrize("text", ["a=b", "+", "-a=b", "+a", "+a=b,,"])
def test_attributes_that_are_none_are_refused(text):
    words = ("updateTopic", "-b", "127.0.0.1:1", "-t", "T", "-a", text)
    assert "is neither +NAME=VALUE nor -NAME" in admin(*words, code=2)


def test_an_ordered_topic_has_its_order_at_the_name_server(rmq, broker_addr):
    made = admin("updateTopic", "-b", broker_addr, "-t", "T", "-w", "2", "-o", "true")
    assert made.startswith("set broker orderConf. isOrder=true, orderConf=[broker-a:2]\n")
    get = ("updateOrderConf", "-t", "T", "-m", "get")
    assert admin(*get) == "get orderConf success. topic=[T], orderConf=[broker-a:2] \n"
    made = admin("updateTopic", *CLUSTER, "-t", "T", "-w", "3", "-o", "true")
    assert "set cluster orderConf. isOrder=true, orderConf=[broker-a:3]" in made.splitlines()
    admin("updateOrderConf", "-t", "T", "-m", "put", "-v", "broker-b:1;broker-a:3")
    admin("updateTopic", "-b", broker_addr, "-t", "T", "-w", "4", "-o", "true")  # b's stays
    assert json.loads(admin(*get, "--json"))["orderConf"] == "broker-b:1;broker-a:4"
    admin("updateOrderConf", "-t", "T", "-m", "delete", "--yes")
    assert "No config item, Namespace: ORDER_TOPIC_CONFIG Key: T" in admin(*get, code=1)
    assert "please set orderConf" in admin("updateOrderConf", "-t", "T", "-m", "put", code=2)


def test_the_permission_alone_changes(rmq, broker_addr):
    rmq.create_topic("T", 5)
    words = ("updateTopicPerm", *CLUSTER, "-t", "T", "-p", "4")
    assert admin(*words, "--dry-run").startswith("would set the permission of T to 4 at ")
    assert admin(*words) == f"update topic perm from 6 to 4 in {broker_addr} success.\n"
    assert queues("T") == (5, 5, 4, 0)
    assert admin(*words) == ""
    assert "No topic route info" in admin("updateTopicPerm", *CLUSTER, "-t", "U", "-p", "4", code=1)


def test_topics_of_a_file_are_made_together(rmq, broker_addr, tmp_path):
    file = tmp_path / "topics.json"
    file.write_text('[{"topicName": "A", "writeQueueNums": 3}, {"topicName": "B"}]')
    words = ("updateTopicList", *CLUSTER, "-f", str(file))
    assert admin(*words, "--dry-run") == f"would make A, B at {broker_addr}\n"
    done = (
        f"submit batch of topic config to {broker_addr} success, please check the result later.\n"
    )
    assert admin(*words) == done
    assert queues("A") == (16, 3, 6, 0)
    assert queues("B") == (16, 16, 6, 0)
    for text in ("{", "{}", "[1]"):
        file.write_text(text)
        assert str(file) in admin(*words, code=2)
    assert "No such file" in admin("updateTopicList", *CLUSTER, "-f", "/no/such", code=2)


def test_the_route_as_a_table(rmq, broker_addr):
    rmq.create_topic("T", 2)
    heading, line, rule, total = admin("topicRoute", "-t", "T", "-l").splitlines()
    assert heading.split()[:3] == ["#ClusterName", "#BrokerName", "#BrokerAddrs"]
    assert line.split() == ["DefaultCluster", "broker-a", f"{{0={broker_addr}}}", "2", "2", "6"]
    assert rule == "-" * 158
    assert total.split() == ["Total:", "1", "2", "2"]


def test_what_is_nowhere_is_said(rmq):
    for verb in ("topicRoute", "topicStatus", "topicClusterList"):
        said = admin(verb, "-t", "Nowhere", code=1)
        assert "No topic route info in name server for the topic: Nowhere" in said


def test_a_dry_run_changes_nothing(rmq, broker_addr):
    assert admin("updateTopic", *CLUSTER, "-t", "T", "--dry-run").startswith(
        "would make TopicConfig [topicName=T, "
    )
    words = ("-t", "T", "-m", "put", "-v", "broker-a:1")
    assert (
        admin("updateOrderConf", *words, "--dry-run") == "would set the order of T to broker-a:1\n"
    )
    assert "T" not in admin("topicList").splitlines()


def test_the_broker_of_an_order_must_be_known(rmq, broker_addr):
    other = broker_addr.replace("127.0.0.1", "localhost")
    words = ("updateTopic", "-b", other, "-t", "T", "-o", "true")
    assert "knows no broker" in admin(*words, code=1)


def test_each_master_keeps_its_own_number_of_queues(monkeypatch):
    """mqadmin sends the first broker's numbers to all of the cluster, wherever the topic is."""
    brokers = {name: BrokerData("C", name, {0: f"h:{name}"}) for name in "abc"}
    queues = [QueueData("a", 2, 2, 6, 0), QueueData("b", 5, 7, 6, 1)]
    route = TopicRouteData(queue_datas=queues, broker_datas=[brokers["a"], brokers["b"]])
    remoting = Answers(
        {
            (NAMESRV, RequestCode.GET_BROKER_CLUSTER_INFO): ClusterInfo(
                brokers, {"C": list(brokers)}
            ).encode(),
            (NAMESRV, RequestCode.GET_ROUTEINFO_BY_TOPIC): route.encode(),
            ("h:a", RequestCode.UPDATE_AND_CREATE_TOPIC): b"",
            ("h:b", RequestCode.UPDATE_AND_CREATE_TOPIC): b"",
        }
    )
    answered(monkeypatch, remoting)
    done = admin("updateTopicPerm", "-n", NAMESRV, "-c", "C", "-t", "T", "-p", "4")
    assert done.splitlines() == [
        f"update topic perm from 6 to 4 in h:{one} success." for one in "ab"
    ]
    headers = [
        (addr, command.decode_header(CreateTopicRequestHeader))
        for addr, command in remoting.asked
        if command.code == RequestCode.UPDATE_AND_CREATE_TOPIC
    ]
    assert [
        (addr, one.read_queue_nums, one.write_queue_nums, one.perm, one.topic_sys_flag)
        for addr, one in headers
    ] == [("h:a", 2, 2, 4, 0), ("h:b", 5, 7, 4, 1)]


def test_topics_are_listed_with_clusters_and_groups(rmq, broker_addr):
    rmq.create_topic("T", 1)
    run(send, rmq, Message("T", b"x"))
    run(consume, rmq, "G", "T", 1)
    rows = [line.split() for line in admin("topicList", "-c").splitlines()]
    assert ["DefaultCluster", "T", "G"] in rows
    rmq.fail_next("QUERY_TOPIC_CONSUME_BY_WHO", "SYSTEM_ERROR", times=100)
    rows = [line.split() for line in admin("topicList", "-c").splitlines()]
    assert ["DefaultCluster", "T"] in rows


def test_the_clusters_of_a_topic(rmq):
    rmq.create_topic("T", 1)
    assert admin("topicClusterList", "-t", "T") == "DefaultCluster\n"
