"""Time the opening of a log whose consume queues are gone: MB/s and messages/s.

Run ``python bench/recovery.py [--mib 1024] [--folder DIR] [--keep] [--java 5.5.0]``. A log of 1 KiB
messages over 8 queues is made, the queues and the checkpoint are deleted, the store counts as killed,
and is opened. ``--keep`` leaves the queues there, as they are after a kill. With ``--java`` a Java broker opens a copy of the same folder: its time ends when all its
queues are complete; the time that it takes with an empty folder is taken off.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import trio

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from interop.cluster import MavenCluster
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.record import pack_host
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.disk.files import RealFiles
from rmqwire.remoting.client import RemotingClient
from rmqwire.store.config import StoreConfig
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
    """Write a log of ``mib`` MiB and its queues; give the number of messages."""
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
            store.puts.put(message, done.append)
        store.puts.end_pass()
        done.clear()
    store.close()
    return count


def kill(root: Path, *, keep_queues: bool) -> None:
    """Leave the folder as if its broker had been killed, with the queues or without."""
    if not keep_queues:
        shutil.rmtree(root / "consumequeue")
        (root / "rmqwire.mark").unlink(missing_ok=True)
    shutil.rmtree(root / "index", ignore_errors=True)
    (root / "checkpoint").unlink()
    (root / "abort").write_bytes(b"")


def run_ours(root: Path) -> str:
    """Open the store once; say how fast that was."""
    store = make_store(root)
    began = time.perf_counter()
    report = store.open()
    seconds = time.perf_counter() - began
    complete = sum(store.max_offset(TOPIC, queue) for queue in range(QUEUES))
    store.close()
    return line("rmqwire", report.log_end, complete, seconds)


async def java_offsets(addr: str, topic: str) -> int:
    """Return the sum of the queues' ends at a broker."""
    total = 0
    async with RemotingClient() as client:
        for queue in range(QUEUES):
            ask = RemotingCommand(30, {"topic": topic, "queueId": str(queue)})
            answer = await client.invoke(addr, ask)
            total += int((answer.ext_fields or {}).get("offset", 0))
    return total


def java_start(version: str, home: Path, store: Path | None, count: int) -> float:
    """Return the seconds until a Java broker has ``count`` messages in its queues."""
    cluster = MavenCluster(version, home)
    try:
        namesrv = cluster.start_namesrv(home / "namesrv").addr
        settings = {} if store is None else {"storePathRootDir": str(store)}
        settings["mappedFileSizeCommitLog"] = str(1 << 30)
        settings["mappedFileSizeConsumeQueue"] = "6000000"
        began = time.perf_counter()
        broker = cluster.start_broker(home / "broker", namesrv, settings)
        while count and trio.run(java_offsets, broker.addr, TOPIC) < count:
            time.sleep(0.05)
        return time.perf_counter() - began
    finally:
        cluster.stop()


def run_java(version: str, home: Path, root: Path, count: int) -> str:
    idle = java_start(version, home / "idle", None, 0)
    busy = java_start(version, home / "busy", root, count)
    size = count * RECORD
    return line(f"Java {version}", size, count, busy - idle) + f", start without it {idle:.1f} s"


def line(name: str, size: int, count: int, seconds: float) -> str:
    rate = f"{size / MIB / seconds:7,.0f} MB/s {count / seconds:10,.0f} messages/s"
    return f"{name:11} {seconds:6.2f} s {rate}  ({count:,} messages)"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=1024, help="size of the log")
    parser.add_argument("--folder", help="where to make the store")
    parser.add_argument("--keep", action="store_true", help="leave the queues there")
    parser.add_argument("--java", metavar="VERSION", help="a Java broker of it too: 4.9.7 or 5.5.0")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        root = Path(folder) / "store"
        count = fill(root, chosen.mib)
        kill(root, keep_queues=chosen.keep)
        twin = Path(folder) / "twin"
        if chosen.java:
            shutil.copytree(root, twin)
        print(run_ours(root), flush=True)
        if chosen.java:
            print(run_java(chosen.java, Path(folder), twin, count), flush=True)


if __name__ == "__main__":
    main()
