"""The version of a table (Java ``DataVersion``): when it changed last, and how often."""

from __future__ import annotations

from rmqwire.codec.bodies import DataVersion


def first_version(wall_ms: int) -> DataVersion:
    """Return the version of a table that has never changed; ``wall_ms`` is epoch milliseconds."""
    return DataVersion(timestamp=wall_ms, counter=0, state_version=0)


def advance(version: DataVersion, wall_ms: int) -> None:
    """Note one more change (``nextVersion``); the state version belongs to the controller: 0."""
    version.timestamp = wall_ms
    version.state_version = 0
    version.counter += 1


def assign(version: DataVersion, other: DataVersion) -> None:
    """Take over another version's figures (``assignNewOne``)."""
    version.timestamp = other.timestamp
    version.state_version = other.state_version
    version.counter = other.counter
