"""Messages sent to see how long it takes, to a cluster in this process."""

from __future__ import annotations

import json
import re

from tests.cli.admin.conftest import admin


def test_sends_to_a_broker_s_own_topic_are_timed(rmq):
    before = len(rmq.messages("broker-a"))
    lines = admin("sendMsgStatus", "-b", "broker-a", "-s", "23", "-c", "2").splitlines()
    assert len(lines) == 2
    for line in lines:
        assert re.fullmatch(
            r"rt=\d+ms, SendResult=SendResult \[sendStatus=SEND_OK, msgId=[0-9A-F]{32}, offsetMsgId="
            r"[0-9A-F]{32}, messageQueue=MessageQueue \[topic=broker-a, brokerName=broker-a, queueId=0\],"
            r" queueOffset=\d+, recallHandle=null\]",
            line,
        )
    assert [len(one.body) for one in rmq.messages("broker-a")[before:]] == [22, 33, 33]
    shown = json.loads(admin("sendMsgStatus", "-b", "broker-a", "-c", "1", "--json"))
    assert shown["result"]["sendStatus"] == "SEND_OK"


def test_round_trips_of_a_cluster(rmq):
    words = ("clusterRT", "-a", "3", "-s", "7")
    heading, line, again = admin(*words, "--rounds", "2", "-i", "0").splitlines()
    assert heading.split() == [
        "#Cluster",
        "Name",
        "#Broker",
        "Name",
        "#RT",
        "#successCount",
        "#failCount",
    ]
    assert line.split()[:2] == again.split()[:2] == ["DefaultCluster", "broker-a"]
    assert line.split()[3:] == ["3", "0"]
    assert rmq.messages("broker-a")[-1].body == b"a" * 7
    shown = json.loads(admin(*words, "--rounds", "1", "--json", "-c", "DefaultCluster"))
    assert (shown["successCount"], shown["failCount"]) == (3, 0)


def test_round_trips_as_log_lines(rmq):
    line = admin("clusterRT", "-a", "1", "-p", "true", "-m", "here", "--rounds", "1").strip()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\|here\|DefaultCluster\|broker-a\|\d+", line
    )


def test_sends_that_fail_are_counted(rmq):
    rmq.fail_next("SEND_MESSAGE_V2", "NO_PERMISSION", times=3)
    shown = json.loads(admin("clusterRT", "-a", "2", "--rounds", "1", "--json"))
    assert (shown["successCount"], shown["failCount"]) == (1, 1)


def test_a_cluster_that_is_not_there(rmq):
    assert "cluster [Nowhere] not exist" in admin("clusterRT", "-c", "Nowhere", code=1)
