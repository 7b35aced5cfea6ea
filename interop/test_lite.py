"""Lite topics: the same requests, sent to a Java broker and to ours, have the same answers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from interop import lite_waits
from interop.lite import GROUPS, SETTINGS, LiteSide, shown
from interop.lite_steps import SCRIPTS, Say
from interop.peer import Peer
from interop.processes import wait_until
from interop.replication import Servers
from interop.verb_masks import NOISE
from interop.wire import route_known
from rmqwire.codec.codes import RequestCode as R
from tests.broker.lite.support import PARENT

pytestmark = [pytest.mark.only("5.5.0"), pytest.mark.optin]
KINDS = ("java", "rmqwire")
QUOTA = {"maxLiteSubscriptionCount": "14"}
SOON_GONE = {"minLiteTTl": "60000", "liteTtlCheckInterval": "1000"}
TTL_S = 60  # lite.topic.expiration is in minutes


def start(
    servers: Servers, home: Path, settings: dict[str, str], expiration: int = 30
) -> dict[str, tuple[str, LiteSide]]:
    """Start both, each with a name server of its own and with the topics made."""
    found = {}
    for kind in KINDS:
        namesrv = servers.namesrv(kind, home / f"{kind}-namesrv").addr
        broker = servers.broker(kind, home / f"{kind}-broker", namesrv, SETTINGS | settings)
        side = LiteSide(broker.addr)
        side.make(expiration)
        wait_until(lambda addr=namesrv: route_known(addr, PARENT), "the route", 15)
        found[kind] = (namesrv, side)
    return found


@pytest.mark.parametrize("scripts", [SCRIPTS, lite_waits.SCRIPTS], ids=["asked", "waiting"])
def test_clients_of_lite_topics_get_the_same_answers(
    servers: Servers, tmp_path: Path, scripts: Sequence[Callable[[LiteSide, Say], None]]
) -> None:
    said: dict[str, list[tuple[str, object]]] = {}
    for kind, (_, side) in start(servers, tmp_path, QUOTA).items():
        told = said[kind] = []
        for script in scripts:
            script(side, lambda label, answer, told=told: told.append((label, answer)))
        side.close()
    java, ours = said["java"], said["rmqwire"]
    assert [label for label, _ in java] == [label for label, _ in ours]
    different = [
        f"{label}\n  Java    {theirs}\n  rmqwire {mine}"
        for (label, theirs), (_, mine) in zip(java, ours, strict=True)
        if theirs != mine
    ]
    print(f"{len(java)} answers, {len(different)} different")
    assert not different, "\n".join(different)


def test_mqadmin_shows_the_same_of_both(servers: Servers, tmp_path: Path, json_peer: Peer) -> None:
    shown_of: dict[str, list[str]] = {}
    for kind, (namesrv, side) in start(servers, tmp_path, {}).items():
        one, two = side.client("m1"), side.client("m2", "glx")
        all_of_it = side.client("m3", "gw")
        one.add("a", "b")
        two.add("a")
        all_of_it.control("COMPLETE_ADD")
        side.send("a", "a1", "a2", "a3")
        one.ack(one.pop(max_msg_num=1)[0])
        where = ("-n", namesrv)
        lines = shown_of[kind] = []
        for words in (
            ("getBrokerLiteInfo", *where, "-c", "DefaultCluster", "-d"),
            ("getParentTopicInfo", *where, "-p", PARENT),
            ("getParentTopicInfo", *where, "-p", "norm"),
            ("getLiteTopicInfo", *where, "-p", PARENT, "-l", "a", "-s"),
            ("getLiteTopicInfo", *where, "-p", PARENT, "-l", "never"),
            ("getLiteClientInfo", *where, "-p", PARENT, "-g", "gl", "-c", "m1", "-s"),
            ("getLiteGroupInfo", *where, "-p", PARENT, "-g", "gl", "-l", "a"),
            ("getLiteGroupInfo", *where, "-p", PARENT, "-g", "gl", "-k", "3"),
            ("getLiteGroupInfo", *where, "-p", PARENT, "-g", "gp"),
            ("triggerLiteDispatch", *where, "-p", PARENT, "-g", "gl", "-c", "m1"),
        ):
            lines += [f"> {' '.join(words[:1] + words[3:])}"]
            printed = json_peer.mqadmin(*words).splitlines()
            lines += [told(line) for line in printed if line.strip() and not NOISE.match(line)]
        side.close()
    for kind in KINDS:
        print(kind, *shown_of[kind], sep="\n")
    assert shown_of["rmqwire"] == shown_of["java"]
    assert sum(map(len, GROUPS)) < len(shown_of["java"])


def told(line: str) -> str:
    """Return a line of mqadmin's without what depends on the moment."""
    line = re.sub(r"^127\.0\.0\.1:\d+((?: +\S+){5}).*", r"ADDR\1", line)  # tables' sizes behind
    line = re.sub(
        r"(CqTableSize|OffsetTableSize|EventMapSize): +\d+", r"\1: N", line, flags=re.IGNORECASE
    )
    line = re.sub(r"\b1[789]\d{11}\b(?: \(\d+ s)?", "MS", line)
    line = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[,.:]\d{3})?", "TIME", line)
    if "[" in line:  # a set, in the order of a Java hash table
        head, _, rest = line.partition("[")
        line = f"{head}[{', '.join(sorted(rest.strip(']').split(', ')))}]"
    return re.sub(r"\s+", " ", line).strip()


@pytest.mark.timeout(400)
def test_a_lite_topic_goes_when_nothing_was_sent_to_it(servers: Servers, tmp_path: Path) -> None:
    sides = start(servers, tmp_path, SOON_GONE, expiration=1)
    clients = {}
    for kind, (_, side) in sides.items():
        clients[kind] = side.client("t1")
        clients[kind].add("gone", "kept")
        side.send("gone", "g1")
        side.send("kept", "k1")
    for _ in range(8):
        time.sleep(TTL_S / 5)
        for _, side in sides.values():
            side.send("kept", "more")
    asked = (
        (R.GET_PARENT_TOPIC_INFO, {"topic": PARENT}),
        *((R.GET_LITE_TOPIC_INFO, {"parentTopic": PARENT, "liteTopic": name}) for name in ("gone", "kept")),
        (R.GET_LITE_CLIENT_INFO, {"parentTopic": PARENT, "group": "gl", "clientId": "t1", "maxCount": "9"}),
        (R.GET_LITE_GROUP_INFO, {"group": "gl", "liteTopic": "gone", "topK": "0"}),
    )  # fmt: skip
    found = {}
    for kind, (_, side) in sides.items():
        found[kind] = [shown(side.ask(code, fields)) for code, fields in asked]
        side.send("gone", "g2")
        answer = clients[kind].client.call(clients[kind].request())
        found[kind] += [shown(answer)]
        found[kind] += [shown(side.ask(code, fields)) for code, fields in asked]
        side.close()
    assert found["rmqwire"] == found["java"]
    assert "gone" not in str(found["java"][3]["body"])
    assert "kept" in str(found["java"][3]["body"])
