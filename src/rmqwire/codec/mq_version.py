"""Ordinals of RocketMQ releases, as every command carries one. Written by ``tools/gen_codes.py``.

RocketMQ: ``MQVersion``. Within a series a patch release adds 2; the SNAPSHOT before a release is
one less than it.
"""

from __future__ import annotations

HIGHER_VERSION = 612
EARLY_RELEASES = {
    "V3_0_0_ALPHA1": 1,
    "V3_0_0_BETA1": 2,
    "V3_0_0_BETA2": 3,
    "V3_0_0_BETA3": 4,
    "V3_0_0_BETA4": 5,
    "V3_0_0_BETA5": 6,
    "V3_0_0_BETA6": 8,
    "V3_0_0_BETA7": 10,
    "V3_0_0_BETA8": 12,
    "V3_0_0_BETA9": 14,
    "V3_0_0_FINAL": 15,
}
# (major, minor, patch) and ordinal of the first release, number of releases
SERIES = (
    ((3, 0, 1), 17, 15),
    ((3, 1, 0), 47, 10),
    ((3, 2, 0), 67, 10),
    ((3, 3, 1), 87, 9),
    ((3, 4, 1), 105, 9),
    ((3, 5, 1), 123, 9),
    ((3, 6, 1), 141, 9),
    ((3, 7, 1), 159, 9),
    ((3, 8, 1), 177, 9),
    ((3, 9, 1), 195, 9),
    ((4, 0, 0), 213, 10),
    ((4, 1, 0), 233, 10),
    ((4, 2, 0), 253, 10),
    ((4, 3, 0), 273, 10),
    ((4, 4, 0), 293, 10),
    ((4, 5, 0), 313, 10),
    ((4, 6, 0), 333, 10),
    ((4, 7, 0), 353, 10),
    ((4, 8, 0), 373, 10),
    ((4, 9, 0), 393, 10),
    ((5, 0, 0), 413, 10),
    ((5, 1, 0), 433, 10),
    ((5, 2, 0), 453, 10),
    ((5, 3, 0), 473, 10),
    ((5, 4, 0), 493, 10),
    ((5, 5, 0), 513, 10),
    ((5, 6, 0), 533, 10),
    ((5, 7, 0), 553, 10),
    ((5, 8, 0), 573, 10),
    ((5, 9, 0), 593, 10),
)


def _names() -> dict[int, str]:
    releases = {ordinal: name for name, ordinal in EARLY_RELEASES.items()}
    for (major, minor, patch), first, count in SERIES:
        for step in range(count):
            releases[first + 2 * step] = f"V{major}_{minor}_{patch + step}"
    snapshots = {
        ordinal - 1: f"{name}_SNAPSHOT"
        for ordinal, name in releases.items()
        if ordinal - 1 not in releases
    }
    snapshots[0] = "V3_0_0_SNAPSHOT"
    return snapshots | releases


VERSION_NAMES: dict[int, str] = _names()


def version_name(ordinal: int) -> str:
    """Return the name of a release, ``V5_5_0`` for 513 (Java ``MQVersion.getVersionDesc``).

    Numbers above the table are ``HIGHER_VERSION``, negative ones their decimal text.
    """
    if ordinal >= HIGHER_VERSION:
        return "HIGHER_VERSION"
    return VERSION_NAMES.get(ordinal) or str(ordinal)
