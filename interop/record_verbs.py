"""Record what mqadmin prints beside Java's servers: ``python -m interop.record_verbs [RELEASE...]``.

Each verb runs twice, at a cluster of its own each time; words that differ then are volatile and become
``~``. The answers stand in ``interop/recorded/``; ``test_verbs`` compares what it prints beside ours.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from interop.cluster import Cluster, MavenCluster
from interop.peer import Peer
from interop.processes import BROKER_PORTS, free_port
from interop.verb_masks import merged
from interop.verb_script import ACCOUNTS, ACL_SETTINGS, SETTINGS, Script

RECORDED = Path(__file__).parent / "recorded"
RELEASES = ("4.9.7", "5.5.0")


def of_java(peer: Peer, cluster: Cluster, home: Path) -> dict[str, list[str]]:
    """Run the verbs at a new Java cluster and return what they said."""
    namesrv = cluster.start_namesrv(home / "namesrv")
    settings = SETTINGS | {"listenPort": str(free_port(BROKER_PORTS))}
    if peer.version == "4.9.7":
        settings |= ACL_SETTINGS
        (home / "broker" / "conf").mkdir(parents=True)
        (home / "broker" / "conf" / "plain_acl.yml").write_text(ACCOUNTS)
    broker = cluster.start_broker(home / "broker", namesrv.addr, settings)
    try:
        return Script(peer, namesrv.addr, broker.addr, home).run()
    finally:
        broker.kill()
        namesrv.kill()


def both(one: dict[str, list[str]], other: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return what two runs have in common.

    Raises:
        SystemExit: a verb printed another number of lines or words; the masks must know why.
    """
    answers = {}
    for words, said in one.items():
        try:
            answers[words] = merged(said, other[words])
        except ValueError:
            raise SystemExit("\n".join([words, *said, "---", *other[words]])) from None
    return answers


def main() -> None:
    for version in sys.argv[1:] or RELEASES:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            cluster = MavenCluster(version, home)
            peer = Peer(version, "JSON", home / "peer")
            try:
                runs = [of_java(peer, cluster, home / name) for name in ("first", "second")]
            finally:
                peer.stop()
                cluster.stop()
        answers = both(*runs)
        text = json.dumps(answers, indent=1, ensure_ascii=False)
        (RECORDED / f"verbs-{version}.json").write_text(f"{text}\n", "utf-8")
        print(version, len(answers), "answers")


if __name__ == "__main__":
    main()
