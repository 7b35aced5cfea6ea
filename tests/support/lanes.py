"""A broker with a lane beside one without, and everything that may not differ."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from unittest import mock

from rmqwire.codec.batch import encode_entry
from rmqwire.codec.bodies import TopicConfig
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.codec.headers import (
    EndTransactionRequestHeader,
    SendMessageRequestHeader,
    SendMessageRequestHeaderV2,
)
from rmqwire.codec.native import NATIVE, PYTHON, SWITCH
from rmqwire.remoting.lane_turn import take_together
from tests.support.broker import MemoryBroker

if TYPE_CHECKING:
    from pathlib import Path

    from rmqwire.codec.release import Release
    from rmqwire.store.folder.file_queue import FileQueue

TOPIC = "BenchmarkTest"
KEY = "7F0000012B354E0E2F2A678A0000"
MEMBERS = [f"UNIQ_KEY\x01{KEY}{n}\x02TAGS\x01T{n}\x02KEYS\x01é{n}\x02" for n in range(20)]
"""Properties of messages of a batch."""


def write_full(files: FileQueue, data: bytes, offset: int) -> None:
    """Fail as a write does (``FileQueue.write``) on a disk that is full."""
    raise OSError(28, "No space left on device")


def on_lane(lane: str, folder: Path, release: Release, **settings: object) -> MemoryBroker:
    """Make a broker on a lane."""
    with mock.patch.dict(os.environ, {SWITCH: lane}):
        return MemoryBroker(folder / lane, release, **settings)


def send_frame(
    *,
    serialize_type: int = 1,
    v1: bool = False,
    topic: str = TOPIC,
    queue_id: int = 0,
    properties: str | None = f"KEYS\x01k\x02UNIQ_KEY\x01{KEY}\x02WAIT\x01true\x02TAGS\x01TagA\x02",
    body: bytes = b"x" * 128,
    opaque: int = 1,
    flag: int = 0,
    code: RequestCode | None = None,
    **fields: object,
) -> bytes:
    """Return the frame of a send."""
    values: dict[str, object] = {
        "producer_group": "producers", "topic": topic, "default_topic": "TBW102",
        "default_topic_queue_nums": 4, "queue_id": queue_id, "sys_flag": 0,
        "born_timestamp": 1_795_228_300_000, "flag": 0, "properties": properties,
        "reconsume_times": 0, "unit_mode": False, "batch": False,
    }  # fmt: skip
    header = (SendMessageRequestHeader if v1 else SendMessageRequestHeaderV2)(**(values | fields))
    if code is None:
        code = RequestCode.SEND_MESSAGE if v1 else RequestCode.SEND_MESSAGE_V2
    command = RemotingCommand.request(int(code), header, body, serialize_type=serialize_type)
    command.opaque = opaque
    command.flag = flag
    return encode_command(command)


def batch_frame(
    *members: str, properties: str = f"UNIQ_KEY\x01{KEY}\x02WAIT\x01true\x02", **fields: object
) -> bytes:
    """Return the frame of a batch send; its messages have these properties."""
    body = b"".join(encode_entry(n, b"%d" % n * n, one.encode()) for n, one in enumerate(members))
    values = {"batch": True, "properties": properties, "body": body} | fields
    return send_frame(code=RequestCode.SEND_BATCH_MESSAGE, **values)


def half_frame(number: int, **fields: object) -> bytes:
    """Return the frame of a half message."""
    usual: dict[str, object] = {
        "properties": f"KEYS\x01k\x02TRAN_MSG\x01true\x02UNIQ_KEY\x01{KEY}{number:06}\x02WAIT\x01true\x02"
        "PGROUP\x01producers\x02",
        "sys_flag": 4,
        "opaque": number,
    }
    return send_frame(**(usual | fields))


def end_frame(
    answer: RemotingCommand,
    how: int,
    *,
    serialize_type: int = 1,
    flag: int = 2,
    body: bytes = b"",
    remark: str | None = None,
    **fields: object,
) -> bytes:
    """Return the frame of the end that a producer sends of a half message it has the answer to."""
    ext = answer.ext_fields or {}
    usual: dict[str, object] = {
        "topic": TOPIC,
        "producer_group": "producers",
        "tran_state_table_offset": int(ext["queueOffset"]),
        "commit_log_offset": int(ext["msgId"][-16:], 16),
        "commit_or_rollback": how,
        "msg_id": KEY,
        "transaction_id": ext.get("transactionId", KEY),
    }
    header = EndTransactionRequestHeader(**(usual | fields))
    command = RemotingCommand.request(
        RequestCode.END_TRANSACTION, header, body, serialize_type=serialize_type
    )
    command.flag, command.remark = flag, remark
    return encode_command(command)


def without_lane(folder: Path, release: Release, **settings: object) -> MemoryBroker:
    """Make a broker whose handlers answer every request."""
    broker = on_lane(PYTHON, folder / "handlers", release, **settings)
    broker.core.handlers.lane = None
    return broker


class BothLanes:
    """A broker whose handlers answer every request, and one with a lane; given the same bytes."""

    def __init__(
        self, folder: Path, release: Release, lane: str = NATIVE, **settings: object
    ) -> None:
        self.brokers = [
            without_lane(folder, release, **settings),
            on_lane(lane, folder, release, **settings),
        ]
        assert self.brokers[1].core.handlers.lane is not None
        for name in (TOPIC, "Other"):
            for broker in self.brokers:
                broker.state.topics.update(TopicConfig(name, 4, 4))
        self.clients = [broker.connect("127.0.0.1:50000") for broker in self.brokers]
        self.looked_at = 0
        self.taken = self.asked = (
            0  # by the lane, on all connections so far; how often it was asked
        )
        of_second = self.brokers[1].core.handlers.lane
        take = of_second.take

        def counted(inputs):
            found = take(inputs)
            self.taken += sum(one[0] for one in found)
            self.asked += 1
            return found

        of_second.take = counted

    def reconnect(self) -> None:
        """Go on with new connections."""
        self.clients = [broker.connect("127.0.0.1:50000") for broker in self.brokers]

    def warm(self) -> None:
        """Send one message to each queue, so that all of them are there."""
        self.feed(*[send_frame(topic=t, queue_id=q) for t in (TOPIC, "Other") for q in range(4)])

    def receive(self, *chunks: bytes) -> None:
        """Let both read these bytes, without ending the pass."""
        for client in self.clients:
            client.connection.corked = True
            for chunk in chunks:
                client.connection.receive_data(chunk)

    def feed(self, *chunks: bytes) -> list[bytes]:
        """Let both read these bytes as one pass; compare, and give the answers of each."""
        self.receive(*chunks)
        return self.end_pass()

    def feed_together(self, *brought: bytes) -> list[bytes]:
        """Let as many connections bring this in one pass, to the lane in one call; compare, and give the lane's."""
        clients = [
            [b.connect(f"127.0.0.1:{50001 + n}") for n in range(len(brought))] for b in self.brokers
        ]
        for client in (one for both in clients for one in both):
            client.connection.corked = True
        for client, data in zip(clients[0], brought, strict=True):
            client.connection.receive_data(data)
        pairs = zip(clients[1], brought, strict=True)
        offered = [(client.connection, client.connection.offer(data), 0) for client, data in pairs]
        taken = take_together(offered)
        assert None not in taken
        for (connection, data, _), one in zip(offered, taken, strict=True):
            connection.go_on(data, one)
        self.end_pass()
        answers = [[client.connection.data_to_send() for client in both] for both in clients]
        assert answers[0] == answers[1]
        return answers[1]

    def end_pass(self) -> list[bytes]:
        """End the pass of both; compare, and give the answers of each."""
        for broker in self.brokers:
            broker.state.store.puts.end_pass()
        return self.compare()

    def compare(self) -> list[bytes]:
        """Compare all that can be seen; give the answers of each."""
        answers = [client.connection.data_to_send() for client in self.clients]
        # Some answers tell where a broker's files are.
        told = answers[1]
        for lane in (NATIVE, PYTHON):
            told = told.replace(f"/{lane}".encode(), f"/handlers/{PYTHON}".encode())
        assert answers[0] == told, "answers"
        connections = [client.connection for client in self.clients]
        for name in ("closed", "close_reason", "paused"):
            assert getattr(connections[0], name) == getattr(connections[1], name), name
        if not connections[0].closed:
            assert connections[0].frames_received == connections[1].frames_received
        ours, theirs = [_seen(broker, self.looked_at) for broker in self.brokers]
        for name, value in ours.items():
            assert value == theirs[name], name
        self.looked_at = self.brokers[0].state.store.log.end
        return answers

    def close(self) -> None:
        """Stop both."""
        for broker in self.brokers:
            broker.close()


def _seen(broker: MemoryBroker, begin: int) -> dict[str, object]:
    """Return what a broker has stored and counted; of the log, what lies behind ``begin``."""
    store = broker.state.store
    log, stats = store.log, store.stats
    totals = (broker.state.stats.put_total, broker.state.stats.get_total)
    queues = {
        (queue.topic, queue.queue_id): (queue.end, queue.next_offset, queue.tail.read(0, queue.end))
        for queue in store.queues
    }
    counted = {
        (name, key): (item.value, item.times)
        for name, table in broker.state.stats.tables.items()
        for key, item in table.items()
    }
    transactions = broker.state.transactions
    halves = {topic: metric.count for topic, metric in transactions.metrics.counts.items()}
    return {
        "transactions": (transactions.queue.done, list(transactions.queue._unwritten)),
        "halves": ({topic: n for topic, n in halves.items() if n}, transactions.recent._kept),
        "ops_due": transactions.ops_due_ms,
        "inflight": broker.state.pop.inflight._counts,
        "log": (log.end, log.append_end, log.last_record, log.last_store_timestamp),
        "records": log.queue.read(begin, log.end - begin),
        "queues": queues,
        "totals": totals,
        "counted": counted,
        "store": (stats.put_times, stats.put_bytes, stats.put_failed, stats._puts_by_ms),
        "topics": sorted(broker.state.topics.table),
    }
