"""What a broker pays to filter a topic by tags and by SQL92 conditions, per message looked at."""

from __future__ import annotations

import socket
import time

from bench.cases.group import Group
from bench.machine import cpu_seconds, settle
from bench.rounds import Bench
from bench.sides import JAVA, Server
from interop.processes import wait_until
from interop.wire import ask, max_offset, read_frame
from rmqwire.codec import decode_command, encode_command
from rmqwire.codec.batch import encode_batch
from rmqwire.codec.message import Message
from rmqwire.filter.subscription import SQL92, TAG
from tests.support import requests

TOPIC = "Filtered"
BATCH = 100
MESSAGES, QUICK_MESSAGES = 20_000, 2_000
FILTERS = {
    "filter/all": ("*", TAG),
    "filter/tag-of-1%": ("T5", TAG),
    "filter/sql-of-1%": ("n = 5", SQL92),
    "filter/sql-of-all": ("n >= 0", SQL92),
    "filter/sql-of-2%-two-parts": ("city = 'Oslo' AND n BETWEEN 5 AND 6", SQL92),
}
SETTINGS = {"enablePropertyFilter": "true"}
PULL_IT = 4  # PullSysFlag: the subscription is the pull's own
WARM_PASSES = {JAVA: 4}


def fill(server: Server, messages: int) -> None:
    addr = server.node.addr
    assert ask(addr, requests.create_topic(TOPIC)).code == 0
    for first in range(0, messages, BATCH):
        batch = [
            Message(
                TOPIC,
                b"x" * 128,
                tags=f"T{number % 100}",
                keys=f"7F0000010000AD87{number:016d}",
                properties={"n": str(number % 100), "city": "Oslo"},
            )
            for number in range(first, first + BATCH)
        ]
        body = encode_batch(batch)
        answer = ask(addr, requests.send(TOPIC, body, code=320, batch=True, properties=""))
        assert answer.code == 0, answer
    wait_until(lambda: max_offset(addr, TOPIC, 0) == messages, "the queue")
    settle([server.pid])


def pull_all(connection: socket.socket, messages: int, expression: str, kind: str) -> int:
    """Pull the topic once; return the number of pulls."""
    offset, pulls = 0, 0
    while offset < messages:
        pull = requests.pull(
            TOPIC, offset, sys_flag=PULL_IT, subscription=expression, expression_type=kind,
            consumer_group="CID_ONSAPI_PULL",
        )  # fmt: skip
        connection.sendall(encode_command(pull))
        answer = decode_command(read_frame(connection))
        assert answer.ext_fields is not None, answer
        offset = int(answer.ext_fields["nextBeginOffset"])
        pulls += 1
    return pulls


def measure(bench: Bench, name: str, server: Server, messages: int) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        cpu, began = cpu_seconds(server.pid), time.monotonic()
        pulls = pull_all(connection, messages, *FILTERS[name])
        figures = {
            "rate": messages / (time.monotonic() - began),
            "cpu_us": (cpu_seconds(server.pid) - cpu) / messages * 1e6,
            "pulls": float(pulls),
        }
    bench.results.add(name, server.kind, figures)


def run(bench: Bench, names: list[str]) -> None:
    messages = QUICK_MESSAGES if bench.quick else MESSAGES
    running = bench.servers(SETTINGS)
    for server in running:
        fill(server, messages)
    for name in names:
        for server in running:
            with socket.create_connection(("127.0.0.1", server.port), timeout=60) as first:
                for _ in range(WARM_PASSES.get(server.kind, 1)):
                    pull_all(first, messages, *FILTERS[name])
        for number in range(bench.rounds):
            for server in running[:: -1 if number % 2 else 1]:
                measure(bench, name, server, messages)
        bench.tell(name)


GROUP = Group(
    "a topic pulled through a filter, one pull after another: per message that is looked at",
    list(FILTERS), [], run,
)  # fmt: skip
