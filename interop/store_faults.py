"""What power cuts, bad disks and wrong clocks leave in a store's folder, made by hand.

The same experiment runs on a Java broker and on ours: start, send, end, change the folder, look.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from interop.processes import Node, wait_until
from interop.wire import ask
from rmqwire.codec.checkpoint import StoreCheckpoint
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.consume_queue import pack_unit
from rmqwire.codec.headers import PullMessageRequestHeader, SendMessageRequestHeaderV2
from rmqwire.codec.host import pack_host
from rmqwire.codec.record import append_blank, append_record, iter_messages, peek
from rmqwire.codec.release import RELEASES

TOPIC = "beat"
GROUP = "beat_readers"
UNIT = 20  # bytes of a consume queue's entry


@dataclass(frozen=True)
class Subject:
    """One kind of broker on one folder.

    Args:
        home: the folder it runs in; the store is ``home/store``.
        launch: starts it there with settings.
        settings: of ``broker.conf``.
    """

    home: Path
    launch: Callable[[Path, str, Mapping[str, str]], Node]
    namesrv: str
    settings: dict[str, str]

    @property
    def store(self) -> Path:
        return self.home / "store"

    @property
    def log(self) -> Path:
        """The first file of the commit log."""
        return self.store / "commitlog" / f"{0:020d}"

    @property
    def queue(self) -> Path:
        """The first file of the topic's consume queue."""
        return self.store / "consumequeue" / TOPIC / "0" / f"{0:020d}"

    def start(self) -> Node:
        return self.launch(self.home, self.namesrv, self.settings)

    def try_start(self) -> tuple[Node | None, str]:
        """Start it; None and what it said when it ended instead."""
        try:
            return self.start(), ""
        except RuntimeError as error:
            return None, str(error)


def send(node: Node, body: bytes, **fields: object) -> RemotingCommand:
    """Send one message to queue 0 as a producer does; all are of one size when the bodies are."""
    values = {
        "producer_group": "beat_writers",
        "topic": TOPIC,
        "default_topic": "TBW102",
        "default_topic_queue_nums": 1,
        "queue_id": 0,
        "sys_flag": 0,
        "born_timestamp": 1_700_000_000_000,
        "flag": 0,
        "properties": "UNIQ_KEY\x01" + body[:16].hex().rjust(32, "0") + "\x02",
        "reconsume_times": 0,
        "unit_mode": False,
        "batch": False,
    } | fields
    header = SendMessageRequestHeaderV2(**values)  # type: ignore[arg-type]  # all are its fields
    return ask(node.addr, RemotingCommand.request(RequestCode.SEND_MESSAGE_V2, header, body), 20)


def send_all(node: Node, bodies: list[bytes]) -> list[int]:
    """Send messages one after the other; give the codes of the answers."""
    return [send(node, body).code for body in bodies]


def pull(node: Node, offset: int) -> RemotingCommand:
    """Pull from the queue without waiting."""
    header = PullMessageRequestHeader(
        consumer_group=GROUP,
        topic=TOPIC,
        queue_id=0,
        queue_offset=offset,
        max_msg_nums=32,
        sys_flag=4,  # the subscription comes with it
        commit_offset=0,
        suspend_timeout_millis=0,
        subscription="*",
        sub_version=0,
        expression_type="TAG",
    )
    return ask(node.addr, RemotingCommand.request(RequestCode.PULL_MESSAGE, header), 20)


def drain(node: Node) -> dict[int, bytes]:
    """Read the queue as a consumer does that starts at 0; give the bodies by queue offset."""
    found: dict[int, bytes] = {}
    offset, tries = 0, 0
    while tries < 20:
        answer = pull(node, offset)
        following = int((answer.ext_fields or {}).get("nextBeginOffset", offset))
        if answer.code == ResponseCode.SUCCESS:
            for message in iter_messages(bytes(answer.body)):
                found[message.queue_offset] = bytes(message.body)
        elif following == offset:
            return found
        offset, tries = following, tries + 1
    return found


def commit(node: Node, offset: int) -> None:
    fields = {"consumerGroup": GROUP, "topic": TOPIC, "queueId": "0", "commitOffset": str(offset)}
    answer = ask(node.addr, RemotingCommand(RequestCode.UPDATE_CONSUMER_OFFSET, fields))
    assert answer.code == ResponseCode.SUCCESS, answer


def committed(node: Node) -> int | None:
    """The group's offset, None when the broker says that it has none."""
    fields = {"consumerGroup": GROUP, "topic": TOPIC, "queueId": "0"}
    answer = ask(node.addr, RemotingCommand(RequestCode.QUERY_CONSUMER_OFFSET, fields))
    return int((answer.ext_fields or {})["offset"]) if answer.code == ResponseCode.SUCCESS else None


def max_offset(node: Node) -> int:
    fields = {"topic": TOPIC, "queueId": "0"}
    answer = ask(node.addr, RemotingCommand(RequestCode.GET_MAX_OFFSET, fields))
    assert answer.code == ResponseCode.SUCCESS, answer
    return int((answer.ext_fields or {})["offset"])


# ---- the folder


def records(log: Path) -> list[tuple[int, int]]:
    """The offset and size of each record of the first file of a commit log."""
    data, found, at = log.read_bytes(), [], 0
    while at + 8 <= len(data):
        size, _ = peek(data, at)
        if size <= 0:
            break
        found.append((at, size))
        at += size
    return found


def overwrite(file: Path, offset: int, data: bytes) -> None:
    with file.open("r+b") as stream:
        stream.seek(offset)
        stream.write(data)


def zero_units(queue: Path, first: int) -> None:
    """Leave a consume queue's file as it was before entry ``first`` was written."""
    size = queue.stat().st_size
    overwrite(queue, first * UNIT, bytes(size - first * UNIT))


SEGMENT = 65536  # bytes of a commit log file in the clock trap
HOUR_MS = 3_600_000


def clock_trap(subject: Subject, version: str) -> list[bytes]:
    """Put a killed broker's store in the place of the one that is there.

    Four files of the commit log. While the second was written the clock was an hour ahead; the
    queues were synced there, and the checkpoint got that time. Then the clock was put right, two
    more files were written, and the power went: their queue entries are gone.

    Returns:
        The body of each message, by queue offset.
    """
    release = RELEASES[version]
    began = time.time_ns() // 1_000_000 - 2 * HOUR_MS
    bodies: list[bytes] = []
    units = b""
    last_synced = 0
    for folder in ("commitlog", "consumequeue", "index"):
        shutil.rmtree(subject.store / folder, ignore_errors=True)
    for name in ("rmqwire.mark", "checkpoint"):
        (subject.store / name).unlink(missing_ok=True)
    subject.log.parent.mkdir()
    for number in range(4):
        log = bytearray()
        while len(log) < SEGMENT - 6000:
            stored = began + 1000 * len(bodies) + (HOUR_MS if number == 1 else 0)
            body = b"%04d" % len(bodies) * 1000
            at = len(log)
            append_record(
                log,
                topic=TOPIC.encode(),
                body=body,
                properties=b"",
                queue_id=0,
                flag=0,
                queue_offset=len(bodies),
                physical_offset=number * SEGMENT + at,
                sys_flag=0,
                born_timestamp=stored,
                born_host=pack_host("127.0.0.1", 40000),
                store_timestamp=stored,
                store_host=pack_host("127.0.0.1", int(subject.settings["listenPort"])),
                reconsume_times=0,
                prepared_transaction_offset=0,
            )
            bodies.append(body)
            if number < 2:
                units += pack_unit(number * SEGMENT + at, len(log) - at, 0)
                last_synced = stored
        if number < 3:
            append_blank(log, SEGMENT - len(log))
        file = subject.log.with_name(f"{number * SEGMENT:020d}")
        file.write_bytes(log.ljust(SEGMENT, b"\0"))
    subject.queue.parent.mkdir(parents=True)
    subject.queue.write_bytes(units.ljust(2000, b"\0"))
    times = StoreCheckpoint(stored, last_synced, last_synced)
    (subject.store / "checkpoint").write_bytes(times.encode(release))
    (subject.store / "abort").write_bytes(b"")
    return bodies


# ---- a disk that fails


@contextmanager
def first_sync_fails(node: Node, trace: Path) -> Iterator[None]:
    """Let the first sync of each thread give EIO, undone; the next ones do what they say."""
    calls = "msync,fdatasync,fsync"
    command = [
        "strace", "-f", "-p", str(node.process.pid), "-o", str(trace),
        "-e", f"trace={calls}", "-e", f"inject={calls}:error=EIO:when=1",
    ]  # fmt: skip
    with trace.with_suffix(".said").open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        wait_until(lambda: process.poll() is not None or _all_traced(node), "strace", 30)
        assert process.poll() is None, trace.with_suffix(".said").read_text()
        yield
    finally:
        process.terminate()
        process.wait(30)


def _all_traced(node: Node) -> bool:
    tasks = Path(f"/proc/{node.process.pid}/task").iterdir()
    return all("TracerPid:\t0\n" not in (task / "status").read_text() for task in tasks)


def failed_syncs_of_log(node: Node, trace: Path) -> tuple[int, int]:
    """How many syncs of the commit log failed while traced, and how many of them went well after.

    Args:
        node: still running, so that its mappings and descriptors can be looked up.
        trace: what strace wrote.
    """
    ours = []
    for line in trace.read_text().splitlines():
        found = re.search(r"(msync|fdatasync|fsync)\((0x[0-9a-f]+|\d+)", line)
        if found is not None and "commitlog" in _target(node, found[1], found[2]):
            ours.append("INJECTED" in line)
    failed = ours.count(True)
    return failed, len(ours) - failed


def _target(node: Node, call: str, argument: str) -> str:
    """The file that a sync speaks of."""
    if call != "msync":
        return str(Path(f"/proc/{node.process.pid}/fd/{argument}").resolve())
    address = int(argument, 16)
    for line in Path(f"/proc/{node.process.pid}/maps").read_text().splitlines():
        begin, end = (int(part, 16) for part in line.split()[0].split("-"))
        if begin <= address < end:
            return line.split()[-1]
    return ""
