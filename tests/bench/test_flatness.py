"""The program that watches the clients' threads, tasks and memory, for a part of a second."""

import pytest

from bench.client import Site
from bench.client_aims import FACES
from bench.flatness import LOADS, SLICES, Sample, Samples, row
from interop.wire import broker_addr
from rmqwire.testing import cluster


@pytest.fixture(scope="module")
def site():
    with cluster() as made:
        yield Site(made.namesrv_addr, broker_addr(made.namesrv_addr, "broker-a"))


@pytest.mark.parametrize("face", FACES)
def test_a_face_says_what_it_has_while_it_sends_and_consumes(site, face):
    told = []
    LOADS[face](site.namesrv, site.topic("Flat"), Samples(0.4, 100, told.append))
    assert 0 < len(told) <= SLICES
    last = told[-1]
    assert last.sent > 0
    assert last.threads >= (1 if face == "trio" else 2)
    assert last.tasks > 3
    assert last.rss_mib > 10
    assert last.objects > 1_000


def test_a_row_compares_the_end_with_the_first_slice_and_has_the_most():
    samples = [
        Sample(60, 100, 90, 0, 2, 30, 50.0, 9_000),
        Sample(120, 200, 190, 0, 3, 31, 52.5, 9_100),
        Sample(180, 300, 300, 1, 2, 30, 51.0, 9_050),
    ]
    assert row("trio", samples) == (
        "| trio | 300 (1), 300 | 2 → 2 (at most 3) | 30 → 30 (at most 31) | 50.0 → 51.0 (at most 52.5) |"
        " 9,000 → 9,050 (at most 9,100) |"
    )
