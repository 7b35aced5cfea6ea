"""Time the opening of a log whose consume queues are gone: MB/s and messages/s.

Run ``python bench/recovery.py [--mib 1024] [--folder DIR]``. A log of 1 KiB messages over 8 queues
is made, the queues and the checkpoint are deleted, the store counts as killed, and is opened.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from rmqwire.codec.record import pack_host
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.store.config import StoreConfig
from rmqwire.store.files import RealFiles
from rmqwire.store.message_store import MessageInner, MessageStore

RECORD = 1024  # bytes of one record, all told
QUEUES = 8
PASS = 64
TOPIC = "RecoveryBench"
PROPERTIES = b"UNIQ_KEY\x017F00000100002A9F000000000000B717\x02WAIT\x01true\x02TAGS\x01TagA\x02"
BODY = bytes(range(256)) * 4
MIB = 1 << 20


def make_store(root: Path) -> MessageStore:
    config = StoreConfig(store_path_root_dir=str(root))
    host = pack_host("127.0.0.1", 10911)
    return MessageStore(config, DEFAULT_RELEASE, RealFiles(), wall_ms, host)


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def fill(root: Path, mib: int) -> int:
    """Write a log of ``mib`` MiB and forget everything but it; give the number of messages."""
    body = BODY[: RECORD - 91 - len(TOPIC) - len(PROPERTIES)]
    born = pack_host("127.0.0.1", 40000)
    store = make_store(root)
    store.open()
    count = (mib * MIB - 8) // RECORD
    done: list[object] = []
    for start in range(0, count, PASS):
        for index in range(start, min(start + PASS, count)):
            message = MessageInner(
                TOPIC, index % QUEUES, 0, 0, PROPERTIES, body, 2598919, 1_700_000_000_000, born
            )
            store.put(message, done.append)
        store.end_pass()
        done.clear()
    store.close()
    shutil.rmtree(root / "consumequeue")
    shutil.rmtree(root / "index", ignore_errors=True)
    (root / "checkpoint").unlink()
    (root / "rmqwire.mark").unlink(missing_ok=True)
    (root / "abort").write_bytes(b"")
    return count


def run_ours(root: Path) -> str:
    """Open the store once; say how fast that was."""
    store = make_store(root)
    began = time.perf_counter()
    report = store.open()
    seconds = time.perf_counter() - began
    complete = sum(store.max_offset(TOPIC, queue) for queue in range(QUEUES))
    store.close()
    return line("rmqwire", report.log_end, complete, seconds)


def line(name: str, size: int, count: int, seconds: float) -> str:
    rate = f"{size / MIB / seconds:7,.0f} MB/s {count / seconds:10,.0f} messages/s"
    return f"{name:10} {seconds:6.2f} s {rate}  ({count:,} messages)"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=1024, help="size of the log")
    parser.add_argument("--folder", help="where to make the store")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        root = Path(folder) / "store"
        fill(root, chosen.mib)
        print(run_ours(root), flush=True)


if __name__ == "__main__":
    main()
