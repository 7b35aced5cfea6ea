"""A broker's settings, its disk and its groups, asked and changed at a cluster in this process."""

from __future__ import annotations

import json

from rmqwire.codec.bodies import BrokerData, ClusterInfo
from rmqwire.codec.codes import RequestCode
from tests.admin.support import NAMESRV, Answers
from tests.cli.admin.conftest import admin, answered
from tests.support.mqadmin import replay

CLUSTER = ("-c", "DefaultCluster")
MASTER, SLAVE, ORPHAN = "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"


def two_brokers(*codes):
    """A master with its slave, and a slave without a master."""
    info = ClusterInfo(
        {
            "a": BrokerData("C", "a", {0: MASTER, 1: SLAVE}),
            "b": BrokerData("C", "b", {1: ORPHAN}),
        },
        {"C": ["a", "b"]},
    )
    bodies = {(NAMESRV, RequestCode.GET_BROKER_CLUSTER_INFO): info.encode()}
    return Answers(bodies | {(addr, code): b"k=v\n" for addr in (MASTER, SLAVE) for code in codes})


def test_a_setting_is_changed_and_shown(rmq, broker_addr):
    words = ("updateBrokerConfig", *CLUSTER, "-k", "flushIntervalCommitLog", "-v", "400")
    assert admin(*words, "--dry-run") == f"would set flushIntervalCommitLog=400 at {broker_addr}\n"
    assert admin(*words) == f"update broker config success, {broker_addr}\n"
    shown = json.loads(admin("getBrokerConfig", "-b", broker_addr, "--json"))
    assert shown["settings"]["flushIntervalCommitLog"] == "400"
    first, *lines = admin("getBrokerConfig", *CLUSTER).splitlines()
    assert first == f"============Master: {broker_addr}============"
    assert "flushIntervalCommitLog                            =  400" in lines


def test_a_cluster_s_settings_show_who_follows_whom(monkeypatch):
    remoting = two_brokers(RequestCode.GET_BROKER_CONFIG)
    remoting.bodies[ORPHAN, RequestCode.GET_BROKER_CONFIG] = b"k=orphan\n"
    answered(monkeypatch, remoting)
    lines = admin("getBrokerConfig", "-n", NAMESRV, "-c", "C").splitlines()
    setting = "k                                                 =  "
    assert lines == [
        f"============Master: {MASTER}============",
        f"{setting}v",
        "",
        f"============My Master: {MASTER}=====Slave: {SLAVE}============",
        f"{setting}v",
        "",
        f"============My Master: NO_MASTER=====Slave: {ORPHAN}============",
        f"{setting}orphan",
        "",
    ]


def test_the_other_brokers_are_changed_where_one_does_not_answer(monkeypatch):
    remoting = two_brokers(RequestCode.UPDATE_BROKER_CONFIG)
    answered(monkeypatch, remoting)
    words = ("updateBrokerConfig", "-n", NAMESRV, "-k", "k", "-v", "v")
    assert admin(*words, "-c", "C") == f"update broker config success, {MASTER}\n"
    said = admin(*words, "-c", "C", "-a", "true", code=1)
    assert f"update broker config success, {SLAVE}" in said
    assert f"warning: {ORPHAN}" in said
    assert ORPHAN in admin(*words, "-b", ORPHAN, code=1)


def test_stores_are_cleaned_when_it_is_wanted(rmq, broker_addr):
    assert admin("cleanExpiredCQ") == "success\n"
    assert (
        admin("cleanExpiredCQ", *CLUSTER, "--dry-run")
        == f"would clean the queues of {broker_addr}\n"
    )
    for verb in ("cleanUnusedTopic", "deleteExpiredCommitLog"):
        assert "Say --yes to do it" in admin(verb, "-b", broker_addr, code=2)
        assert admin(verb, "-b", broker_addr, "--yes") == "success\n"
        shown = json.loads(admin(verb, "--yes", "--json"))
        assert shown == {"brokerAddr": broker_addr}


def test_the_timer_engine_is_the_wheel(rmq, broker_addr):
    done = f"switchTimerEngine to FILE_TIME_WHEEL success, {broker_addr}\n"
    assert admin("switchTimerEngine", "-b", broker_addr, "-e", "F") == done
    refused = admin("switchTimerEngine", *CLUSTER, "-e", "R", code=1)
    assert "timerRocksDBEnable must be configured true when broker start" in refused
    assert admin("switchTimerEngine", *CLUSTER, "-e", "R", "--dry-run").startswith("would switch ")


def test_the_master_s_flushed_offset_is_set(rmq, broker_addr):
    words = ("resetMasterFlushOffset", "-b", broker_addr, "-o", "7")
    assert admin(*words, "--dry-run").startswith("would set the master's flushed offset")
    assert admin(*words) == "reset master flush offset to 7 success\n"


def test_groups_that_lack_less_than_the_level_are_left_out(monkeypatch):
    _, all_groups = replay(monkeypatch, "brokerConsumeStats")
    _, behind = replay(monkeypatch, "brokerConsumeStats", "-l", "1")
    assert len(behind) < len(all_groups)
    _, (first, *_) = replay(monkeypatch, "brokerConsumeStats", "--json")
    assert json.loads(first)["group"] == "goldxcg_live"
