"""What all verbs share: examples that can be typed, options, confirmation, dry runs, JSON."""

from __future__ import annotations

import json
import shlex

import click
import pytest

from rmqwire.cli.admin import NOT_HERE, VERBS, admin_group
from tests.cli.admin.conftest import admin

CONTEXT = click.Context(admin_group)
COMMANDS = {name: admin_group.get_command(CONTEXT, name) for name in VERBS}


@pytest.mark.parametrize("name", VERBS)
def test_the_example_of_a_verb_is_a_call_of_it(name):
    command = COMMANDS[name]
    assert command.name == name
    start, _, example = command.epilog.partition("Example: rmqwire admin ")
    assert not start
    verb, *words = shlex.split(example)
    assert verb == name
    command.make_context(name, words)  # raises UsageError for what it doesn't have


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_says_what_it_does_and_each_option_what_it_is(name):
    assert COMMANDS[name].help
    options = [one for one in COMMANDS[name].params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []
    assert "--json" in [word for one in options for word in one.opts]


def test_a_verb_that_needs_a_name_server_says_so(monkeypatch):
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    assert "No name server address" in admin("topicList", code=2)
    assert "is no host:port" in admin("topicList", "-n", "nonsense", code=2)


def test_the_second_name_server_answers_where_the_first_does_not(rmq):
    rmq.create_topic("T")
    assert "T" in admin("topicList", "-n", f"127.0.0.1:1;{rmq.namesrv_addr}").splitlines()
    assert "127.0.0.1:1" in admin("topicList", "-n", "127.0.0.1:1", code=1)


def test_what_loses_data_is_done_when_it_is_confirmed(rmq, monkeypatch):
    rmq.create_topic("T", 1)
    words = ("deleteTopic", "-c", "DefaultCluster", "-t", "T")
    assert admin(*words, "--dry-run").startswith("would delete topic T from ")
    assert "Say --yes to do it" in admin(*words, code=2)
    monkeypatch.setattr("rmqwire.cli.admin.verb.is_asked", lambda: True)
    assert "Go on? [y/N]: n" in admin(*words, code=1, answer="n\n")
    assert "T" in admin("topicList").splitlines()
    assert "NameServer success" in admin(*words, answer="y\n")
    assert "T" not in admin("topicList").splitlines()


def test_json_is_one_object_per_result(rmq):
    rmq.create_topic("T", 2)
    (status,) = map(json.loads, admin("topicStatus", "-t", "T", "--json").splitlines())
    assert [queue for queue, _ in status["queues"]] == [
        {"topic": "T", "brokerName": "broker-a", "queueId": number} for number in (0, 1)
    ]


def test_clusters_that_are_not_there_are_refused(rmq):
    assert "knows no such broker of a cluster Nowhere" in admin(
        "brokerStatus", "-c", "Nowhere", code=1
    )
    assert "Which one? -b ADDR or -c CLUSTER" in admin("brokerStatus", code=2)


def test_a_cluster_needs_a_name_server(monkeypatch):
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    assert "-c needs a name server" in admin("brokerStatus", "-c", "x", code=2)


@pytest.mark.parametrize("name", NOT_HERE)
def test_a_verb_of_mqadmin_that_is_not_here_is_refused_with_a_reason(name):
    assert name not in VERBS
    assert f"{name} is not there: {NOT_HERE[name]}" in admin(name, "-n", "127.0.0.1:1", code=2)


def test_a_verb_s_name_is_read_in_any_case_and_by_its_other_name():
    for name, verb in (
        ("TOPICLIST", "topicList"),
        ("querymsgTRACEbyid", "queryMsgTraceById"),
        ("deleteAccessConfig", "deleteAclConfig"),
        ("getaccessconfigsubcommand", "getAclConfig"),
    ):
        found, command, rest = admin_group.resolve_command(CONTEXT, [name, "-h"])
        assert (found, command.name, rest) == (verb, verb, ["-h"])
    assert "dumpCompactionLog is not there" in admin("DUMPCOMPACTIONLOG", code=2)
    assert "No such command 'nonsense'" in admin("nonsense", code=2)
