"""Each verb, given the answers that Java gave, asks what mqadmin asked and prints what it printed."""

from __future__ import annotations

import re

import pytest

from tests.support.mqadmin import replay

# Recordings of 5.5.0, with the words that Java needs not.
SAME = {
    "topicList": (),
    "clusterList_m": (),
    "topicList_c": (),
    "topicRoute": (),
    "topicClusterList": (),
    "allocateMQ": (),
    "updateTopic_b": (),
    "updateTopic_c": (),
    "updateTopicPerm": (),
    "deleteTopic": ("--yes",),
    "updateBrokerConfig": (),
    "updateBrokerConfig_c": (),
    "brokerConsumeStats": (),
    "statsAll": (),
    "updateNamesrvConfig": (),
    "updateKvConfig": (),
    "deleteKvConfig": ("--yes",),
    "wipeWritePerm": (),
    "addWritePerm": (),
}


@pytest.mark.parametrize("name", SAME)
def test_a_verb_prints_what_mqadmin_prints(name, monkeypatch):
    printed, ours = replay(monkeypatch, name, *SAME[name])
    assert ours == printed


def test_cluster_list_prints_what_mqadmin_prints_but_for_the_hours_of_today(monkeypatch):
    def without_hours(lines):
        return [re.sub(r"  \d+\.\d\d +(?=0\.\d{4} )", "  HOURS ", line) for line in lines]

    printed, ours = replay(monkeypatch, "clusterList")
    assert without_hours(ours) == without_hours(printed)
    assert "HOURS" in without_hours(ours)[1]


def test_topic_status_prints_what_mqadmin_prints_but_for_the_rate_that_it_forgets(monkeypatch):
    """DefaultMQAdminExtImpl merges the brokers' queues, not their rates: it prints 0.0 always."""
    printed, ours = replay(monkeypatch, "topicStatus")
    assert ours[:-1] == printed[:-1]
    assert (printed[-1], ours[-1]) == ("Topic Put TPS: 0.0", "Topic Put TPS: 0.016669167041722926")


def test_broker_status_prints_what_mqadmin_prints(monkeypatch):
    printed, ours = replay(monkeypatch, "brokerStatus")
    assert ours[: len(printed)] == printed  # the recording has 59 lines of an output
    assert len(printed) > 50


@pytest.mark.parametrize("name", ["getNamesrvConfig", "getBrokerConfig"])
def test_settings_are_those_that_mqadmin_prints_but_sorted(name, monkeypatch):
    printed, ours = replay(monkeypatch, name)
    assert ours[0] == printed[0]
    settings = [line for line in ours[1:] if line]
    assert settings == sorted(settings)
    assert set(printed) <= set(ours)  # of a broker the recording has 59 lines
