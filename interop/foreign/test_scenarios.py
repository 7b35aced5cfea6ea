"""What every foreign client must show on rmqwire: it gets what it sends, by tag, again, later on."""

from __future__ import annotations

import pytest

from interop.checks import counted, late, same_messages
from interop.client_program import ClientProgram
from interop.commands import run_command
from interop.foreign.conftest import Site, Start
from interop.processes import wait_until
from interop.wire import route_known
from rmqwire.codec.message_const import retry_topic

COUNT = 40
# One release of rmqwire is enough for most of them: its answers to them don't differ.
RELEASES = {
    "cpp": ("4.9.7", "5.5.0"),
    "go": ("5.5.0",),
    "node": ("5.5.0",),
    "java-4.8.0": ("4.9.7",),
}
WAYS = {
    "cpp": ["sync small", "sync unicode", "sync large", "oneway small", "orderly small",
            "oneway-orderly small", "delay-1 small"],
    "go": ["sync small", "sync large", "oneway small", "batch unicode", "delay-1 small"],
    "node": ["sync small", "sync unicode", "sync large", "delay-1 small"],
    "java-4.8.0": ["sync small", "sync large", "oneway small", "batch unicode", "delay-1 small"],
}  # fmt: skip


def case(client: str, *more: str) -> object:
    """A case of a test with a client, for the releases that it is run with."""
    return pytest.param(
        client, *more, marks=pytest.mark.only(*RELEASES[client]), id="-".join((client, *more))
    )


CLIENTS = [case(client) for client in RELEASES]


@pytest.mark.parametrize(
    ("client", "way"),
    [case(client, way) for client, ways in WAYS.items() for way in ways],
    indirect=["client"],
)
def test_what_it_sends_it_gets_once(site: Site, client: ClientProgram, way: str) -> None:
    mode, kind = way.split()
    topic = site.topic(client.name)
    with client.consume(site.namesrv, topic) as consumer:
        sent = client.produce(site.namesrv, topic, COUNT, mode, kind)
        received = consumer.drain(COUNT)
    if mode.startswith("delay-"):
        same_messages(sent, received)
        assert all(m["stored"] - m["born"] >= 900 for m in received)
    else:
        site.check(f"{client.name} {kind}", mode, sent, received)


@pytest.mark.parametrize("client", CLIENTS, indirect=True)
def test_tags_are_filtered(site: Site, client: ClientProgram) -> None:
    topic = site.topic(client.name)
    with client.consume(site.namesrv, topic, "TagA || TagC") as consumer:
        sent = client.produce(site.namesrv, topic, COUNT)
        wanted = [m for m in sent if m["tags"] != "TagB"]
        received = consumer.drain(len(wanted))
    same_messages(wanted, received)


@pytest.mark.parametrize("client", CLIENTS, indirect=True)
def test_a_failed_message_comes_again(site: Site, client: ClientProgram) -> None:
    """It goes back to the broker with delay level 3 (10 s) and comes again with its own topic.

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
    assert {(m["reconsumeTimes"], m["topic"]) for m in again} == {(1, topic)}


@pytest.mark.parametrize("client", CLIENTS, indirect=True)
def test_a_consumer_that_restarts_goes_on_where_it_was(site: Site, client: ClientProgram) -> None:
    topic = site.topic(client.name)
    with client.consume(site.namesrv, topic) as consumer:
        first = client.produce(site.namesrv, topic, COUNT, seed=1)
        counted(f"{client.name} before the restart", first, consumer.drain(COUNT))
    second = client.produce(site.namesrv, topic, COUNT, seed=2)
    with client.consume(site.namesrv, topic, group=consumer.group) as consumer:
        received = consumer.drain(COUNT)
    counted(f"{client.name} after the restart", second, received)


@pytest.mark.parametrize("client", [case("cpp"), case("go")], indirect=True)
def test_two_consumers_share_a_group(site: Site, client: ClientProgram) -> None:
    """Rounds are sent until both have divided the queues; each message comes once from then on."""
    topic = site.topic(client.name)
    with (
        client.consume(site.namesrv, topic) as one,
        client.consume(site.namesrv, topic, group=one.group) as other,
    ):
        for seed in range(40):
            client.produce(site.namesrv, topic, COUNT, seed=seed)
            of_one, of_other = one.take(1 << 20, 0.5), other.take(1 << 20, 0.5)
            if of_one and of_other and len(of_one) + len(of_other) == COUNT:
                break
        assert of_one
        assert of_other
        sent = client.produce(site.namesrv, topic, COUNT, seed=100)
        received = one.take(COUNT, 1) + other.take(COUNT, 1)
    counted(f"{client.name} two consumers", sent, received)
    assert len({m["queueId"] for m in received}) == 4


@pytest.mark.parametrize("client", [case("cpp"), case("go")], indirect=True)
def test_an_orderly_listener_gets_each_queue_in_order(site: Site, client: ClientProgram) -> None:
    topic = site.topic(client.name)
    with client.consume(site.namesrv, topic, orderly=True) as consumer:
        sent = client.produce(site.namesrv, topic, COUNT)
        received = consumer.drain(COUNT)
    counted(f"{client.name} orderly listener", sent, received)
    assert late(received) == 0
    assert {m["queueId"] for m in received} == {0, 1, 2, 3}


@pytest.mark.only("5.5.0")
def test_each_client_gets_what_all_have_sent(site: Site, start: Start) -> None:
    """Bodies, keys and tags from any to any, and to ours; each names a message in its own way."""
    topic = site.topic("babel")
    clients = [start(name) for name in ("cpp", "go", "node")]
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
