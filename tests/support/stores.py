"""Build small stores and messages for tests."""

from __future__ import annotations

from rmqwire.codec.record import pack_host
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.store.config import StoreConfig
from rmqwire.store.message_store import MessageInner, MessageStore
from tests.support.memory_files import MemoryFiles

ROOT = "/store"
HOST = pack_host("127.0.0.1", 10911)
BORN = pack_host("127.0.0.1", 40000)
START_MS = 1_700_000_000_000


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def small_config(root: str = ROOT, **changes) -> StoreConfig:
    """Settings with tiny files: 4 KiB of log, 10 units of queue, 200 keys of an index."""
    values = {
        "mapped_file_size_commit_log": 4096,
        "mapped_file_size_consume_queue": 200,
        "max_hash_slot_num": 50,
        "max_index_num": 200,
    }
    return StoreConfig(store_path_root_dir=root, **(values | changes))


def make_store(files=None, *, clock=None, config=None, release=DEFAULT_RELEASE, host=HOST):
    """Return a store that is not open yet."""
    return MessageStore(
        config or small_config(), release, files or MemoryFiles(), clock or Clock(), host
    )


def message(topic="T", queue_id=0, body=b"body", **changes) -> MessageInner:
    """Return a message with Java's usual fields."""
    values = {
        "flag": 0,
        "sys_flag": 0,
        "properties": b"UNIQ_KEY\x01A\x02",
        "tags_code": 0,
        "born_timestamp": START_MS,
        "born_host": BORN,
    }
    return MessageInner(topic=topic, queue_id=queue_id, body=body, **(values | changes))


def put(store, *messages):
    """Put messages in one pass; give the results in order of their answers."""
    results = []
    for one in messages:
        store.puts.put(one, results.append)
    store.puts.end_pass()
    return results
