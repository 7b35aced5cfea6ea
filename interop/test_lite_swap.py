"""Folders with lite topics change sides: what was pending is delivered, what was done stays done."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from interop import nodes
from interop.cluster import Cluster
from interop.left_folder import copy_left
from interop.lite import SETTINGS, LiteSide
from interop.processes import BROKER_PORTS, free_port, wait_until
from interop.stores import verify
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.lite_topic import lmq_name
from tests.broker.lite.support import PARENT

pytestmark = [pytest.mark.only("5.5.0"), pytest.mark.optin]
NAMES = ("a", "b", "c", "d")
DONE = {"a": 2, "b": 3, "c": 0, "d": 0}  # messages acknowledged from the first on
SENT = {"a": 5, "b": 3, "c": 4, "d": 2}
OPEN = {name: list(range(DONE[name], SENT[name])) for name in NAMES}
LONG_MS = 60_000
OFFSETS = "config/lmqConsumerOffset.json"


def leave_pending(side: LiteSide) -> None:
    """All of "b" is done with, some of "a"; "c" is under way, nobody has asked for "d"."""
    side.make()
    one = side.client("one")
    one.add("a", "b", "c")
    for name in NAMES:
        side.send(name, *(f"{name}{number}" for number in range(SENT[name])))
    came: dict[str, list[object]] = {name: [] for name in NAMES}
    for _ in range(len(NAMES)):
        for message in one.pop(invisible_time=LONG_MS):
            came[message.properties["__LITE_TOPIC"]].append(message)
    assert {name: len(found) for name, found in came.items()} == SENT | {"d": 0}
    for name, found in came.items():
        for message in found[: DONE[name]]:
            assert one.ack(message).code == 0  # type: ignore[arg-type]
    side.close()


def check_pending(side: LiteSide) -> None:
    """The rest comes, in order, to a client that subscribes again; then what is sent now."""
    for name in NAMES:
        assert side.end(lmq_name(PARENT, name)) == SENT[name]
        at = kept_offset(side, name)
        assert at == DONE[name] or (at == -1 and not DONE[name]), (name, at)
    two = side.client("two")
    assert two.add(*NAMES).code == 0
    side.send("a", "a-later")
    side.send("new", "n0")
    assert two.add("new").code == 0
    came: dict[str, list[str]] = {}

    def all_came() -> bool:
        for message in two.pop(invisible_time=LONG_MS, poll_time=1_000, born_time=now_ms()):
            name = message.properties["__LITE_TOPIC"]
            came.setdefault(name, []).append(message.body.decode())
            assert two.ack(message).code == 0
        return sum(map(len, came.values())) >= sum(map(len, OPEN.values())) + 2

    wait_until(all_came, f"what was open: {came}", 40)
    wanted = {name: [f"{name}{number}" for number in numbers] for name, numbers in OPEN.items()}
    wanted["a"].append("a-later")
    wanted["new"] = ["n0"]
    assert came == {name: bodies for name, bodies in wanted.items() if bodies}
    for name in NAMES:
        assert kept_offset(side, name) == SENT[name] + (name == "a")
    side.close()


def now_ms() -> int:
    return int(time.time() * 1000)


def kept_offset(side: LiteSide, name: str) -> int:
    """Return how far the group is in a lite topic, -1 if it has not begun."""
    fields = {"consumerGroup": "gl", "topic": lmq_name(PARENT, name), "queueId": "0"}
    answer = side.ask(RequestCode.QUERY_CONSUMER_OFFSET, fields)
    return int((answer.ext_fields or {}).get("offset", -1)) if answer.code == 0 else -1


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("back", [False, True], ids=["java-to-rmqwire", "rmqwire-to-java"])
def test_lite_topics_change_sides(
    cluster: Cluster, version: str, tmp_path: Path, killed: bool, back: bool
) -> None:
    namesrv = nodes.start_namesrv(tmp_path / "namesrv")
    settings = {**SETTINGS, "listenPort": str(free_port(BROKER_PORTS)), "maxHashSlotNum": "10000"}
    settings |= {"maxIndexNum": "40000", "mappedFileSizeTimerLog": "1048576"}
    starts = [
        lambda home: cluster.start_broker(home, namesrv.addr, settings),
        lambda home: nodes.start_broker(
            home, namesrv.addr, settings | {"rocketmqVersion": version}
        ),
    ]
    first, second = reversed(starts) if back else starts
    node = first(tmp_path / "first")
    try:
        leave_pending(LiteSide(node.addr))
        store = tmp_path / "first" / "store"
        if killed:
            wait_until(lambda: offsets_are_written(store), "the offsets in their file", 20)
            node.kill()
        else:
            node.stop()
        taken = copy_left(store, tmp_path / "second" / "store")
        node = second(tmp_path / "second")
        check_pending(LiteSide(node.addr))
        node.stop()
        verify(taken)
        node = first(tmp_path / "second")  # and back again
        side = LiteSide(node.addr)
        assert {name: kept_offset(side, name) for name in NAMES} == SENT | {"a": SENT["a"] + 1}
    finally:
        node.kill()
        namesrv.stop()


def offsets_are_written(store: Path) -> bool:
    file = store / OFFSETS
    text = file.read_text() if file.exists() else ""
    return all(f"{lmq_name(PARENT, name)}@gl" in text for name in ("a", "b"))
