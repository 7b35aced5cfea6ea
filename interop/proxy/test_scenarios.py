"""What each gRPC client must show through Apache's proxy, with rmqwire below it as with Java."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from interop.processes import free_port, wait_until
from interop.proxy.conftest import Site, make_orderly_group
from interop.proxy.programs import GrpcClient, Message
from interop.proxy.server import start_proxy
from interop.wire import ask
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand

pytestmark = [pytest.mark.only("5.5.0"), pytest.mark.optin]

COUNT = 20


def messages(topic: str, count: int = COUNT, **more: object) -> list[Message]:
    return [
        {
            "topic": topic,
            "body": f"héllo 消息 🚀 {number}",
            "tag": f"Tag{'ABC'[number % 3]}",
            "key": f"key-{number}",
            "properties": {"number": str(number), "city": "東京"},
            **more,
        }
        for number in range(count)
    ]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def same(sent: list[Message], got: list[Message]) -> None:
    """Each message came once, with all that was sent of it; clients may add properties of theirs."""
    ordered = sorted(got, key=lambda one: str(one["body"]))
    expected = sorted(sent, key=lambda one: str(one["body"]))
    fields = ("body", "tag", "key", "topic")
    assert [[one[field] for field in fields] for one in ordered] == [
        [one[field] for field in fields] for one in expected
    ]
    for came, was in zip(ordered, expected, strict=True):
        assert came["properties"].items() >= was["properties"].items()


def test_a_simple_consumer_gets_once_what_was_sent(site: Site, client: GrpcClient) -> None:
    topic = site.topic(client.name)
    with client.simple(site.proxy, topic) as consumer:
        sent = messages(topic)
        ids = {said["messageId"] for said in client.send(site.proxy, sent)}
        got = consumer.receive_all(COUNT)
        assert consumer.receive(32) == []
    same(sent, got)
    assert {one["messageId"] for one in got} == ids


def test_what_was_not_acknowledged_comes_again(site: Site, client: GrpcClient) -> None:
    topic = site.topic(client.name, queues=1)
    with client.simple(site.proxy, topic) as consumer:
        client.send(site.proxy, messages(topic, 4))
        first: list[Message] = []
        while len(first) < 4:
            first += consumer.receive(32, invisible_s=10)
        for message in first[:2]:
            consumer.ack(message)
        again = consumer.receive_all(2)
    assert {one["messageId"] for one in again} == {one["messageId"] for one in first[2:]}
    assert {one["attempt"] for one in again} == {2}
    assert min(one["cameAt"] for one in again) - max(one["cameAt"] for one in first) >= 8_000


def test_the_invisible_time_is_changed(site: Site, client: GrpcClient) -> None:
    topic = site.topic(client.name, queues=1)
    with client.simple(site.proxy, topic) as consumer:
        client.send(site.proxy, messages(topic, 1))
        [first] = consumer.receive(1, invisible_s=60)
        began = now_ms()
        consumer.change(first, 2)
        [again] = consumer.receive_all(1)
    assert again["messageId"] == first["messageId"]
    assert again["attempt"] == 2
    assert 2_000 <= again["cameAt"] - began + 100 < 30_000


def test_tags_are_filtered(site: Site, client: GrpcClient) -> None:
    topic = site.topic(client.name)
    with client.simple(site.proxy, topic, expression="TagA || TagC") as consumer:
        sent = messages(topic)
        client.send(site.proxy, sent)
        wanted = [one for one in sent if one["tag"] != "TagB"]
        got = consumer.receive_all(len(wanted), more=True)
    same(wanted, got)


def test_sql_conditions_are_filtered(site: Site, client: GrpcClient) -> None:
    topic = site.topic(client.name)
    expression = "number BETWEEN 5 AND 12 AND TAGS <> 'TagB'"
    with client.simple(site.proxy, topic, expression=expression, filter_type="SQL92") as consumer:
        sent = messages(topic)
        client.send(site.proxy, sent)
        wanted = [one for one in sent[5:13] if one["tag"] != "TagB"]
        got = consumer.receive_all(len(wanted), more=True)
    same(wanted, got)


def test_a_push_consumer_gets_each_again_that_failed(site: Site, client: GrpcClient) -> None:
    topic = site.topic(client.name)
    with client.push(site.proxy, topic, failures=1) as consumer:
        sent = messages(topic)
        client.send(site.proxy, sent)
        got = consumer.poll(2 * COUNT, 60) + consumer.poll(1, 1)
    assert Counter(one["attempt"] for one in got) == {1: COUNT, 2: COUNT}
    for attempt in (1, 2):
        same(sent, [one for one in got if one["attempt"] == attempt])


@pytest.mark.parametrize("failures", [0, 1])
def test_fifo_messages_come_in_the_order_of_their_group(
    site: Site, client: GrpcClient, orderly_group: str, failures: int
) -> None:
    topic = site.topic(client.name, "FIFO")
    sent = [one | {"group": f"order-{number % 3}"} for number, one in enumerate(messages(topic, 9))]
    with client.push(site.proxy, topic, failures=failures, group=orderly_group) as consumer:
        client.send(site.proxy, sent)
        got = consumer.poll(9 * (1 + failures), 90) + consumer.poll(1, 1)
    orders = defaultdict(list)
    for one in got:
        orders[one["group"]].append(one["body"])
    assert orders == {
        f"order-{group}": [one["body"] for one in sent[group::3] for _ in range(1 + failures)]
        for group in range(3)
    }


@pytest.mark.parametrize("failures", [0, 1])
def test_messages_of_lite_topics_come_to_who_subscribes_them(
    site: Site, client: GrpcClient, failures: int
) -> None:
    topic = site.topic(client.name, "LITE")
    group = make_orderly_group(site, {"+lite.bind.topic": topic})
    sent = [
        one | {"lite": f"customer-{number % 3}"} for number, one in enumerate(messages(topic, 9))
    ]
    wanted = ["customer-0", "customer-2"]
    with client.push_lite(site.proxy, topic, group, wanted, failures) as consumer:
        client.send(site.proxy, sent)
        got = consumer.poll(6 * (1 + failures), 90) + consumer.poll(1, 1)
    orders = defaultdict(list)
    for one in got:
        orders[one["lite"]].append(one["body"])
    assert orders == {
        name: [one["body"] for one in sent if one["lite"] == name for _ in range(1 + failures)]
        for name in wanted
    }


def test_a_delayed_message_comes_at_its_time(site: Site, client: GrpcClient) -> None:
    topic = site.topic(client.name, "DELAY")
    with client.push(site.proxy, topic) as consumer:
        due = (now_ms() // 1000 + 5) * 1000
        sent = messages(topic, 3, deliverAt=due)
        client.send(site.proxy, sent)
        got = consumer.poll(3)
    same(sent, got)
    late = [one["cameAt"] - due for one in got]
    print(f"{site.kind} {client.name}: {late} ms late")
    assert all(-10 <= one < 10_000 for one in late)


def test_a_recalled_message_never_comes(site: Site, client: GrpcClient) -> None:
    topic = site.topic(client.name, "DELAY")
    with client.push(site.proxy, topic) as consumer:
        due = (now_ms() // 1000 + 20) * 1000
        sent = messages(topic, 2, deliverAt=due)
        kept, taken = client.send(site.proxy, sent)
        assert client.recall(site.proxy, topic, taken["recallHandle"]) == taken["messageId"]
        got = consumer.poll(1) + consumer.poll(1, 3)
    assert [one["messageId"] for one in got] == [kept["messageId"]]


def test_transactions_end_as_their_producer_says(site: Site, client: GrpcClient) -> None:
    """Two are ended by it, two are asked about: it answers what the message's verdict is."""
    topic = site.topic(client.name, "TRANSACTION")
    ends = [
        ("commit", "ROLLBACK"),
        ("rollback", "COMMIT"),
        ("none", "COMMIT"),
        ("none", "ROLLBACK"),
    ]
    sent = [
        one | {"end": end, "properties": {"verdict": verdict}}
        for one, (end, verdict) in zip(messages(topic, 4), ends, strict=True)
    ]
    with client.push(site.proxy, topic) as consumer:
        client.send(site.proxy, sent)
        got = consumer.poll(2, 60) + consumer.poll(1, 5)
    same([sent[0], sent[2]], got)


@pytest.mark.parametrize("client", ["node"], indirect=True)
def test_two_proxies_tell_each_other_of_their_clients(
    site: Site, client: GrpcClient, tmp_path: Path
) -> None:
    """By messages of a topic that the first of them makes, which each of them reads whole."""
    topic, port = site.topic("two"), free_port()
    other = start_proxy(tmp_path, site.namesrv, {"remotingListenPort": port})
    try:
        with client.push(site.proxy, topic) as consumer:
            request = RemotingCommand(
                R.GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": consumer.group}
            )
            wait_until(
                lambda: b"@" in ask(f"127.0.0.1:{port}", request).body,
                f"a member of {consumer.group} at the other proxy",
            )
    finally:
        other.kill()
