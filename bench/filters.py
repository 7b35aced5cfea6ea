"""What a broker pays to filter a topic by tags and by SQL92 conditions: rmqwire beside Java.

`python -m bench.filters` stores the same messages at a broker of each kind and pulls the whole topic by
one filter after another on one connection. It prints the CPU of the broker process per message looked
at; each pass is made some times before it counts, so that Java's compiler has done its work.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.ha_catch_up import Servers
from bench.send import cpu_seconds
from interop.processes import Node, wait_until
from interop.wire import ask, max_offset, read_frame
from rmqwire.codec import decode_command, encode_command
from rmqwire.codec.batch import encode_batch
from rmqwire.codec.message import Message
from rmqwire.filter.subscription import SQL92, TAG
from tests.support import requests

TOPIC = "Filtered"
BATCH = 100
FILTERS = (
    ("all", "*", TAG),
    ("a tag that 1 % have", "T5", TAG),
    ("a condition, true of 1 %", "n = 5", SQL92),
    ("of all", "n >= 0", SQL92),
    ("of 2 %, in two parts", "city = 'Oslo' AND n BETWEEN 5 AND 6", SQL92),
)
SETTINGS = {"enablePropertyFilter": "true", "maxMessageSize": "4194304"}
PULL_IT = 4  # PullSysFlag: the subscription is the pull's own


def fill(broker: Node, messages: int) -> None:
    ask(broker.addr, requests.create_topic(TOPIC))
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
        answer = ask(broker.addr, requests.send(TOPIC, body, code=320, batch=True, properties=""))
        assert answer.code == 0, answer
    wait_until(lambda: max_offset(broker.addr, TOPIC, 0) == messages, "the queue")


def pull_all(connection: socket.socket, messages: int, expression: str, kind: str) -> int:
    """Pull the topic once; give the number of pulls."""
    offset, pulls = 0, 0
    while offset < messages:
        pull = requests.pull(
            TOPIC,
            offset,
            sys_flag=PULL_IT,
            subscription=expression,
            expression_type=kind,
            consumer_group="CID_ONSAPI_PULL",
        )
        connection.sendall(encode_command(pull))
        answer = decode_command(read_frame(connection))
        assert answer.ext_fields is not None, answer
        offset = int(answer.ext_fields["nextBeginOffset"])
        pulls += 1
    return pulls


def measure(broker: Node, messages: int, warm: int, passes: int) -> list[tuple[float, float, int]]:
    """Return (broker's CPU µs, µs) per message and pulls per pass of each filter."""
    host, _, port = broker.addr.rpartition(":")
    figures = []
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        for _, expression, kind in FILTERS:
            for _ in range(warm):
                pull_all(connection, messages, expression, kind)
            cpu, began = cpu_seconds(broker.process.pid), time.monotonic()
            for _ in range(passes):
                pulls = pull_all(connection, messages, expression, kind)
            looked_at = passes * messages / 1e6
            figures.append(
                (
                    (cpu_seconds(broker.process.pid) - cpu) / looked_at,
                    (time.monotonic() - began) / looked_at,
                    pulls,
                )
            )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--warm", type=int, default=4, help="passes before it counts")
    parser.add_argument("--passes", type=int, default=4)
    options = parser.parse_args()
    found = {}
    for kind in ("java", "rmqwire"):
        home = Path(tempfile.mkdtemp(prefix="bench-filters-"))
        servers = Servers(home)
        try:
            broker = servers.start(kind, "broker", SETTINGS)
            fill(broker, options.messages)
            found[kind] = measure(broker, options.messages, options.warm, options.passes)
        finally:
            servers.stop()
            shutil.rmtree(home)
    table = Table("filter", "Java: CPU µs (µs)", "rmqwire: CPU µs (µs)", "pulls")
    for (name, expression, _), java, ours in zip(
        FILTERS, found["java"], found["rmqwire"], strict=True
    ):
        table.add_row(
            f"{name}: {expression}",
            f"{java[0]:.1f} ({java[1]:.1f})",
            f"{ours[0]:.1f} ({ours[1]:.1f})",
            f"{java[2]}, {ours[2]}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
