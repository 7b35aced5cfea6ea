"""The recordings of real Apache RocketMQ under ``tests/data``: vectors, frames, stores, streams."""

from __future__ import annotations

import base64
import gzip
import json
import tarfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parent.parent / "data"
GOLDEN = DATA / "golden"
RELEASE_NAMES = ("4.9.7", "5.5.0")


@cache
def protocol_table(name: str) -> Any:
    """Return one of the JSON tables, e.g. ``vectors``."""
    return json.loads((DATA / "protocol" / f"{name}.json").read_text())


def vectors(section: str) -> list[Any]:
    """Return (release name, entry) for each Java-made sample of a section of vectors.json."""
    found = []
    for release, sections in protocol_table("vectors")["versions"].items():
        entries = sections[section]
        found += [
            (release, entry) for entry in (entries if isinstance(entries, list) else [entries])
        ]
    return found


def frame_files(pattern: str = "*") -> list[Path]:
    """Return the files of recorded frames whose name matches, all releases and serialisations."""
    return sorted(GOLDEN.glob(f"*/*/{pattern}.jsonl*"))


def frames(path: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Return (description, whole frame) for each frame of a recording."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for line in text.splitlines():
        entry = json.loads(line)
        yield entry, base64.b64decode(entry["frame_b64"])


def store_archives() -> list[Path]:
    """Return every archive of a store folder."""
    return sorted(GOLDEN.glob("*/store/*.tar.gz"))


@cache
def store_files(archive: Path) -> dict[str, bytes]:
    """Return an archive's files by their path in the store folder; the timer wheel cut to 64 KiB."""
    with tarfile.open(archive) as tar:
        members = [m for m in tar.getmembers() if m.isfile()]
        return {
            m.name.removeprefix("store/"): tar.extractfile(m).read(
                65536 if m.name.endswith("timerwheel") else -1
            )
            for m in members
        }


def commit_log_files(archive: Path) -> list[tuple[int, bytes]]:
    """Return (start offset, bytes) of each commit log file of an archive."""
    return [
        (int(name.rpartition("/")[2]), data)
        for name, data in sorted(store_files(archive).items())
        if name.startswith("commitlog/")
    ]


def ha_streams(suffix: str) -> list[Path]:
    """Return the raw replication streams: ``s2c`` from the master, ``c2s`` from the slave."""
    return sorted(GOLDEN.glob(f"*/*/ha/*.{suffix}.bin"))
