"""Histories: of a store in one process, and the JSONL files of real ones."""

from __future__ import annotations

import json
import threading
import time

from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.record import iter_messages
from rmqwire.store.message_store import GetStatus, PutStatus
from tests.support.checker import make_body, read_body, sha_of
from tests.support.log_rebuild import rebuild_queues, served_queues
from tests.support.stores import message


def queue_name(topic: str, queue_id: int) -> str:
    """Name a queue in a history."""
    return f"{topic}:{queue_id}"


class HistoryFile:
    """Write events of many threads to a JSONL file, each with both clocks."""

    def __init__(self, path):
        self.path = path
        self._lock = threading.Lock()
        self._file = path.open("a", buffering=1)

    def add(self, op, **fields):
        event = {"op": op, **fields}
        event["wall_ms"] = time.time_ns() // 1_000_000
        with self._lock:
            event["mono_ns"] = time.monotonic_ns()
            self._file.write(json.dumps(event) + "\n")

    def close(self):
        self._file.close()


class StoreDriver:
    """Put into a store and read from it, each step an event of ``emit``.

    Args:
        store: open.
        emit: takes events.
        name: of the producer, first part of the uids.
        first: number of the first message.
    """

    def __init__(self, store, emit, name="p", first=0):
        self.store = store
        self.emit = emit
        self.name = name
        self.count = first
        self.read_to = {}  # (topic, queue id) -> next offset of the reader

    def put(self, topic="T", queue_id=0, payload=b"", tag=""):
        """Put one message into the running pass; its answer becomes an event when it comes."""
        uid = f"{self.name}:{self.count}:0"
        self.count += 1
        body = make_body(uid, payload)
        self.emit({"op": "send", "type": "invoke", "uid": uid, "sha": sha_of(body)})

        refused = True

        def done(result):
            event = {"op": "send", "uid": uid, "type": "fail" if refused else "info"}
            if result.status == PutStatus.PUT_OK:
                name = queue_name(topic, queue_id)
                event |= {"type": "ok", "queue": name, "offset": result.queue_offset}
            self.emit(event)

        properties = b"TAGS\x01%s\x02" % tag.encode() if tag else b""
        code = tags_code(tag or None)
        self.store.puts.put(
            message(topic, queue_id, body, properties=properties, tags_code=code), done
        )
        refused = False  # what is answered later may be on the disk, whatever the answer

    def delete(self, topic):
        """Delete a topic: its messages are gone when this returns."""
        self.emit({"op": "delete", "type": "invoke", "topic": topic})
        self.store.delete_topics([topic])
        self.read_to = {place: at for place, at in self.read_to.items() if place[0] != topic}
        self.emit({"op": "delete", "type": "ok", "topic": topic})

    def flush(self):
        """Sync the log as the store's service does."""
        plan = self.store.flushes.log_flush_plan(thorough=True)
        if plan is not None:
            self.store.flushes.run_flush(plan)

    def flush_queues(self):
        """Write and sync the queues, then the checkpoint."""
        plan = self.store.flushes.queue_flush_plan(thorough=True)
        try:
            plan.run(self.store.files)
        except OSError:
            plan.release(succeeded=False)
        else:
            self.store.flushes.queues_flushed(plan, thorough=True)

    def poll(self, topic, queue_id, count=32):
        """Read on in a queue as a consumer does."""
        begin = self.read_to.get((topic, queue_id), 0)
        result = self.store.get_message(topic, queue_id, begin, count)
        if result.status != GetStatus.FOUND:
            return
        self.read_to[topic, queue_id] = result.next_begin_offset
        self.emit(
            {
                "op": "poll",
                "reader": "r",
                "queue": queue_name(topic, queue_id),
                "begin": begin,
                "next": result.next_begin_offset,
                "messages": messages_of(result.body),
            }
        )

    def drain(self):
        """Read every queue from its beginning to its end, and compare them with the log."""
        store = self.store
        for topic in store.topics():
            for queue_id in store.queue_ids(topic):
                self.emit(drain_queue(store, topic, queue_id))
        self.emit({"op": "drain", "type": "end"})

    def audit(self):
        """Compare all queues with an independent reading of the log."""
        rebuilt = rebuild_queues(
            self.store.files,
            self.store.config,
            self.store.max_phy_offset,
            self.store.deleted.table,
        )
        served = served_queues(self.store)
        for place in {**rebuilt, **served}:
            event = {"op": "audit", "queue": queue_name(*place)}
            event["served"] = served.get(place, [])
            event["rebuilt"] = rebuilt.get(place, [])
            self.emit(event)


def messages_of(body):
    """Return (offset, uid, sha, whole) of each record of a pull's answer."""
    return [(one.queue_offset, *read_body(one.body)) for one in iter_messages(body)]


def drain_queue(store, topic, queue_id):
    """Read a whole queue; give the event."""
    low, high = store.min_offset(topic, queue_id), store.max_offset(topic, queue_id)
    found, offset = [], low
    while offset < high:
        result = store.get_message(topic, queue_id, offset, 32)
        if result.status != GetStatus.FOUND:
            break
        found += messages_of(result.body)
        offset = result.next_begin_offset
    event = {"op": "drain", "type": "queue", "queue": queue_name(topic, queue_id)}
    return {**event, "min": low, "max": high, "messages": found}
