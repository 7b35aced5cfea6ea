"""Clients of lite topics by requests of our own, at a broker of either kind."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from typing import Any

from interop import kinds
from interop.processes import wait_until
from interop.wire import ask, read_frame
from rmqwire.codec import RemotingCommand, decode_command, encode_command
from rmqwire.codec.bodies import ConsumerData, HeartbeatData, SubscriptionGroupConfig
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.lite_topic import lmq_name
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import DEFAULT_RELEASE
from tests.broker.lite.support import PARENT, LiteConsumer
from tests.support import requests

BROKER_NAME = "broker-a"  # in the handles that LiteConsumer makes
SETTINGS = {"brokerName": BROKER_NAME, "enableLmq": "true", "enableMultiDispatch": "true"}
GROUPS: dict[str, dict[str, str]] = {
    "gl": {"+lite.bind.topic": PARENT},
    "glx": {"+lite.bind.topic": PARENT, "+lite.sub.model": "Exclusive"},
    "gw": {"+lite.bind.topic": PARENT, "+lite.sub.wildcard": "true"},
    "gp": {},
}
OF_THE_MOMENT = {
    "lastAccessTime",
    "lastUpdateTimestamp",
    "earliestUnconsumedTimestamp",
    "lastTimestamp",
    "cqTableSize",
    "offsetTableSize",
    "eventMapSize",
    "currentLmqNum",  # Java counts one that was asked for and never sent to
    "lmqNum",
    "orderInfoCount",
}


class Line:
    """One connection that stays open: brokers send notices on it."""

    def __init__(self, addr: str) -> None:
        host, _, port = addr.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), 25)
        self.notices: list[RemotingCommand] = []

    def call(self, request: RemotingCommand) -> RemotingCommand:
        """Send a request and return its answer; what the broker asks meanwhile is kept."""
        self.ask(request)
        return self.answer_to(request)

    def ask(self, request: RemotingCommand) -> None:
        """Send a request."""
        self._socket.sendall(encode_command(request))

    def answer_to(self, request: RemotingCommand) -> RemotingCommand:
        """Wait for the answer of a request; what the broker asks meanwhile is kept."""
        while True:
            command = decode_command(read_frame(self._socket))
            if command.is_response and command.opaque == request.opaque:
                return command
            self.notices.append(command)

    def listen(self, seconds: float) -> list[RemotingCommand]:
        """Return what the broker has asked so far, waiting for it."""
        self._socket.settimeout(seconds)
        with suppress(TimeoutError):
            self.notices.append(decode_command(read_frame(self._socket)))
        self._socket.settimeout(25)
        return self.notices

    def close(self) -> None:
        self._socket.close()


class LiteSide:
    """A broker with the LITE topic ``lt``, its groups, and clients.

    Args:
        addr: the broker's.
    """

    def __init__(self, addr: str) -> None:
        self.addr = addr
        self._lines: list[Line] = []

    def make(self, expiration: int = 30) -> None:
        """Make the topic, one that isn't LITE, and the groups."""
        attributes = f"+message.type=LITE,+lite.topic.expiration={expiration}"
        kinds.make_topic(self.addr, PARENT, attributes, queues=2)
        kinds.make_topic(self.addr, "norm", queues=2)
        for name, of_group in GROUPS.items():
            config = SubscriptionGroupConfig(group_name=name, attributes=of_group)
            request = RemotingCommand.request(int(R.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP))
            request.body = config.encode(DEFAULT_RELEASE)
            assert ask(self.addr, request).code == 0

    def connect(self) -> Line:
        """Open a connection of a client."""
        self._lines.append(Line(self.addr))
        return self._lines[-1]

    def client(self, client_id: str, group: str = "gl") -> LiteConsumer:
        """Return a client of a group, that the broker has heard of."""
        made = LiteConsumer(self, client_id, group)
        member = ConsumerData(
            group_name=group,
            consume_type="CONSUME_POP",
            message_model="CLUSTERING",
            consume_from_where="CONSUME_FROM_FIRST_OFFSET",
            subscription_data_set=[requests.subscription(PARENT)],
        )
        beat = RemotingCommand.request(int(R.HEART_BEAT))
        data = HeartbeatData(client_id=client_id, consumer_data_set=[member])
        beat.body = data.encode(DEFAULT_RELEASE)
        assert made.client.call(beat).code == 0
        return made

    def send(self, lite_topic: str, *bodies: str, topic: str = PARENT) -> None:
        """Send to a lite topic, and wait until all of it is in its queue."""
        lmq = lmq_name(topic, lite_topic)
        end = self.end(lmq) + len(bodies)
        for body in bodies:
            properties = f"UNIQ_KEY\x01{lite_topic}-{body}\x02__LITE_TOPIC\x01{lite_topic}\x02"
            request = requests.send(topic, body.encode(), properties=properties)
            answer = ask(self.addr, request)
            assert answer.code == ResponseCode.SUCCESS, answer
        wait_until(lambda: self.end(lmq) >= end, f"{len(bodies)} messages in {lite_topic}", 20)
        time.sleep(0.3)  # Java makes an event of a message behind its place in the queue

    def end(self, lmq: str) -> int:
        return max(kinds.ends_of(self.addr, lmq)[1], 0)

    def ask(self, code: R, fields: dict[str, str] | None = None) -> RemotingCommand:
        """Send a request on a connection of its own."""
        return ask(self.addr, RemotingCommand(code, fields or {}))

    def close(self) -> None:
        for line in self._lines:
            line.close()


def shown(answer: RemotingCommand) -> dict[str, Any]:
    """Show what must be the same of an answer."""
    fields = dict(answer.ext_fields) if answer.ext_fields else None
    for name in ("popTime", "invisibleTime", "msgId", "transactionId") if fields else ():
        if fields and name in fields:
            fields[name] = "something"
    body: object = bytes(answer.body)
    if answer.body and answer.body[:1] == b"{":
        body = without_times(json.loads(answer.body))
    elif answer.body:
        body = [
            (m.queue_id, m.queue_offset, m.body, sorted(m.properties.items()))
            for m in iter_messages(answer.body)
        ]
    return {"code": answer.code, "remark": answer.remark, "fields": fields, "body": body}


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: without_times(part) for name, part in value.items() if name not in OF_THE_MOMENT
        }
    if isinstance(value, list):
        return sorted(map(without_times, value), key=str)
    return value
