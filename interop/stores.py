"""What lies in a broker's folder, read as files: for comparing one store with another."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from rmqwire.codec.java_json import loads
from rmqwire.codec.message_const import RMQ_SYS_SCHEDULE_TOPIC as SCHEDULE_TOPIC
from rmqwire.codec.message_const import RMQ_SYS_TRANS_HALF_TOPIC as HALF_TOPIC
from rmqwire.codec.record import BLANK_MAGIC, decode_message, peek

MIB = 1 << 20
UNIT = 20  # bytes of a consume queue's unit
OF_THE_BROKER = "CID_RMQ_SYS_"  # groups of a Java broker itself, with their progress
TABLES = {
    "topics": "topicConfigTable",
    "subscriptionGroup": "subscriptionGroupTable",
    "consumerOffset": "offsetTable",
    "delayOffset": "offsetTable",
}


def log_hashes(store: Path, end: int) -> dict[int, str]:
    """The sha256 of each MiB of the log up to ``end``, by offset."""
    found = {}
    for file in sorted((store / "commitlog").iterdir()):
        data = file.read_bytes()[: max(end - int(file.name), 0)]
        for at in range(0, len(data), MIB):
            found[int(file.name) + at] = hashlib.sha256(data[at : at + MIB]).hexdigest()
    return found


def queue_units(store: Path) -> dict[str, list[bytes]]:
    """Each queue's filled units, by folder."""
    queues: dict[str, list[bytes]] = {}
    for folder in sorted((store / "consumequeue").glob("*/*")):
        data = b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
        units = [data[at : at + UNIT] for at in range(0, len(data), UNIT)]
        filled = [unit for unit in units if int.from_bytes(unit[8:12], "big")]
        if filled:
            queues["/".join(folder.parts[-2:])] = filled
    return queues


def tables(store: Path) -> dict[str, dict[str, object]]:
    """The tables that a slave takes over from its master, as far as they have been written."""
    found: dict[str, dict[str, object]] = {}
    for name, table in TABLES.items():
        file = store / "config" / f"{name}.json"
        if not file.exists():
            continue
        content = loads(file.read_bytes())
        assert isinstance(content, dict), file
        found[name] = {
            str(key): value
            for key, value in content.get(table, {}).items()
            if OF_THE_BROKER not in str(key)
        }
    return found


def raw_records(store: Path) -> Iterator[tuple[int, bytes]]:
    """Return every record of a commit log with its offset."""
    for file in sorted((store / "commitlog").iterdir()):
        data, at = file.read_bytes(), 0
        while at + 8 <= len(data):
            size, magic = peek(data, at)
            if size <= 0 or magic == BLANK_MAGIC:
                break
            yield int(file.name) + at, data[at : at + size]
            at += size


def pending(store: Path) -> dict[tuple[str, int], bytes]:
    """Every record of the delay and half topics, by topic and position in the log."""
    topics = {SCHEDULE_TOPIC, HALF_TOPIC}
    found = ((decode_message(record).topic, at, record) for at, record in raw_records(store))
    return {(topic, at): record for topic, at, record in found if topic in topics}


def verify(store: Path) -> None:
    """`rmqwire store verify`: clean."""
    answer = _verified(store)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def log_end(store: Path) -> int:
    """Where the log of a stopped broker ends, as `rmqwire store verify` says."""
    answer = _verified(store)
    found = re.search(r"commit log +\d+ records, \d+ to (\d+)", answer.stdout)
    assert found is not None, answer.stdout + answer.stderr
    return int(found[1])


def _verified(store: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rmqwire", "store", "verify", "--slots", "10000", str(store)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
