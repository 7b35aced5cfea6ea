"""Sending stdin and printing a topic, against a cluster in this process."""

import io
import json
import os
import sys

import pytest
import trio

from rmqwire.broker_errors import BrokerSystemError, SubscriptionParseFailed
from rmqwire.cli import consume, produce
from rmqwire.cli.runner import Outcome
from rmqwire.codec.bodies import SubscriptionGroupConfig
from rmqwire.codec.command import RemotingCommand
from rmqwire.remoting.client import RemotingClient, expect
from tests.support.requests import create_topic


def sending(cluster, **changes):
    settings = {
        "namesrv_addr": cluster.namesrv_addr, "topic": "CliTest", "group": "p", "key": None,
        "tag": None, "properties": {}, "body": None, "count": None, "json": False,
    }  # fmt: skip
    return produce.Job(**{**settings, **changes})


def consuming(cluster, **changes):
    settings = {
        "namesrv_addr": cluster.namesrv_addr, "topic": "CliTest", "group": "c", "expression": "*",
        "sql": None, "first": True, "count": None, "timeout": None, "format": "{body}",
    }  # fmt: skip
    return consume.Job(**{**settings, **changes})


async def run(job_function, job):
    outcome = Outcome()
    await job_function(job, outcome)
    return outcome.code


async def test_lines_go_in_and_come_out(cluster, monkeypatch, capfdbinary):
    stdin = io.TextIOWrapper(io.BytesIO("eins\nzwei größer\n\nvier".encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    code = await run(produce.send_all, sending(cluster, key="k", tag="t", properties={"a": "b"}))
    out, err = capfdbinary.readouterr()
    assert code == produce.SOME_FAILED
    assert b"message 3: the message body length is zero" in err
    assert [line.split()[0] for line in out.splitlines()] == [b"SEND_OK"] * 3
    assert await run(consume.print_messages, consuming(cluster, count=3)) == 0
    out, _ = capfdbinary.readouterr()
    assert sorted(out.splitlines()) == sorted([b"eins", "zwei größer".encode(), b"vier"])
    code = await run(
        consume.print_messages,
        consuming(cluster, group="other", count=1, format="{key}|{tag}|{properties}|{topic}"),
    )
    out, _ = capfdbinary.readouterr()
    key, tag, properties, topic = out.decode().strip().split("|")
    assert (code, key, tag, topic) == (0, "k", "t", "CliTest")
    assert json.loads(properties)["a"] == "b"


async def test_a_body_goes_through_as_the_bytes_it_was_given_as(cluster, capfdbinary):
    argument = os.fsdecode("größer".encode("latin-1") + b"\xff\0\x01")
    assert await run(produce.send_all, sending(cluster, body=argument)) == 0
    capfdbinary.readouterr()
    assert await run(consume.print_messages, consuming(cluster, count=1)) == 0
    assert capfdbinary.readouterr().out == "größer".encode("latin-1") + b"\xff\0\x01\n"


async def test_one_body_many_times_as_json(cluster, capfdbinary):
    assert await run(produce.send_all, sending(cluster, body="x", count=3, json=True)) == 0
    out, _ = capfdbinary.readouterr()
    results = [json.loads(line) for line in out.splitlines()]
    assert {result["sendStatus"] for result in results} == {"SEND_OK"}
    assert len({result["msgId"] for result in results}) == 3
    code = await run(consume.print_messages, consuming(cluster, count=5, timeout=1, format="json"))
    out, _ = capfdbinary.readouterr()
    assert code == consume.TOO_FEW
    assert {json.loads(line)["id"] for line in out.splitlines()} == {r["msgId"] for r in results}


async def test_no_more_than_count_is_acknowledged(cluster, capfdbinary):
    await run(produce.send_all, sending(cluster, body="x", count=4))
    seen = []
    for _ in range(2):
        await run(consume.print_messages, consuming(cluster, count=2, format="{id}"))
        seen += capfdbinary.readouterr().out.split()[-2:]
    assert len(set(seen)) == 4


async def admin(addr, request):
    async with RemotingClient() as client:
        expect(await client.invoke(addr, request), addr)


async def test_a_topic_that_nobody_has_ends_with_its_reason_and_code_1(cluster, capfd):
    """Also in a group that exists: it has a queue, that of its retries."""
    await run(produce.send_all, sending(cluster, body="x"))
    await run(consume.print_messages, consuming(cluster, count=1))
    capfd.readouterr()
    assert await run(consume.print_messages, consuming(cluster, topic="Nowhere", timeout=0.5)) == 1
    assert capfd.readouterr().err == (
        "warning: nothing can be consumed: "
        "topic Nowhere has no route: no name server knows topic Nowhere\n"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"perm": 2}, "broker broker-a has perm 2 and 1 read queues"),
        ({"queues": 0}, "broker broker-a has perm 6 and 0 read queues"),
    ],
)
async def test_a_topic_that_cannot_be_read_ends_with_its_reason_and_code_1(
    cluster, capfd, change, words
):
    await admin(cluster.loaded.broker.broker_addr, create_topic("Unreadable", **change))
    job = consuming(cluster, topic="Unreadable", count=1, timeout=0.5)
    assert await run(consume.print_messages, job) == 1
    assert words in capfd.readouterr().err


async def test_refused_pulls_are_told_while_waiting_and_after_a_signal(cluster, capfd, monkeypatch):
    monkeypatch.setattr(consume, "LOOK_S", 0.05)
    monkeypatch.setattr(consume, "PATIENCE_S", 0.1)
    broker = cluster.loaded.broker.broker_addr
    group = SubscriptionGroupConfig(group_name="c", consume_enable=False)
    await admin(broker, RemotingCommand.request(200, body=group.encode()))
    await admin(broker, create_topic("Refused"))
    outcome = Outcome()
    with trio.move_on_after(1):  # a signal cancels it
        await consume.print_messages(consuming(cluster, topic="Refused"), outcome)
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert outcome.code == 1
    assert len(told) == 1
    assert "every pull of topic Refused fails: CODE: 16" in told[0]


async def test_an_empty_topic_is_no_reason(cluster, capfd):
    await admin(cluster.loaded.broker.broker_addr, create_topic("Empty"))
    assert await run(consume.print_messages, consuming(cluster, topic="Empty", timeout=0.5)) == 0
    assert capfd.readouterr() == ("", "")


async def test_a_condition_chooses_what_is_printed(cluster, capfdbinary):
    cluster.loaded.broker.enable_property_filter = True
    for n in "123":
        assert await run(produce.send_all, sending(cluster, body=n, properties={"n": n})) == 0
    capfdbinary.readouterr()
    assert await run(consume.print_messages, consuming(cluster, sql="n >= 2", count=2)) == 0
    assert sorted(capfdbinary.readouterr().out.splitlines()) == [b"2", b"3"]


async def test_a_condition_that_no_broker_takes_is_said_at_once(cluster, capfdbinary):
    assert await run(produce.send_all, sending(cluster, body="1")) == 0
    with pytest.raises(BrokerSystemError, match="does not support consumer to filter"):
        await run(consume.print_messages, consuming(cluster, sql="n >= 2"))
    cluster.loaded.broker.enable_property_filter = True
    with pytest.raises(SubscriptionParseFailed, match='Encountered "<EOF>" at line 1, column 4'):
        await run(consume.print_messages, consuming(cluster, sql="n >="))
