"""Groups and their offsets, asked and changed at a broker in memory."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager

import pytest

from rmqwire import Message, blocking
from tests.cli.admin.conftest import admin, reading

CLUSTER = ("-c", "DefaultCluster")


@pytest.fixture
def group(rmq):
    """A group that has consumed the five messages of a topic, and is offline."""
    rmq.create_topic("T", 1)
    with blocking.Producer("writers", namesrv_addr=rmq.namesrv_addr) as producer:
        for number in range(5):
            producer.send(Message("T", b"%d" % number))
    with reading(rmq, 5):
        pass
    return "readers"


@contextmanager
def sent_and_read(rmq, producer):
    producer.send(Message("T", b"one more"))
    with reading(rmq, 1):
        yield


def offset():
    found = json.loads(admin("consumerProgress", "-g", "readers", "--json"))
    (queue,) = (one for one in found["queues"] if one["queue"]["topic"] == "T")
    return queue["consumerOffset"]


def test_a_group_is_shown_queue_by_queue_and_in_a_line(group):
    lines = admin("consumerProgress", "-g", group).splitlines()
    (queue,) = (line.split() for line in lines if line.startswith("T "))
    assert queue[:7] == ["T", "broker-a", "0", "5", "5", "0", "0"]
    assert lines[-2:] == ["Consume Diff Total: 0", "Consume Inflight Total: 0"]
    only = admin("consumerProgress", "-g", group, "-t", "T", "-s", "true").splitlines()
    assert [line.split()[0] for line in only[:2]] == ["#Topic", "T"]
    assert "#Client IP" in only[0]
    assert only[1].split()[5] == "N/A"
    (line,) = (one for one in admin("consumerProgress").splitlines() if one.startswith(group))
    assert line.split() == [group, "0", "OFFLINE", "0", "0"]


def test_what_is_not_there_is_said(rmq):
    said = "No topic route info in name server for the topic: %RETRY%none"
    for verb in ("consumerProgress", "consumerConnection", "consumerStatus"):
        assert said in admin(verb, "-g", "none", code=1)
    assert "for the topic: none" in admin("queryCq", "-t", "none", "-q0", "-i0", code=1)
    assert "check doing" in admin("checkRocksdbCqWriteProgress", *CLUSTER)  # as Java's says


def test_offsets_are_moved_for_a_time_and_behind_the_end(group, broker_addr):
    words = ("-g", group, "-t", "T", "--yes")
    assert admin("resetOffsetByTime", *words, "-s", "0", "--dry-run") == (
        "would reset group readers in topic T to 0\n"
    )
    assert offset() == 5
    moved = json.loads(
        admin("resetOffsetByTime", *words, "-s", "2020-01-01#00:00:00:000", "--json")
    )
    assert (moved["queue"]["queueId"], moved["offset"]) == (0, 0)
    assert offset() == 0
    skipped = admin("skipAccumulatedMessage", *words).splitlines()
    assert skipped[1].split() == ["broker-a", "0", "5"]
    assert offset() == 5
    one = ("-b", broker_addr, "-q", "0")
    said = admin("resetOffsetByTime", *words, *one, "-s", "now", "-o", "2").splitlines()
    assert said[1] == "reset consumer offset to 2"
    assert offset() == 2
    admin("resetOffsetByTime", *words, *one, "-s", "now", "-o", "0")
    assert offset() == 0
    assert "to 5" in admin("resetOffsetByTime", *words, *one, "-s", "now")
    assert "is neither now, ms" in admin("resetOffsetByTime", *words, "-s", "later", code=2)


def test_half_of_one_queue_s_name_moves_nothing(group, broker_addr):
    words = ("resetOffsetByTime", "-g", group, "-t", "T", "-s", "0", "--yes")
    for half in (("-b", broker_addr), ("-q", "0"), ("-o", "1"), ("-q", "0", "-o", "1")):
        assert "-b and -q name one queue together" in admin(*words, *half, code=2)
    assert offset() == 5


def test_the_old_verb_writes_offsets_itself(group):
    words = ("-g", group, "-t", "T", "--yes")
    old = admin("resetOffsetByTimeOld", *words, "-s", "0").splitlines()
    assert old[2].split() == ["broker-a", "0", "5", "5", "0", "0"]
    assert offset() == 0
    kept = admin("resetOffsetByTimeOld", *words, "-s", "-1", "-f", "false").splitlines()
    assert kept[2].split() == ["broker-a", "0", "5", "0", "5", "0"]
    assert offset() == 0


def test_a_group_that_never_read_a_topic_gets_offsets_for_a_time(group):
    admin("updateSubGroup", *CLUSTER, "-g", "late")
    said = admin("resetOffsetByTimeOld", "-g", "late", "-t", "T", "-s", "-1", "--yes").splitlines()
    assert said[2].split() == ["broker-a", "0", "5", "0", "5", "5"]


def test_a_group_gets_the_offsets_of_another_in_one_topic_alone(group, rmq):
    admin("updateSubGroup", *CLUSTER, "-g", "copies")
    rmq.create_topic("%RETRY%copies", 1)
    said = admin("cloneGroupOffset", "-s", group, "-d", "copies", "-t", "T", "--yes")
    assert said == "clone group offset success. srcGroup[readers], destGroup=[copies], topic[T]\n"
    found = json.loads(admin("consumerProgress", "-g", "copies", "--json"))["queues"]
    assert [(one["queue"]["topic"], one["consumerOffset"]) for one in found] == [("T", 5)]


def test_members_are_shown_while_they_are_there(group, rmq, broker_addr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with (
        blocking.Producer("writers", namesrv_addr=rmq.namesrv_addr) as producer,
        sent_and_read(rmq, producer),
    ):
        connected = json.loads(admin("consumerConnection", "-g", group, "--json"))
        (member,) = connected["connectionSet"]
        lines = admin("consumerStatus", "-g", group).splitlines()
        assert lines[1].split()[:2] == ["1", member["clientId"]]
        assert lines[-1] == "Rebalance OK"
        (file,) = tmp_path.glob("*/*")
        shown = admin("consumerStatus", "-g", group, "-i", member["clientId"])
        assert "#Consumer MQ Detail#" in shown
        assert shown.splitlines()[0] == file.read_text("utf-8").splitlines()[0]
        assert json.loads(admin("consumerStatus", "-g", group, "--json"))["info"]["mqTable"]
        (queue,) = json.loads(
            admin("consumerProgress", "-g", group, "-t", "T", "-s", "true", "--json")
        )["queues"]
        assert queue["client"] == member["clientId"].split("@")[0]
        (line,) = (one for one in admin("consumerProgress").splitlines() if one.startswith(group))
        assert line.split()[1:5] == ["1", "V5_5_0", "PUSH", "CLUSTERING"]
        mind = admin("getConsumerStatus", "-g", group, "-t", "T").splitlines()
        assert mind[2].split() == [member["clientId"], "broker-a", "0", "6"]
        assert admin("producerConnection", "-g", "writers", "-t", "T").startswith("0001  ")
        rounds = admin("startMonitoring", "--rounds", "1").splitlines()
        assert rounds[0].endswith("=beginRound")
        told = rf"\[consumerGroup={group}, topic=T, undoneMsgsTotal=[01], undoneMsgsSingleMQ=[01],"
        assert re.search(told, "\n".join(rounds))  # 1 until the group has committed
        assert rounds[-1].endswith("=endRound")
        reports = admin("startMonitoring", "--rounds", "2", "-i", "0.1", "--json").splitlines()
        assert json.loads(reports[-1])["subscriptionsAgree"] is True
        said = admin("producer", "-b", broker_addr)
        assert said.startswith("producer group (writers) instance : clientId=")


def test_a_group_is_set_from_options_and_from_a_file_and_removed(rmq, broker_addr, tmp_path):
    words = ("updateSubGroup", "-b", broker_addr, "-g", "g")
    policy = '{"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[1000]}}'
    admin(
        *words,
        "-r",
        "3",
        "-d",
        "true",
        "-a",
        "false",
        "-p",
        policy,
        "--attributes",
        "+priority.factor=50",
    )
    (shown,) = map(json.loads, admin("getConsumerConfig", "-g", "g", "--json").splitlines())
    config = shown["config"]
    assert (config["retryMaxTimes"], config["consumeBroadcastEnable"]) == (3, True)
    assert config["notifyConsumerIdsChangedEnable"] is False
    assert config["groupRetryPolicy"]["customizedRetryPolicy"] == {"next": [1000]}
    assert config["attributes"] == {"priority.factor": "50"}
    lines = admin("getConsumerConfig", "-g", "g").splitlines()
    assert lines[0] == f"{'=' * 29}DefaultCluster:broker-a{'=' * 29}"
    assert f"{'subscriptionDataSet':<40}=  " in lines
    assert "format is wrong: x" in admin(*words, "--attributes", "x", code=2)
    assert "'{':" in admin(*words, "-p", "{", code=2)
    file = tmp_path / "groups.json"
    file.write_text('[{"groupName":"h","retryMaxTimes":7},{"groupName":"i"}]')
    said = admin("updateSubGroupList", *CLUSTER, "-f", str(file))
    assert said.startswith("submit batch of subscription group config to")
    assert '"retryMaxTimes": 7' in admin("getConsumerConfig", "-g", "h", "--json")
    file.write_text("{")
    assert "groups.json" in admin("updateSubGroupList", *CLUSTER, "-f", str(file), code=2)
    assert admin("deleteSubGroup", "-b", broker_addr, "-g", "h", "--yes") == (
        f"delete subscription group [h] from broker [{broker_addr}] success.\n"
    )
    assert "in cluster [DefaultCluster] success." in admin(
        "deleteSubGroup", *CLUSTER, "-g", "i", "-r", "true", "--yes"
    )
    assert admin("getConsumerConfig", "-g", "h") == admin("getConsumerConfig", "-g", "i") == ""


def test_a_queue_is_shown_with_what_the_subscription_of_members_says_to_its_units(group, rmq):
    with (
        blocking.Producer("writers", namesrv_addr=rmq.namesrv_addr) as producer,
        sent_and_read(rmq, producer),
    ):
        lines = admin("queryCq", "-t", "T", "-q", "0", "-i", "0", "-g", group).splitlines()
    assert lines[0] == "Subscription data: "
    assert '\t"subString":"*",' in lines
    assert lines.index("Queue data: ") > 3


def test_units_of_a_queue_are_shown_with_what_a_subscription_says_to_them(group):
    words = ("queryCq", "-t", "T", "-q", "0", "-i", "3", "-c", "5")
    lines = admin(*words).splitlines()
    assert lines[:2] == ["Queue data: ", "max: 5, min: 0"]
    assert [line for line in lines if line.startswith("idx")] == ["idx: 3", "idx: 4"]
    assert "queueData" in json.loads(admin(*words, "-g", group, "--json"))
