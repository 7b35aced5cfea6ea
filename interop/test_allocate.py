"""Our strategies of dividing queues, and the record that tests/ hold them to, against Java's own."""

from __future__ import annotations

from random import Random

import pytest

from interop.peer import Peer
from tests.consumer.group.allocations import CASES, STRATEGIES, Case, part_of, random_case


def java_part(peer: Peer, case: Case) -> list[str]:
    words = (case["strategy"], case["client"], ",".join(case["queues"]), ",".join(case["clients"]))
    return [answer["queue"] for answer in peer.call("allocate", *words)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_java_divides_as_recorded(json_peer: Peer, strategy: str) -> None:
    cases = [case for case in CASES if case["strategy"] == strategy]
    assert cases
    for case in cases:
        assert java_part(json_peer, case) == case["part"], case


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_java_divides_as_we_do(json_peer: Peer, strategy: str) -> None:
    rng = Random()
    for _ in range(300):
        case = random_case(rng, strategy)
        assert java_part(json_peer, case) == part_of(case), case
