"""The verbs about lite topics, given the answers that Java gave, print what mqadmin printed."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from rmqwire.codec.command import decode_command
from tests.cli.admin.conftest import admin
from tests.support import mqadmin
from tests.support.golden import GOLDEN, frames

FOLDER = GOLDEN / "5.5.0" / "JSON-lite"
CALLS = json.loads((FOLDER / "mqadmin.json").read_text())


def recorded(command):
    """Return a call as ``tests.support.mqadmin`` has them, with every answer of the recording."""
    entries = list(frames(FOLDER / "lite_lite_admin.jsonl.gz"))
    asked = {
        entry["seq"]: (
            mqadmin.ADDRS["namesrv" if entry["conn"].startswith("ns") else "broker"],
            decode_command(frame),
        )
        for entry, frame in entries
        if entry["kind"] == "request"
    }
    found = [
        (*asked[entry["reply_to"]], decode_command(frame))
        for entry, frame in entries
        if entry["kind"] == "response"
    ]
    words = [*shlex.split(command["cmd"]), "-n", mqadmin.ADDRS["namesrv"]]
    return mqadmin.Recorded(command["cmd"], "5.5.0", words, command["out"].splitlines(), found)


@pytest.mark.parametrize("command", CALLS, ids=lambda one: one["cmd"])
def test_a_verb_prints_what_mqadmin_printed(monkeypatch, command):
    monkeypatch.setattr(mqadmin, "recorded", lambda _name, _release: recorded(command))
    java, ours = ([*map(shown, lines)] for lines in mqadmin.replay(monkeypatch, command["cmd"]))
    assert ours == java + [""] * (len(ours) - len(java))  # the recorder has cut the last lines


def shown(line):
    """Return a line without what depends on the moment of the call."""
    if line.startswith("["):  # a set, in the order of Java's
        return sorted(line.strip("[]").split(", "))
    line = re.sub(r"Timestamp: \d+ \(\d+ s", "Timestamp: T (N s", line)
    return line.rstrip()


def test_a_broker_that_refuses_is_named_and_the_others_go_on(rmq):
    rmq.create_topic("plain")
    for words in (
        ("getParentTopicInfo", "-p", "plain"),
        ("getLiteTopicInfo", "-p", "plain", "-l", "a"),
        ("getLiteClientInfo", "-p", "plain", "-g", "g", "-c", "c"),
        ("getLiteGroupInfo", "-p", "plain", "-g", "g"),
        ("triggerLiteDispatch", "-p", "plain", "-g", "g"),
    ):
        admin(*words, code=1)
    assert json.loads(admin("getBrokerLiteInfo", "-c", "DefaultCluster", "--json"))["info"]
