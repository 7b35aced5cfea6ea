"""A commit log of 1 KiB messages over 8 queues, as a broker leaves it, for what reads one."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from rmqwire.codec.record import pack_host
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.disk.files import RealFiles
from rmqwire.store.config import StoreConfig
from rmqwire.store.message_store import MessageInner, MessageStore

RECORD = 1024  # bytes of one record, all told
QUEUES = 8
PASS = 64
TOPIC = "LogBench"
PROPERTIES = b"UNIQ_KEY\x017F00000100002A9F000000000000B717\x02WAIT\x01true\x02TAGS\x01TagA\x02"
BODY = bytes(range(256)) * 4
MIB = 1 << 20
GIB = 1 << 30


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def make_store(root: Path, file_size: int = GIB) -> MessageStore:
    config = StoreConfig(store_path_root_dir=str(root), mapped_file_size_commit_log=file_size)
    host = pack_host("127.0.0.1", 10911)
    return MessageStore(config, DEFAULT_RELEASE, RealFiles(), wall_ms, host)


def fill(root: Path, mib: int, file_size: int = GIB) -> int:
    """Write a log of about ``mib`` MiB and its queues; return the number of messages."""
    body = BODY[: RECORD - 91 - len(TOPIC) - len(PROPERTIES)]
    born = pack_host("127.0.0.1", 40000)
    store = make_store(root, file_size)
    store.open()
    count = (mib * MIB - 8) // RECORD
    done: list[object] = []
    for start in range(0, count, PASS):
        for index in range(start, min(start + PASS, count)):
            message = MessageInner(
                TOPIC, index % QUEUES, 0, 0, PROPERTIES, body, 2598919, 1_700_000_000_000, born
            )
            store.puts.put(message, done.append)
        store.puts.end_pass()
        done.clear()
    store.close()
    write_topics(root, {TOPIC: QUEUES})
    return count


def write_topics(root: Path, queues: dict[str, int]) -> None:
    """Give a store its topics, by name and number of queues; no broker has opened it yet."""
    table = {
        name: {
            "attributes": {},
            "order": False,
            "perm": 6,
            "readQueueNums": count,
            "topicFilterType": "SINGLE_TAG",
            "topicName": name,
            "topicSysFlag": 0,
            "writeQueueNums": count,
        }
        for name, count in queues.items()
    }
    version = {"counter": len(table), "stateVersion": 0, "timestamp": 1_795_228_200_000}
    folder = root / "config"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"dataVersion": version, "topicConfigTable": table})
    (folder / "topics.json").write_text(text)


def build_index(root: Path) -> None:
    """Leave a broker nothing to do but to serve."""
    store = make_store(root)
    store.open()
    while store.build_index():
        pass
    store.close()


def kill(root: Path, *, keep_queues: bool) -> None:
    """Leave the folder as if its broker had been killed, with the queues or without."""
    if not keep_queues:
        shutil.rmtree(root / "consumequeue")
        (root / "rmqwire.mark").unlink(missing_ok=True)
    shutil.rmtree(root / "index", ignore_errors=True)
    (root / "checkpoint").unlink()
    (root / "abort").write_bytes(b"")
