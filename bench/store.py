"""Puts per second of the store alone: 128-byte bodies over 8 queues, by pass size.

Run ``python -m bench store [folder]``. "without dispatch" leaves the consume queues out: the
commit log's append and write alone. "SYNC_FLUSH" is the whole way to the disk and back: so many
senders, each of which sends again when it has its answer, and the store's own flushing thread.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from pathlib import Path

import trio

from rmqwire.codec.record import pack_host
from rmqwire.codec.release import DEFAULT_RELEASE
from rmqwire.disk.files import RealFiles
from rmqwire.store.config import StoreConfig
from rmqwire.store.message_store import MessageInner, MessageStore, PutMessageResult, PutStatus
from rmqwire.store.service import run_store
from rmqwire.wakeup import Wakeup

COUNT = 100_000
QUEUES = 8
SYNC_S = 3.0
BODY = b"x" * 128
PROPERTIES = b"UNIQ_KEY\x017F00000100002A9F000000000000B717\x02WAIT\x01true\x02TAGS\x01TagA\x02"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def make_store(folder: str, **changes: str) -> MessageStore:
    config = StoreConfig(store_path_root_dir=folder, mapped_file_size_commit_log=256 << 20)
    for name, value in changes.items():
        setattr(config, name, value)
    store = MessageStore(
        config, DEFAULT_RELEASE, RealFiles(), now_ms, pack_host("127.0.0.1", 10911)
    )
    store.open()
    return store


def make_messages() -> list[MessageInner]:
    born = pack_host("127.0.0.1", 40000)
    return [
        MessageInner("BenchTopic", queue, 0, 0, PROPERTIES, BODY, 2598919, now_ms(), born)
        for queue in range(QUEUES)
    ]


def with_dispatch(store: MessageStore, size: int) -> float:
    """Return the seconds of COUNT puts."""
    messages = make_messages()
    answers = []
    done = answers.append
    began = time.perf_counter()
    for start in range(0, COUNT, size):
        for index in range(start, start + size):
            store.puts.put(messages[index % QUEUES], done)
        store.puts.end_pass()
        answers.clear()
    return time.perf_counter() - began


def without_dispatch(store: MessageStore, size: int) -> float:
    messages = make_messages()
    log = store.log
    began = time.perf_counter()
    for start in range(0, COUNT, size):
        for index in range(start, start + size):
            log.append(messages[index % QUEUES], b"BenchTopic", index, 1_700_000_000_000, v2=False)
        log.write()
    return time.perf_counter() - began


def gets(store: MessageStore) -> float:
    """Return messages pulled per second, 32 at a time, from one queue."""
    offset, count = 0, 0
    began = time.perf_counter()
    while True:
        result = store.get_message("BenchTopic", 0, offset, 32)
        if not result.count:
            return count / (time.perf_counter() - began)
        count += result.count
        offset = result.next_begin_offset


def index(store: MessageStore) -> float:
    """Return records indexed per second, in the slices of the service; two keys each."""
    began = time.perf_counter()
    while store.build_index():
        pass
    store.index.write()
    return COUNT / (time.perf_counter() - began)


class Senders:
    """Senders that each wait for an answer before they put again."""

    def __init__(self, store: MessageStore, count: int) -> None:
        self._store = store
        self._messages = make_messages()
        self._free = count
        self._wake = trio.Event()
        self.answered = 0

    def _answer(self, result: PutMessageResult) -> None:
        self.answered += result.status == PutStatus.PUT_OK
        self._free += 1
        self._wake.set()

    async def run(self) -> None:
        while True:
            free, self._free = self._free, 0
            for index in range(free):
                self._store.puts.put(self._messages[index % QUEUES], self._answer)
            self._store.puts.end_pass()
            if not self._free:
                self._wake = trio.Event()
                await self._wake.wait()
            await trio.lowlevel.checkpoint()


async def sync_flush(store: MessageStore, count: int) -> float:
    """Return answered puts per second."""
    senders = Senders(store, count)
    async with trio.open_nursery() as nursery:
        store.events.flush_wanted = wanted = Wakeup()
        await nursery.start(lambda **kw: run_store(store, wanted, **kw))
        nursery.start_soon(senders.run)
        await trio.sleep(SYNC_S)
        nursery.cancel_scope.cancel()
    return senders.answered / SYNC_S


def sync_flush_table(where: str | None) -> None:
    for count in (1, 8, 64, 256):
        with tempfile.TemporaryDirectory(dir=where) as folder:
            store = make_store(str(Path(folder) / "store"), flush_disk_type="SYNC_FLUSH")
            rate = trio.run(sync_flush, store, count)
            print(f"{'SYNC_FLUSH':18} {count:3} senders: {rate:9,.0f} puts/s", flush=True)


def main() -> None:
    where = sys.argv[1] if len(sys.argv) > 1 else None
    for name, run in (("with dispatch", with_dispatch), ("without dispatch", without_dispatch)):
        for size in (1, 8, 32):
            with tempfile.TemporaryDirectory(dir=where) as folder:
                store = make_store(str(Path(folder) / "store"))
                gc.collect()
                seconds = run(store, size)
                print(
                    f"{name:18} pass of {size:2}: {COUNT / seconds:9,.0f} puts/s"
                    f"  {seconds / COUNT * 1e6:5.2f} us each"
                )
                if run is with_dispatch and size == 32:
                    print(f"{'pull 32 of 1 queue':18}            {gets(store):9,.0f} messages/s")
                    print(f"{'index':18}            {index(store):9,.0f} records/s")
                    store.close()
    sync_flush_table(where)


if __name__ == "__main__":
    main()
