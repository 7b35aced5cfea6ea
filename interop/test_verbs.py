"""mqadmin's verbs at rmqwire: each prints what it prints beside Java's servers on the same data.

What Java printed stands in ``recorded/``; one test has it said anew. ``-m optin``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import pytest

from interop import nodes
from interop.cluster import Cluster
from interop.conftest import Rmqwire
from interop.peer import Peer
from interop.processes import wait_until
from interop.record_verbs import RECORDED, of_java
from interop.verb_differences import DIFFERENT, NOT_RUN
from interop.verb_masks import masked, same
from interop.verb_script import ACCOUNTS, ACL_SETTINGS, SETTINGS, Script

pytestmark = pytest.mark.optin

Answers = dict[str, list[str]]
PLACES = ("--", "++", "@@")  # of the lines that say where a difference is


@pytest.fixture(scope="module")
def ours(
    version: str, peers: dict[str, Peer], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Answers]:
    """What the verbs say at servers of ours that nobody else uses."""
    home = tmp_path_factory.mktemp(f"verbs-{version}")
    settings = {"rocketmqVersion": version, "rocketmqHome": str(home / "broker"), **SETTINGS}
    if version == "4.9.7":
        settings |= ACL_SETTINGS
        (home / "broker" / "conf").mkdir(parents=True)
        (home / "broker" / "conf" / "plain_acl.yml").write_text(ACCOUNTS)
    of_namesrv = {
        "rocketmqVersion": version,
        "rocketmqHome": str(home / "namesrv"),
        "kvConfigPath": str(home / "namesrv" / "namesrv" / "kvConfig.json"),
    }
    namesrv = nodes.start_namesrv(home / "namesrv", of_namesrv)
    broker = nodes.start_broker(home / "broker", namesrv.addr, settings)
    yield Script(peers["JSON"], namesrv.addr, broker.addr, home).run()
    assert broker.stop() == 0, broker.tail()
    assert "Traceback" not in broker.tail(1_000_000), broker.tail()
    assert namesrv.stop() == 0, namesrv.tail()


def recorded(version: str) -> Answers:
    answers: Answers = json.loads((RECORDED / f"verbs-{version}.json").read_text("utf-8"))
    return answers


def known(version: str, words: str, lines: list[str]) -> list[str]:
    """Return the lines without those that are listed as different."""
    patterns = [
        line
        for releases, asked, line, _ in DIFFERENT
        if version in releases and re.fullmatch(asked, words)
    ]
    return [line for line in lines if not any(re.fullmatch(one, line) for one in patterns)]


def difference(words: str, java: list[str], said: list[str]) -> list[str]:
    """Show where ours says something else; nothing where it doesn't."""
    if same(java, said):
        return []
    lines = [line for line in unified_diff(java, said, lineterm="", n=0) if line[:2] not in PLACES]
    return [words, *(f"    {line}" for line in lines)]


def test_every_verb_prints_what_it_prints_beside_java(version: str, ours: Answers) -> None:
    java = recorded(version)
    assert list(ours) == list(java)
    differing = [
        line
        for words, said in ours.items()
        for line in difference(
            words, known(version, words, java[words]), known(version, words, said)
        )
    ]
    assert not differing, "\n".join(differing)


def test_no_verb_is_left_out(version: str, json_peer: Peer) -> None:
    """All that mqadmin lists are run, here or in the test that is named."""
    listed = re.findall(r"^ {3}(\w+) +", json_peer.mqadmin(), re.MULTILINE)
    assert len(listed) == {"4.9.7": 57, "5.5.0": 96}[version]
    run = {words.split()[0] for words in recorded(version)}
    assert set(listed) - run == {name for name in NOT_RUN if name in listed}


@pytest.mark.usefixtures("ours")
def test_java_says_today_what_was_recorded(
    version: str, cluster: Cluster, json_peer: Peer, tmp_path: Path
) -> None:
    java = recorded(version)
    today = of_java(json_peer, cluster, tmp_path)
    differing = [
        line for words, said in today.items() for line in difference(words, java[words], said)
    ]
    assert not differing, "\n".join(differing)


def test_monitoring_starts(rmqwire: Rmqwire, json_peer: Peer, version: str, tmp_path: Path) -> None:
    """Its consumer of OFFSET_MOVED_EVENT is there; the verb itself prints nothing and goes on."""
    namesrv = rmqwire.namesrv.addr
    monitor = Peer(version, "JSON", tmp_path)
    try:
        assert masked(monitor.mqadmin("startMonitoring", "-n", namesrv), {}) == []
        words = ("consumerConnection", "-n", namesrv, "-g", "__MONITOR_CONSUMER")
        wait_until(lambda: "OFFSET_MOVED_EVENT" in json_peer.mqadmin(*words), "the monitor", 20)
    finally:
        monitor.process.kill()
        monitor.stop()
