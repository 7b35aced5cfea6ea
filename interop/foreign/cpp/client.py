"""The C++ client (the PyPI package ``rocketmq`` carries librocketmq), driven line by line.

Runs in a virtual environment of its own; the lines are those of ``interop/client_program.py``.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import time
from collections import Counter
from typing import Any

from rocketmq.client import Message, Producer, PushConsumer, RecvMessage
from rocketmq.exceptions import ffi_check
from rocketmq.ffi import dll

STATUSES = ("SEND_OK", "FLUSH_DISK_TIMEOUT", "FLUSH_SLAVE_TIMEOUT", "SLAVE_NOT_AVAILABLE")
BATCH = 10
CONSUME_SUCCESS, RECONSUME_LATER = 0, 1

Words = list[str]


class Programme:
    """The commands.

    Args:
        out: file descriptor of the answers; the library's own words go to stderr.
    """

    def __init__(self, out: int) -> None:
        self._out = out
        self._producers: dict[str, Producer] = {}
        self._consumers: dict[str, Consumer] = {}
        self._commands = {
            "produce": self._produce,
            "consume-start": self._consume_start,
            "consume-poll": self._consume_poll,
            "consume-stop": self._consume_stop,
        }

    def say(self, answer: dict[str, Any]) -> None:
        os.write(self._out, b"@@ " + json.dumps(answer).encode() + b"\n")

    def run(self) -> None:
        self.say({"ready": True})
        for line in sys.stdin:
            name, *words = line.rstrip("\n").split("\t")
            try:
                self._commands[name](words)
            except Exception as error:  # noqa: BLE001 - the driver is told
                self.say({"error": f"{type(error).__name__}: {error}"})
            else:
                self.say({"end": True})
        for producer in self._producers.values():
            producer.shutdown()

    def _producer(self, namesrv: str) -> Producer:
        if namesrv not in self._producers:
            producer = Producer("cpp_producer", timeout=10_000)
            producer.set_namesrv_addr(namesrv)
            instance = f"producer-{namesrv}".encode()  # else it goes to the first one's servers
            ffi_check(dll.SetProducerInstanceName(producer._handle, instance))
            producer.start()
            self._producers[namesrv] = producer
        return self._producers[namesrv]

    def _produce(self, words: Words) -> None:
        """Send COUNT messages: NAMESRV TOPIC MODE COUNT KIND SEED QUEUE.

        MODE is sync, oneway, batch, orderly, oneway-orderly or delay-LEVEL. An orderly message goes
        to QUEUE or, where that is -1, to the queue of its number modulo their count.
        """
        namesrv, topic, mode, count, kind, seed, number = words
        producer = self._producer(namesrv)
        forms = [form(i, kind, seed) for i in range(int(count))]
        if mode == "batch":
            for at in range(0, len(forms), BATCH):
                some = forms[at : at + BATCH]
                result = producer.send_batch([message(topic, one) for one in some])
                for one in some:
                    self.say(one)
                self.say({"batch": result.msg_id, **answered(result)})
            return
        for i, one in enumerate(forms):
            made = message(topic, one)
            chosen = int(number) if int(number) >= 0 else i
            if mode == "oneway":
                producer.send_oneway(made)
                self.say(one)
            elif mode == "oneway-orderly":
                producer.send_oneway_orderly(made, chosen)
                self.say(one)
            elif mode == "orderly":
                self.say(one | answered(producer.send_orderly(made, chosen)))
            elif mode == "sync":
                self.say(one | answered(producer.send_sync(made)))
            elif mode.startswith("delay-"):
                made.set_delay_time_level(int(mode.removeprefix("delay-")))
                self.say(one | answered(producer.send_sync(made)))
            else:
                raise ValueError(f"unknown mode {mode}")

    def _consume_start(self, words: Words) -> None:
        """Start a consumer: NAME NAMESRV GROUP TOPIC EXPRESSION FAILURES [orderly]."""
        name, namesrv, group, topic, expression, failures, *how = words
        self._consumers[name] = Consumer(
            name, namesrv, group, topic, expression, int(failures), how == ["orderly"]
        )

    def _consume_poll(self, words: Words) -> None:
        """Say what came: NAME COUNT TIMEOUT_MS."""
        name, count, timeout_ms = words
        for one in self._consumers[name].take(int(count), int(timeout_ms) / 1000):
            self.say(one)

    def _consume_stop(self, words: Words) -> None:
        self._consumers.pop(words[0]).client.shutdown()


class Consumer:
    """A started push consumer whose first ``failures`` deliveries of each message fail."""

    def __init__(
        self,
        name: str,
        namesrv: str,
        group: str,
        topic: str,
        expression: str,
        failures: int,
        orderly: bool,
    ) -> None:
        self._came: queue.Queue[dict[str, Any]] = queue.Queue()
        self._seen: Counter[str] = Counter()
        self._failures = failures
        self.client = PushConsumer(group, orderly=orderly)
        self.client.set_namesrv_addr(namesrv)
        self.client.set_instance_name(name)
        # The binding's own subscribe() answers "consumed" for a listener that raises.
        ffi_check(dll.Subscribe(self.client._handle, topic.encode(), expression.encode()))
        self.client._register_callback(self._listen)
        self.client.start()

    def _listen(self, _consumer: object, handle: object) -> int:
        got = describe(RecvMessage(handle))
        self._came.put(got)
        self._seen[got["keys"]] += 1
        return RECONSUME_LATER if self._seen[got["keys"]] <= self._failures else CONSUME_SUCCESS

    def take(self, count: int, seconds: float) -> list[dict[str, Any]]:
        deadline = time.monotonic() + seconds
        taken: list[dict[str, Any]] = []
        try:
            while len(taken) < count:
                taken.append(self._came.get(timeout=max(0.0, deadline - time.monotonic())))
        except queue.Empty:
            return taken
        return taken


def form(i: int, kind: str, seed: str) -> dict[str, Any]:
    """Return keys, tags and body of message ``i``."""
    texts = {
        "small": "message {} of C++",
        "unicode": "héllo 消息 \N{ROCKET} {}",
        "large": "{} " + "the quick brown fox " * 450,
    }
    body = texts[kind].format(i).encode()
    return {"keys": f"key-{seed}-{i}", "tags": f"Tag{'ABC'[i % 3]}", "body": body.hex()}


def message(topic: str, one: dict[str, Any]) -> Message:
    made = Message(topic)
    made.set_keys(one["keys"])
    made.set_tags(one["tags"])
    made.set_property("city", f"東京 {one['keys']}")
    made.set_body(bytes.fromhex(one["body"]))
    return made


def answered(result: Any) -> dict[str, Any]:
    """Return what a SendResult says; the C interface has no queue in it."""
    return {
        "msgId": result.msg_id,
        "status": STATUSES[result.status],
        "queueOffset": result.offset,
    }


def describe(got: RecvMessage) -> dict[str, Any]:
    return {
        "topic": got.topic,
        "queueId": got.queue_id,
        "queueOffset": got.queue_offset,
        "msgId": got.id,
        "keys": text(got.keys),
        "tags": text(got.tags),
        "reconsumeTimes": got.reconsume_times,
        "born": got.born_timestamp,
        "stored": got.store_timestamp,
        "body": got.body.hex(),
        "properties": {"city": text(got["city"])},
    }


def text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


if __name__ == "__main__":
    answers = os.dup(1)
    os.dup2(2, 1)
    Programme(answers).run()
    os._exit(0)  # the library's own threads outlive its shutdown
