"""Messages with a time of their own: Java's clients here, ours there, folders that change sides."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio

from interop.peer import Peer
from interop.processes import BROKER_PORTS, Node, free_port
from interop.replication import Servers
from interop.stores import verify
from rmqwire import Message, Producer

pytestmark = pytest.mark.only("5.5.0")

SETTINGS = {
    "mappedFileSizeCommitLog": "1048576",
    "mappedFileSizeConsumeQueue": "2000",
    "maxHashSlotNum": "10000",
    "maxIndexNum": "40000",
    "mappedFileSizeTimerLog": "65536",
    "timerRollWindowSlot": "12",
    "timerMaxDelaySec": "600",
    "timerFlushIntervalMs": "1000",
    "recallMessageEnable": "true",
}
LATE_MS = 10_000  # less than a roll: how long a busy machine may hold a broker up
SIDES = {"rmqwire": "java", "java": "rmqwire"}
Timers = list[tuple[str, str, str]]  # property, value, body


def settings(name: str) -> dict[str, str]:
    return SETTINGS | {"brokerName": name, "listenPort": str(free_port(BROKER_PORTS))}


def due_ms(sent: dict[str, Any], name: str, value: str) -> tuple[int, int]:
    """Return the first and the last time at which a message may be due."""
    if name == "TIMER_DELIVER_MS":
        return int(value), int(value)
    delay = int(value) * (1000 if name == "TIMER_DELAY_SEC" else 1)
    return sent["began"] + delay, sent["ended"] + delay


def check(timers: Timers, sent: list[dict[str, Any]], received: list[dict[str, Any]]) -> list[int]:
    """Each came once, none early, none late; return how late each was, ms at most."""
    bodies = [bytes.fromhex(one["body"]).decode() for one in received]
    assert Counter(bodies) == Counter(one["body"] for one in sent if one.get("handle"))
    found = dict(zip(bodies, received, strict=True))
    late = []
    for (name, value, body), one in zip(timers, sent, strict=True):
        if body in found:
            low, high = due_ms(one, name, value)
            stored = found[body]["stored"]
            assert stored >= low, f"{body} came {low - stored} ms early"
            assert stored <= high + LATE_MS, f"{body} came {stored - high} ms late"
            late.append(stored - low)
    return late


def java_sends(peer: Peer, namesrv: str, topic: str, timers: Timers) -> list[dict[str, Any]]:
    return peer.call("timer-send", namesrv, topic, *(word for timer in timers for word in timer))


def test_java_s_timers_on_rmqwire(servers: Servers, json_peer: Peer, tmp_path: Path) -> None:
    namesrv = servers.namesrv("rmqwire", tmp_path / "n").addr
    servers.broker("rmqwire", tmp_path / "b", namesrv, settings("timers"))
    soon = int(time.time() * 1000) + 4_700
    timers = [
        ("TIMER_DELAY_SEC", "3", "sec"),
        ("TIMER_DELAY_MS", "2500", "ms"),
        ("TIMER_DELIVER_MS", str(soon), "at"),
        ("TIMER_DELAY_SEC", "13", "rolled"),
    ]
    json_peer.produce(namesrv, "timers", 1)
    with json_peer.consume(namesrv, "timers") as consumer:
        assert len(consumer.take(1)) == 1
        sent = java_sends(json_peer, namesrv, "timers", timers)
        assert {one.get("status") for one in sent} == {"SEND_OK"}
        (past, far, recalled) = java_sends(
            json_peer,
            namesrv,
            "timers",
            [
                ("TIMER_DELAY_SEC", "-1", "past"),
                ("TIMER_DELAY_SEC", "601", "far"),
                ("TIMER_DELAY_SEC", "5", "recalled"),
            ],
        )
        assert (past["status"], past["handle"]) == ("SEND_OK", None)
        assert "CODE: 13" in far["failed"]
        assert "not be bigger than the max delay 600000ms" in far["failed"]
        (answer,) = json_peer.call("timer-recall", namesrv, "timers", recalled["handle"])
        assert answer["msgId"]
        received = consumer.take(5, 20) + consumer.take(1, 1.5)
    (first, *rest) = received
    assert bytes.fromhex(first["body"]) == b"past"
    check(timers, sent, rest)
    (rolled,) = [one for one in rest if bytes.fromhex(one["body"]) == b"rolled"]
    assert rolled["properties"]["TIMER_ROLL_TIMES"] == "1"


async def test_our_timers_on_java(servers: Servers, json_peer: Peer, tmp_path: Path) -> None:
    namesrv = servers.namesrv("java", tmp_path / "n").addr
    servers.broker("java", tmp_path / "b", namesrv, settings("timers"))
    json_peer.produce(namesrv, "timers", 1)
    soon = int(time.time() * 1000) + 4_700
    timers = [
        ("TIMER_DELAY_SEC", "3", "sec"),
        ("TIMER_DELAY_MS", "2500", "ms"),
        ("TIMER_DELIVER_MS", str(soon), "at"),
    ]
    messages = [
        Message("timers", b"sec", delay_time_sec=3),
        Message("timers", b"ms", delay_time_ms=2_500),
        Message("timers", b"at", deliver_time_ms=soon),
    ]
    sent = []
    with json_peer.consume(namesrv, "timers") as consumer:
        assert len(consumer.take(1)) == 1
        async with Producer("p", namesrv_addr=namesrv) as producer:
            for message in messages:
                began = int(time.time() * 1000)
                result = await producer.send(message)
                ended = int(time.time() * 1000)
                body = message.body.decode()
                handle = result.recall_handle
                sent.append({"body": body, "began": began, "ended": ended, "handle": handle})
            recalled = await producer.send(Message("timers", b"recalled", delay_time_sec=4))
            assert recalled.recall_handle is not None
            assert await producer.recall("timers", recalled.recall_handle) == recalled.msg_id
        received = await trio.to_thread.run_sync(consumer.take, 3, 40)
        received += await trio.to_thread.run_sync(consumer.take, 1, 1.5)
    check(timers, sent, received)


def move(node: Node, folder: Path, target: Path, *, killed: bool) -> None:
    node.kill() if killed else node.stop()
    shutil.copytree(folder / "store", target / "store")


@pytest.mark.parametrize(
    "killed", [False, pytest.param(True, marks=pytest.mark.optin)], ids=["stopped", "killed"]
)
@pytest.mark.parametrize("first", ["rmqwire", pytest.param("java", marks=pytest.mark.optin)])
def test_a_folder_with_timers_changes_sides_and_goes_back(
    servers: Servers, json_peer: Peer, tmp_path: Path, first: str, killed: bool
) -> None:
    namesrv = servers.namesrv("rmqwire", tmp_path / "n").addr
    conf = settings(f"swap-{first}-{killed}")
    node = servers.broker(first, tmp_path / "1", namesrv, conf)
    delays = (1, 3, 6, 9, 14, 17, 20, 26, 29)  # seconds; those above 12 are rolled
    timers = [("TIMER_DELAY_SEC", str(delay), f"{first} {delay}") for delay in delays]
    json_peer.produce(namesrv, "timers", 1)
    sent = java_sends(json_peer, namesrv, "timers", timers)
    gone = [("TIMER_DELAY_SEC", str(delay), "recalled") for delay in (10, 25)]
    for one in java_sends(json_peer, namesrv, "timers", gone):
        json_peer.call("timer-recall", namesrv, "timers", one["handle"])
    began = time.monotonic()
    time.sleep(2.5)
    move(node, tmp_path / "1", tmp_path / "2", killed=killed)
    node = servers.broker(SIDES[first], tmp_path / "2", namesrv, conf)
    more = [("TIMER_DELAY_SEC", str(delay), f"more {delay}") for delay in (2, 15)]
    sent += java_sends(json_peer, namesrv, "timers", more)
    time.sleep(max(began + 15 - time.monotonic(), 0))
    move(node, tmp_path / "2", tmp_path / "3", killed=killed)
    if not killed:
        verify(tmp_path / "3" / "store")
    servers.broker(first, tmp_path / "3", namesrv, conf)
    with json_peer.consume(namesrv, "timers") as consumer:
        count = len(timers) + len(more) + 1
        # A kill makes some come twice: then it's the time that ends the wait.
        received = consumer.take(100, 35) if killed else consumer.drain(count, 40)
    bodies = Counter(bytes.fromhex(one["body"]).decode() for one in received)
    wanted = {body for _, _, body in [*timers, *more]}
    assert set(bodies) - {max(set(bodies) - wanted)} == wanted
    times = {bytes.fromhex(one["body"]).decode(): one["stored"] for one in received}
    for (name, value, body), one in zip([*timers, *more], sent, strict=True):
        low, _ = due_ms(one, name, value)
        assert times[body] >= low, f"{body} came early"
        if not killed:
            assert bodies[body] == 1, f"{body} came {bodies[body]} times"


@pytest.mark.optin
def test_two_thousand_timers_are_as_punctual_as_java_s(
    servers: Servers, json_peer: Peer, tmp_path: Path, capsys: Any
) -> None:
    """Both brokers at the same time have the same timers, from Java's producer, rolled on the way."""
    conf = {"mappedFileSizeCommitLog": "67108864", "timerRollWindowSlot": "15"}
    namesrvs = {kind: servers.namesrv("rmqwire", tmp_path / f"n-{kind}").addr for kind in SIDES}
    for kind, namesrv in namesrvs.items():
        servers.broker(kind, tmp_path / kind, namesrv, settings(kind) | conf)
        json_peer.produce(namesrv, "timers", 1)
    rng = Random(1)
    begin = int(time.time() * 1000) + 12_000
    timers = [
        ("TIMER_DELIVER_MS", str(begin + rng.randrange(24_000)), f"t{number}")
        for number in range(2_000)
    ]
    sent, late = {}, {}
    for kind, namesrv in namesrvs.items():
        sent[kind] = java_sends(json_peer, namesrv, "timers", timers)
    assert int(time.time() * 1000) < begin, (
        "the machine is too slow: some came before all were sent"
    )
    for kind, namesrv in namesrvs.items():
        with json_peer.consume(namesrv, "timers") as consumer:
            received = consumer.take(2_001, 60) + consumer.take(3, 3)
        received = [one for one in received if bytes.fromhex(one["body"]).startswith(b"t")]
        late[kind] = sorted(check(timers, sent[kind], received))
    with capsys.disabled():
        for kind, found in late.items():
            print(f"\n{kind}: 2,000 timers, late p50 {found[1_000]} ms, p99 {found[1_980]} ms, "
                  f"max {found[-1]} ms", end="")  # fmt: skip
        print()
