"""C1: random single bit flips in a log of both record versions. ``tools.nightly_bit_flips``: more."""

import sys

import pytest

from tests.support.bit_flips import UNCOVERED, flip_many

FLIPS = 1500


def test_wrong_bits_are_told_or_harmless(capsys):
    plain, with_crc = flip_many(FLIPS, seed=1)
    with capsys.disabled():
        for name, flips in (("Java's checksums", plain), ("enabledAppendPropCRC", with_crc)):
            open_ = sum(flips.uncovered.values())
            sys.stdout.write(
                f"\n{name}: {flips.count} flips, {flips.count - open_ - len(flips.wrong)} told or"
                f" harmless, {open_} in fields no checksum covers, served wrong {len(flips.wrong)}"
            )
        sys.stdout.write("\n")
    assert plain.wrong == []
    assert with_crc.wrong == []
    assert plain.count == with_crc.count == FLIPS // 2
    assert set(plain.uncovered) <= UNCOVERED
    assert not with_crc.uncovered


@pytest.mark.parametrize("seed", [2, 3])
def test_most_flips_are_told(seed):
    plain, with_crc = flip_many(200, seed)
    assert sum(plain.told.values()) > plain.count * 0.6
    assert sum(with_crc.told.values()) > with_crc.count * 0.95
