"""The PyPI package rocketmq-python-client, driven line by line; the lines are those of programs.py.

It runs in a virtual environment of its own, where rmqwire isn't installed.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import time
from collections import Counter
from typing import Any

from rocketmq import (  # type: ignore[import-not-found, unused-ignore]
    ClientConfiguration,
    ConsumeResult,
    Credentials,
    FilterExpression,
    LitePushConsumer,
    Message,
    MessageListener,
    Producer,
    PushConsumer,
    SimpleConsumer,
    TransactionChecker,
    TransactionResolution,
)
from rocketmq.grpc_protocol import FilterType  # type: ignore[import-not-found, unused-ignore]

AWAIT_S = 5

Words = dict[str, Any]
out = os.fdopen(os.dup(1), "w", buffering=1)  # what the package prints goes to stderr
os.dup2(2, 1)
producers: dict[tuple[str, str, str], Any] = {}
consumers: dict[str, Any] = {}
listeners: dict[str, Listener] = {}
held: dict[str, Any] = {}
signing = [Credentials()]  # the last of them signs


class Checker(TransactionChecker):  # type: ignore[misc]
    def check(self, message: Any) -> Any:
        return TransactionResolution.Value(message.properties["verdict"])


class Listener(MessageListener):  # type: ignore[misc]
    """Keeps what comes; the first ``failures`` deliveries of each message fail."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.came: queue.Queue[Words] = queue.Queue()
        self.seen: Counter[str] = Counter()

    def consume(self, message: Any) -> Any:
        self.came.put(describe(message))
        self.seen[message.message_id] += 1
        failed = self.seen[message.message_id] <= self.failures
        return ConsumeResult.FAILURE if failed else ConsumeResult.SUCCESS


def say(**answer: Any) -> None:
    out.write(f"@@ {json.dumps(answer)}\n")


def sign(words: Words) -> None:
    signing.append(Credentials(words["accessKey"], words["secretKey"]))


def configuration(endpoints: str) -> Any:
    return ClientConfiguration(endpoints, signing[-1], request_timeout=30)


def producer_of(endpoints: str, topic: str) -> Any:
    key = (endpoints, topic, signing[-1].ak)
    if key not in producers:
        made = Producer(configuration(endpoints), (topic,), checker=Checker())
        made.startup()
        producers[key] = made
    return producers[key]


def send(words: Words) -> None:
    for form in words["messages"]:
        producer = producer_of(words["endpoints"], form["topic"])
        if "end" in form:
            transaction = producer.begin_transaction()
            receipt = producer.send(message_of(form), transaction)
            if form["end"] == "commit":
                transaction.commit()
            elif form["end"] == "rollback":
                transaction.rollback()
        else:
            receipt = producer.send(message_of(form))
        say(messageId=receipt.message_id, recallHandle=receipt.recall_handle)


def message_of(form: Words) -> Any:
    message = Message()
    message.topic = form["topic"]
    message.body = form["body"].encode()
    if "tag" in form:
        message.tag = form["tag"]
    if "key" in form:
        message.keys = form["key"]
    if "group" in form:
        message.message_group = form["group"]
    if "lite" in form:
        message.lite_topic = form["lite"]
    if "deliverAt" in form:
        message.delivery_timestamp = form["deliverAt"] // 1000
    if "priority" in form:
        message.priority = form["priority"]
    for key, value in form.get("properties", {}).items():
        message.add_property(key, value)
    return message


def recall(words: Words) -> None:
    producer = producer_of(words["endpoints"], words["topic"])
    say(messageId=producer.recall_message(words["topic"], words["handle"]))


def subscription(words: Words) -> dict[str, Any]:
    kind = FilterType.Value("SQL" if words["filter"] == "SQL92" else "TAG")
    return {words["topic"]: FilterExpression(words["expression"], kind)}


def simple(words: Words) -> None:
    made = SimpleConsumer(
        configuration(words["endpoints"]), words["group"], subscription(words), AWAIT_S
    )
    made.startup()
    consumers[words["name"]] = made


def receive(words: Words) -> None:
    for message in consumers[words["name"]].receive(words["max"], words["seconds"]):
        handle = str(len(held))
        held[handle] = message
        say(handle=handle, **describe(message))


def ack(words: Words) -> None:
    consumers[words["name"]].ack(held[words["handle"]])


def change(words: Words) -> None:
    message = held[words["handle"]]
    consumers[words["name"]].change_invisible_duration(message, words["seconds"])


def push(words: Words) -> None:
    listener = listeners[words["name"]] = Listener(words["failures"])
    lite = words.get("lite")
    made = (PushConsumer if lite is None else LitePushConsumer)(
        configuration(words["endpoints"]), words["group"],
        *((listener, subscription(words)) if lite is None else (words["topic"], listener)),
        consumption_thread_count=4,
    )  # fmt: skip
    made.startup()
    for name in lite or ():
        made.subscribe_lite(name)
    consumers[words["name"]] = made


def poll(words: Words) -> None:
    came = listeners[words["name"]].came
    deadline = time.monotonic() + words["ms"] / 1000
    for _ in range(words["count"]):
        try:
            say(**came.get(timeout=max(0.001, deadline - time.monotonic())))
        except queue.Empty:
            return


def close(words: Words) -> None:
    consumers.pop(words["name"]).shutdown()


def describe(message: Any) -> Words:
    keys = list(message.keys or ())
    return {
        "messageId": message.message_id,
        "topic": message.topic,
        "body": message.body.decode(),
        "tag": message.tag,
        "key": keys[0] if keys else None,
        "group": message.message_group,
        "lite": message.lite_topic,
        "attempt": message.delivery_attempt,
        "properties": dict(message.properties or {}),
        "cameAt": time.time_ns() // 1_000_000,
    }


COMMANDS = {
    one.__name__: one
    for one in (sign, send, recall, simple, receive, ack, change, push, poll, close)
}


def main() -> None:
    say(ready=True)
    for line in sys.stdin:
        name, _, words = line.rstrip("\n").partition("\t")
        try:
            COMMANDS[name](json.loads(words))
            say(end=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is told
            say(error=f"{type(error).__name__}: {error}")
    os._exit(0)  # its threads aren't daemons


main()
