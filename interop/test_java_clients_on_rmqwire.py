"""Java producer -> rmqwire name server and broker -> Java push consumer."""

from __future__ import annotations

import pytest

from interop.checks import all_of_it, same_messages
from interop.client_program import ClientError
from interop.conftest import Rmqwire
from interop.peer import Peer

COUNT = 60
WAYS = [
    ("sync", "small"), ("async", "small"), ("oneway", "small"), ("batch", "small"),
    ("sync", "large"), ("sync", "unicode"), ("async", "binary"), ("batch", "unicode"),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "kind"), WAYS)
def test_every_body_arrives_once(
    rmqwire: Rmqwire, peer: Peer, serialize: str, mode: str, kind: str
) -> None:
    topic = f"J_{mode}_{kind}_{serialize}"
    namesrv = rmqwire.namesrv.addr
    with peer.consume(namesrv, topic) as consumer:
        sent = peer.produce(namesrv, topic, COUNT, mode, kind)
        received = consumer.take(COUNT)
        received += consumer.take(1, 0.3)
    if mode == "async":  # sent at once: no order was asked for
        same_messages(sent, received)
    else:
        all_of_it(sent, received)


def test_one_queue_keeps_its_order(rmqwire: Rmqwire, peer: Peer, serialize: str) -> None:
    topic = f"J_order_{serialize}"
    namesrv = rmqwire.namesrv.addr
    with peer.consume(namesrv, topic) as consumer:
        sent = peer.produce(namesrv, topic, 40, queue=2)
        received = consumer.take(40)
    all_of_it(sent, received)
    assert {m["queueId"] for m in received} == {2}


def test_tag_filter(rmqwire: Rmqwire, peer: Peer, serialize: str) -> None:
    topic = f"J_tags_{serialize}"
    namesrv = rmqwire.namesrv.addr
    with peer.consume(namesrv, topic, "TagA || TagC") as consumer:
        sent = peer.produce(namesrv, topic, 60)
        wanted = [m for m in sent if m["tags"] != "TagB"]
        received = consumer.take(len(wanted)) + consumer.take(1, 0.3)
    same_messages(wanted, received)


def test_properties_come_through(rmqwire: Rmqwire, peer: Peer, serialize: str) -> None:
    topic = f"J_properties_{serialize}"
    namesrv = rmqwire.namesrv.addr
    with peer.consume(namesrv, topic) as consumer:
        peer.produce(namesrv, topic, 10)
        received = consumer.take(10)
    numbers = sorted(int(m["properties"]["n"]) for m in received)
    assert numbers == list(range(10))
    assert {m["properties"]["city"] for m in received} == {f"東京 {n}" for n in numbers}
    assert all(m["bornHost"].startswith("/127.0.0.1:") for m in received)


def test_consume_later_comes_again(rmqwire: Rmqwire, peer: Peer, serialize: str) -> None:
    """A failed message goes back with delay level 3 (10 s) and comes again with its own topic."""
    topic = f"J_retry_{serialize}"
    namesrv = rmqwire.namesrv.addr
    with peer.consume(namesrv, topic, failures=1) as consumer:
        sent = peer.produce(namesrv, topic, 5)
        first = consumer.take(5)
        again = consumer.take(5, 60)
    same_messages(sent, first)
    same_messages(sent, again)
    assert {m["reconsumeTimes"] for m in again} == {1}
    assert {m["topic"] for m in again} == {topic}


def test_an_illegal_topic_is_refused(rmqwire: Rmqwire, peer: Peer, serialize: str) -> None:
    with pytest.raises(ClientError, match=r"topic.*illegal|CODE: 13|contains illegal"):
        peer.produce(rmqwire.namesrv.addr, "bad topic!", 1)
    assert peer.produce(rmqwire.namesrv.addr, f"J_after_{serialize}", 1)[0]["status"] == "SEND_OK"
