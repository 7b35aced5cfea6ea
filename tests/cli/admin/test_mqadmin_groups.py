"""Groups, clients and offsets: each verb prints what mqadmin printed of the same answers."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from rmqwire.admin.connection import Member
from rmqwire.cli import main
from rmqwire.codec.bodies import Connection, ConsumerRunningInfo, SubscriptionData
from tests.support.mqadmin import recorded, replay

SAME = (
    ("consumerProgress", "5.5.0"),
    ("consumerProgress_all", "5.5.0"),
    ("consumerProgress_all", "4.9.7"),
    ("queryCq", "5.5.0"),
    ("queryCq", "4.9.7"),
    ("producerConnection", "5.5.0"),
    ("producerConnection", "4.9.7"),
    ("consumerConnection", "5.5.0"),
    ("consumerConnection", "4.9.7"),
)


@pytest.mark.parametrize(("name", "release"), SAME)
def test_a_verb_prints_what_mqadmin_prints(name, release, monkeypatch):
    printed, ours = replay(monkeypatch, name, release=release)
    assert ours == printed


@pytest.mark.parametrize("name", ["resetOffsetByTime", "resetOffsetByTime_offline"])
def test_offsets_are_moved_as_mqadmin_moves_them(name, monkeypatch):
    printed, ours = replay(monkeypatch, name, "--yes")
    assert ours == printed


@pytest.mark.parametrize("name", ["updateSubGroup", "updateSubGroup_c"])
def test_a_group_is_set_as_mqadmin_sets_it(name, monkeypatch):
    printed, ours = replay(monkeypatch, name)
    assert ours[0] == printed[0]
    assert ours[1].startswith(printed[1])  # the recording ends after 256 characters
    assert ours[1].endswith("subscriptionDataSet=null, attributes={}}")


def test_the_mode_is_set_as_mqadmin_sets_it(monkeypatch):
    printed, ours = replay(monkeypatch, "c_pop_set_mode")
    assert ours[0] == printed[0]
    assert ours[1] == "topic[goldpop] group[goldcg_pop] consume mode[POP] popShareQueueNum[0]"


def test_the_members_of_a_group_are_judged_as_mqadmin_does(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    printed, ours = replay(monkeypatch, "consumerStatus")

    def timeless(lines):
        return [re.sub(r"\d{13}/", "TIME/", line) for line in lines]

    assert timeless(ours) == timeless(printed)
    (file,) = tmp_path.glob("*/127.0.0.1@live")
    _, shown = replay(monkeypatch, "consumerStatus_client")
    assert sorted(file.read_text("utf-8").splitlines()) == sorted(shown)


def test_a_consumer_s_inside_has_mqadmin_s_parts(monkeypatch):
    printed = recorded("consumerStatus_client", "4.9.7").printed
    _, ours = replay(monkeypatch, "consumerStatus_client", release="4.9.7")

    def parts(lines):
        text = "\n".join(lines)
        return {
            title: body.strip("\n").split("\n")
            for title, body in re.findall(
                r"^(#Consumer .*?#)\n(.*?)(?=\n\n\n#|\Z)", text, re.MULTILINE | re.DOTALL
            )
            if title != "#Consumer Pop Detail#"
        }

    java, found = parts(printed), parts(ours)
    assert sorted(found.pop("#Consumer Properties#")) == sorted(java.pop("#Consumer Properties#"))
    details = "#Consumer MQ Detail#"  # the recording ends after 256 characters of a line
    for line, whole in zip(java.pop(details), found.pop(details), strict=True):
        assert whole.startswith(line)
    assert {title.strip() for title in java} == set(found)
    assert java == {title: body for title, body in found.items() if title in java}


def test_the_stacks_of_a_consumer_are_shown(monkeypatch):
    _, ours = replay(monkeypatch, "consumerStatus_jstack")
    assert "#Consumer jstack#" in ours
    assert any("PullMessageService" in line for line in ours)


def test_members_that_differ_and_members_that_do_not_answer_are_told(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    async def status(_, __, ___, *, jstack):
        started = {"PROP_CONSUMER_START_TIMESTAMP": "0", "PROP_CONSUME_TYPE": "CONSUME_PASSIVELY"}
        infos = [
            ConsumerRunningInfo(started, [SubscriptionData(topic=topic)]) for topic in ("T", "U")
        ]
        found = [Member(Connection(f"../{n}"), info) for n, info in enumerate(infos)]
        return [*found, Member(Connection("c"), None, "no answer")]

    monkeypatch.setattr("rmqwire.admin.admin.Admin.consumer_status", status)
    result = CliRunner().invoke(main, ["admin", "consumerStatus", "-n", "127.0.0.1:1", "-g", "g"])
    assert result.exit_code == 1
    assert "WARN: Different subscription in the same group of consumer!!!" in result.stdout
    assert "warning: c: no answer" in result.stderr
    assert sorted(path.name for path in tmp_path.glob("*/*")) == [".._0", ".._1"]
