"""What a broker pays for a message that is popped and acknowledged, by 1, 8 and 64 consumers of a group."""

from __future__ import annotations

import time
from contextlib import ExitStack
from itertools import count
from selectors import EVENT_READ, DefaultSelector
from socket import create_connection, socket

from bench.cases.group import Group
from bench.machine import cpu_seconds, settle
from bench.results import Figures
from bench.rounds import Bench
from bench.sides import JAVA, Server
from interop.processes import wait_until
from interop.wire import ask, max_offset
from rmqwire.codec import decode_frame, encode_command
from rmqwire.codec.batch import encode_batch
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import AckMessageRequestHeader, PopMessageRequestHeader
from rmqwire.codec.message import Message, StoredMessage
from rmqwire.codec.pop import ExtraInfo
from rmqwire.remoting.frame_reader import FrameReader
from tests.broker.pop.support import messages_of
from tests.support import requests

TOPIC, QUEUES = "Popped", 8
CONSUMERS = {f"pop/{count}": count for count in (1, 8, 64)}
MESSAGES, QUICK_MESSAGES = 6_400, 640
BATCH, POPPED = 80, 32
INVISIBLE_MS = 12_000
LATER_S = INVISIBLE_MS / 1000 + 5  # then every check point is settled
WARM_ROUNDS = {JAVA: 4}
LIMIT_S = 60
_groups = count()


class Popper:
    """One consumer: pops, acknowledges each message, pops again when all acks are confirmed."""

    def __init__(self, connection: socket, broker_name: str, group: str) -> None:
        self.connection = connection
        self.done = 0
        self._broker_name = broker_name
        self._group = group
        self._reader = FrameReader()
        self._acks = 0

    def pop(self) -> None:
        header = PopMessageRequestHeader(
            consumer_group=self._group,
            topic=TOPIC,
            queue_id=-1,
            max_msg_nums=POPPED,
            invisible_time=INVISIBLE_MS,
            poll_time=0,
            born_time=int(time.time() * 1000),
        )
        self._send([RemotingCommand.request(RequestCode.POP_MESSAGE, header)])

    def read(self) -> None:
        """Take what has come and go on."""
        data = self.connection.recv(1 << 18)
        assert data, "the broker has closed the connection"
        for frame in self._reader.receive_data(data):
            answer = decode_frame(bytes(frame))
            if self._acks:
                assert answer.code == 0, answer
                self._acks -= 1
                self.done += 1
                if not self._acks:
                    self.pop()
                continue
            messages = messages_of(answer, self._broker_name, self._group)
            self._acks = len(messages)
            if messages:
                self._send([self._ack(message) for message in messages])
            else:
                self.pop()

    def _ack(self, message: StoredMessage) -> RemotingCommand:
        handle = message.properties["POP_CK"]
        header = AckMessageRequestHeader(
            consumer_group=self._group,
            topic=TOPIC,
            queue_id=ExtraInfo.decode(handle).queue_id,
            extra_info=handle,
            offset=message.queue_offset,
        )
        return RemotingCommand.request(RequestCode.ACK_MESSAGE, header)

    def _send(self, requested: list[RemotingCommand]) -> None:
        self.connection.sendall(b"".join(map(encode_command, requested)))


def fill(server: Server, messages: int) -> None:
    addr = server.node.addr
    assert ask(addr, requests.create_topic(TOPIC, queues=QUEUES)).code == 0
    share = messages // QUEUES
    for first in range(0, messages, BATCH):
        batch = encode_batch([Message(TOPIC, b"x" * 128, keys=str(i)) for i in range(BATCH)])
        queue = first // BATCH % QUEUES
        sent = requests.send(TOPIC, batch, code=320, batch=True, properties="", queue_id=queue)
        assert ask(addr, sent).code == 0
    ends = range(QUEUES)
    wait_until(lambda: all(max_offset(addr, TOPIC, i) >= share for i in ends), "the queues")


def pop_all(server: Server, messages: int, consumers: int) -> Figures:
    """Let a new group pop and acknowledge the topic; return the figures of one message."""
    group = f"poppers{next(_groups)}"
    with ExitStack() as opened:
        selector = opened.enter_context(DefaultSelector())
        poppers = []
        for _ in range(consumers):
            connection = create_connection(("127.0.0.1", server.port), timeout=LIMIT_S)
            opened.enter_context(connection)
            poppers.append(Popper(connection, f"bench-{server.kind}", group))
            selector.register(connection, EVENT_READ, poppers[-1])
        cpu, began = cpu_seconds(server.pid), time.monotonic()
        for popper in poppers:
            popper.pop()
        while sum(popper.done for popper in poppers) < messages:
            assert time.monotonic() < began + LIMIT_S, "the messages don't come"
            for key, _ in selector.select(1.0):
                key.data.read()
        took = time.monotonic() - began
        spent = cpu_seconds(server.pid) - cpu
    return {"rate": messages / took, "cpu_us": spent / messages * 1e6}


def settled_later(running: list[Server], popped: int) -> dict[str, float]:
    """Wait until all check points are settled; return each broker's CPU µs for a message meanwhile."""
    before = {server.kind: cpu_seconds(server.pid) for server in running}
    time.sleep(LATER_S)
    return {s.kind: (cpu_seconds(s.pid) - before[s.kind]) / popped * 1e6 for s in running}


def run(bench: Bench, names: list[str]) -> None:
    messages = QUICK_MESSAGES if bench.quick else MESSAGES
    running = bench.servers({})
    for server in running:
        fill(server, messages)
        for _ in range(WARM_ROUNDS.get(server.kind, 1)):
            pop_all(server, messages, 8)
        settle([server.pid])
    settled_later(running, messages)
    for name in names:
        for number in range(bench.rounds):
            for server in running[:: -1 if number % 2 else 1]:
                bench.results.add(name, server.kind, pop_all(server, messages, CONSUMERS[name]))
        for kind, micros in settled_later(running, messages * bench.rounds).items():
            bench.results.add(name, kind, {"later_us": micros})
        bench.tell(name)


GROUP = Group(
    "pops of 32 and an ack for each message, by consumers of one group: per message",
    list(CONSUMERS), [], run,
)  # fmt: skip
