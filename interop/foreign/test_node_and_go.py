"""Go's and Node's clients on rmqwire, and all of them on one topic."""

from __future__ import annotations

import pytest

from interop.checks import counted, late, same_messages
from interop.client_program import ClientProgram
from interop.commands import run_command
from interop.foreign.conftest import Site, Start
from interop.processes import wait_until
from interop.wire import route_known
from rmqwire.codec.message_const import retry_topic

pytestmark = pytest.mark.only("5.5.0")
COUNT = 40


@pytest.fixture(params=["go", "node"])
def client(request: pytest.FixtureRequest, start: Start) -> ClientProgram:
    return start(request.param)


@pytest.mark.parametrize("kind", ["small", "unicode", "large"])
def test_what_it_sends_it_gets_once(site: Site, client: ClientProgram, kind: str) -> None:
    topic = site.topic(client.name)
    with client.consume(site.namesrv, topic) as consumer:
        sent = client.produce(site.namesrv, topic, COUNT, kind=kind)
        received = consumer.drain(COUNT)
    counted(f"{client.name} {kind}", sent, received)


def test_tags_are_filtered(site: Site, client: ClientProgram) -> None:
    topic = site.topic(client.name)
    with client.consume(site.namesrv, topic, "TagA || TagC") as consumer:
        sent = client.produce(site.namesrv, topic, COUNT)
        wanted = [m for m in sent if m["tags"] != "TagB"]
        received = consumer.drain(len(wanted))
    same_messages(wanted, received)


def test_a_consumer_that_restarts_goes_on_where_it_was(site: Site, client: ClientProgram) -> None:
    topic = site.topic(client.name)
    with client.consume(site.namesrv, topic) as consumer:
        first = client.produce(site.namesrv, topic, COUNT, seed=1)
        counted(f"{client.name} before the restart", first, consumer.drain(COUNT))
    second = client.produce(site.namesrv, topic, COUNT, seed=2)
    with client.consume(site.namesrv, topic, group=consumer.group) as consumer:
        received = consumer.drain(COUNT)
    counted(f"{client.name} after the restart", second, received)


def test_a_failed_message_comes_again(site: Site, client: ClientProgram) -> None:
    """It goes back to the broker with delay level 3 (10 s).

    The group was there before: Go asks only each 30 s whether its retry topic has a route.
    """
    topic = site.topic(client.name)
    with client.consume(site.namesrv, topic) as consumer:
        group = consumer.group
    wait_until(lambda: route_known(site.namesrv, retry_topic(group)), "its retry topic")
    with client.consume(site.namesrv, topic, failures=1, group=group) as consumer:
        sent = client.produce(site.namesrv, topic, 5)
        first = consumer.take(5, 30)
        again = consumer.drain(5, 60)
    same_messages(sent, first)
    same_messages(sent, again)
    assert {m["reconsumeTimes"] for m in again} == {1}


@pytest.mark.parametrize("mode", ["oneway", "batch", "delay-1"])
def test_go_sends_in_every_way(site: Site, go: ClientProgram, mode: str) -> None:
    topic = site.topic("go")
    with go.consume(site.namesrv, topic) as consumer:
        sent = go.produce(site.namesrv, topic, COUNT, mode)
        received = consumer.drain(COUNT)
    same_messages(sent, received)


def test_an_orderly_listener_of_go_gets_each_queue_in_order(site: Site, go: ClientProgram) -> None:
    topic = site.topic("go_orderly")
    with go.consume(site.namesrv, topic, orderly=True) as consumer:
        sent = go.produce(site.namesrv, topic, COUNT)
        received = consumer.drain(COUNT)
    counted("go orderly listener", sent, received)
    assert late(received) == 0


def test_each_client_gets_what_all_have_sent(site: Site, start: Start) -> None:
    """Bodies, keys and tags from any to any, and to ours; each names a message in its own way."""
    topic = site.topic("babel")
    clients = [start(name) for name in ("go", "node")]
    sent = []
    for seed, client in enumerate(clients):
        for kind in ("unicode", "large"):
            some = client.produce(site.namesrv, topic, COUNT, kind=kind, seed=f"{seed}-{kind}")
            sent += [{field: m[field] for field in ("keys", "tags", "body")} for m in some]
    for client in clients:
        with client.consume(site.namesrv, topic) as consumer:
            counted(f"all to {client.name}", sent, consumer.drain(len(sent)))
    words = ["-n", site.namesrv, "-t", topic, "-g", f"ours_{topic}", "--first", "-f", "json"]
    got = run_command("consume", *words, "--count", str(len(sent)), "--timeout", "20")
    ours = [{"keys": m["key"], "tags": m["tag"], "body": m["body"].encode().hex()} for m in got]
    same_messages(sent, ours)
