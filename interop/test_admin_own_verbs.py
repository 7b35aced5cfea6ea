"""The verbs that mqadmin has not, at Java's brokers: drainBroker, purgeTopic, resendDLQ."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest
import trio

from interop.peer import Peer
from interop.processes import wait_until
from interop.test_admin_verbs import verb
from rmqwire import ConsumeStatus, PushConsumer

CLUSTER = ("-c", "DefaultCluster")


@pytest.fixture
def group() -> str:
    return f"G_{uuid.uuid4().hex[:8]}"


@pytest.fixture
def addr(java_namesrv: str) -> Iterator[str]:
    """The Java broker's address; it takes messages again afterwards, whatever a test did."""
    found = verb("clusterList", "-n", java_namesrv).splitlines()[1].split()[3]
    yield found
    verb("drainBroker", "-b", found, "--undo")


def consume(namesrv: str, topic: str, group: str, count: int, **config: object) -> list[bytes]:
    """Let a group of rmqwire's consume so many messages, or refuse them all."""
    seen, done = [], trio.Event()
    status = config.pop("status", ConsumeStatus.CONSUME_SUCCESS)

    def listener(messages: list[object]) -> ConsumeStatus:
        seen.extend(one.body for one in messages)
        if len(seen) >= count:
            done.set()
        return status

    async def run() -> None:
        first = {"consume_from_where": "CONSUME_FROM_FIRST_OFFSET"}
        consumer = PushConsumer(group, namesrv_addr=namesrv, **first, **config)
        consumer.subscribe(topic, "*", listener)
        with trio.fail_after(60):
            async with consumer:
                await done.wait()
                await trio.sleep(1)  # what it hands back is on its way

    trio.run(run)
    return seen


def lag(peer: Peer, namesrv: str, group: str) -> str:
    """What Java's tool says of a group's lag."""
    shown = peer.mqadmin("consumerProgress", "-n", namesrv, "-g", group)
    (line,) = (one for one in shown.splitlines() if one.startswith(("Consume Diff", "Diff Total")))
    return line


def is_behind(peer: Peer, namesrv: str, group: str, count: int) -> bool:
    return f"Diff Total: {count}" in lag(peer, namesrv, group)


@pytest.mark.optin
def test_a_purge_lets_java_s_groups_skip_online_or_not(
    java_namesrv: str, json_peer: Peer, topic: str, group: str
) -> None:
    json_peer.produce(java_namesrv, topic, 20)
    consume(java_namesrv, topic, f"{group}_off", 20)
    with json_peer.consume(java_namesrv, topic, group=group) as consumer:
        json_peer.produce(java_namesrv, topic, 10, seed=2)
        wait_until(
            lambda: is_behind(json_peer, java_namesrv, f"{group}_off", 10), "the lag of a group", 20
        )
        plan = verb("purgeTopic", "-n", java_namesrv, "-t", topic, "--dry-run")
        assert f"would purge topic {topic}: 2 groups skip " in plan
        told = verb("purgeTopic", "-n", java_namesrv, "-t", topic, "--yes").splitlines()[1:]
        mine = [line.split() for line in told if line.startswith(f"{group}_off")]
        assert sum(int(row[5]) for row in mine) == 10
        assert is_behind(json_peer, java_namesrv, f"{group}_off", 0)
        came = {one["msgId"] for one in consumer.take(30, 1)}  # it may have them already
        new = {one["msgId"] for one in json_peer.produce(java_namesrv, topic, 5, seed=3)}
        for _ in range(30):
            came |= {one["msgId"] for one in consumer.take(5, 1)}
            if new <= came:
                break
        assert new <= came


def test_dead_letters_at_a_java_broker_are_sent_again_once(
    java_namesrv: str, json_peer: Peer, topic: str, group: str
) -> None:
    sent = {one["msgId"] for one in json_peer.produce(java_namesrv, topic, 6)}
    refuse = {"status": ConsumeStatus.RECONSUME_LATER, "max_reconsume_times": 0}
    consume(java_namesrv, topic, group, 6, **refuse)
    words = ("resendDLQ", "-n", java_namesrv, "-g", group, "--json")

    def outcomes(*more: str) -> list[str]:
        rows = [json.loads(line) for line in verb(*words, *more).splitlines()]
        assert {row["msgId"] for row in rows} <= sent
        return [row["outcome"] for row in rows]

    assert outcomes("--count", "2") == ["RESENT"] * 2  # as if it had been interrupted
    assert sorted(outcomes()) == ["ALREADY_RESENT"] * 2 + ["RESENT"] * 4
    assert outcomes("--dry-run") == ["ALREADY_RESENT"] * 6
    held = verb("printMsg", "-n", java_namesrv, "-t", topic, "--json").splitlines()
    found = [json.loads(line)["msgId"] for line in held]
    assert sorted(found) == sorted([*sent, *sent])


@pytest.mark.optin
def test_a_java_broker_is_drained(
    java_namesrv: str, json_peer: Peer, topic: str, group: str, addr: str
) -> None:
    json_peer.produce(java_namesrv, topic, 5)
    consume(java_namesrv, topic, group, 5)
    json_peer.produce(java_namesrv, topic, 3, seed=2)
    status = json.loads(verb("drainBroker", "-b", addr, "--dry-run", "--json").splitlines()[-1])
    others = {one["group"] for one in status["lags"]} - {group}
    ignored = [word for other in others for word in ("-x", other)]
    assert [one for one in status["lags"] if one["group"] == group] == [
        {"group": group, "topic": topic, "lag": 3}
    ]
    said = verb("drainBroker", "-b", addr, *ignored, "--timeout", "1", "-i", "0.5", code=1)
    assert f"{addr} is closed to producers, " in said
    wait_until(
        lambda: (
            '"perm":4'
            in json_peer.mqadmin("topicRoute", "-n", java_namesrv, "-t", topic).replace(" ", "")
        ),
        "a route that producers can't use",
        20,
    )
    consume(java_namesrv, topic, group, 3)
    told = verb(
        "drainBroker", "-b", addr, *ignored, "--timeout", "60", "-i", "0.5", "--settle", "1"
    )
    assert told.endswith(f"{addr} is drained: it can go\n")
    verb("drainBroker", "-b", addr, "--undo")
    assert json.loads(verb("drainBroker", "-b", addr, "--dry-run", "--json").splitlines()[-1])[
        "writable"
    ]
