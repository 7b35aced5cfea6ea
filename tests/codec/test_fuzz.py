"""A short run of ``fuzz/frames.py`` with a fixed seed; the long one is ``python fuzz/frames.py``."""

from __future__ import annotations

from random import Random

import pytest

from fuzz.decoders import ROWS, Row
from fuzz.frames import run_row
from fuzz.mutate import MUTATIONS, mutate
from rmqwire.errors import BadHeader

RUNS_PER_DECODER = 800  # 20,000 and more in all


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_decoders_raise_only_what_they_document(row):
    outcome = run_row(row, RUNS_PER_DECODER, seed=20261121)
    assert outcome.runs == RUNS_PER_DECODER
    assert not outcome.undocumented


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_sound_samples_are_read(row):
    for sample in row.pool()[:100]:
        try:
            row.decode(sample)
        except row.documented:
            if row.name not in REFUSES_SOME:
                raise


# The recordings hold a SEND_MESSAGE without its fields; a replication stream is of one header kind.
REFUSES_SOME = {
    "frame JSON",
    "frame ROCKETMQ",
    "frame, any length",
    "HA transfer",
    "HA slave report",
    "HA slave hello",
    "HA master data",
    "HA master hello",
}


def test_an_undocumented_error_is_found_with_its_bytes():
    def decode(data: bytes) -> None:
        if len(data) % 2:
            raise BadHeader("odd")
        raise KeyError(data[:1])

    outcome = run_row(Row("broken", decode, lambda: [b"abcdef"], (BadHeader,)), 200, seed=1)
    assert outcome.errors["BadHeader"]
    what, data = outcome.undocumented[0]
    assert what.startswith("KeyError")
    assert len(data) % 2 == 0
    assert "BadHeader" in outcome.line()


def test_the_same_seed_gives_the_same_bytes():
    pool = [b"0123456789" * 3, b"abc"]
    first = [mutate(Random(5), pool) for _ in range(3)]
    assert first == [mutate(Random(5), pool) for _ in range(3)]
    assert len({mutate(Random(seed), pool) for seed in range(50)}) > 40


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_mutations_take_short_samples_too(mutation):
    rng = Random(3)
    for size in range(10):
        mutation(bytearray(size), rng, [b"other"])
