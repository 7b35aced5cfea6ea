"""What a broker pays for a transaction: a half message and its commit, as Java's producers send them."""

from __future__ import annotations

import socket
import time
from itertools import count

from bench.cases.group import Group
from bench.machine import cpu_seconds, settle
from bench.rounds import Bench
from bench.sides import JAVA, Server
from interop.processes import wait_until
from interop.wire import ask, max_offset, read_frame
from rmqwire.codec import RemotingCommand, decode_command, encode_command
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.headers import EndTransactionRequestHeader
from rmqwire.codec.sys_flag import TRANSACTION_COMMIT_TYPE, TRANSACTION_PREPARED_TYPE
from tests.support import requests

NAME = "transactions"
TOPIC, GROUP_NAME = "Transactions", "bench_transactions"
BATCH = 64  # half messages in flight
MESSAGES, QUICK_MESSAGES = 6_400, 640
WARM_ROUNDS = {JAVA: 5}
HALF = (
    f"TRAN_MSG\x01true\x02PGROUP\x01{GROUP_NAME}\x02WAIT\x01true\x02"
    "UNIQ_KEY\x017F0000010000AD87{:016X}\x02"
)
_numbers = count()


def half_message() -> bytes:
    return encode_command(
        requests.send(
            TOPIC,
            b"x" * 128,
            producer_group=GROUP_NAME,
            sys_flag=TRANSACTION_PREPARED_TYPE,
            properties=HALF.format(next(_numbers)),
        )
    )


def commit(answer: RemotingCommand) -> bytes:
    """Make the commit of a half message from the answer that it got."""
    fields = answer.ext_fields or {}
    assert answer.code == 0, answer
    header = EndTransactionRequestHeader(
        producer_group=GROUP_NAME,
        tran_state_table_offset=int(fields["queueOffset"]),
        commit_log_offset=int(fields["msgId"][-16:], 16),
        commit_or_rollback=TRANSACTION_COMMIT_TYPE,
        msg_id=fields["msgId"],
        transaction_id=fields.get("transactionId"),
    )
    command = RemotingCommand.request(RequestCode.END_TRANSACTION, header)
    command.mark_oneway()
    return encode_command(command)


def commit_all(server: Server, messages: int) -> dict[str, float]:
    """Commit so many transactions on one connection; return the figures of one."""
    frames = [half_message() for _ in range(messages)]
    addr = server.node.addr
    end = max_offset(addr, TOPIC, 0) + messages
    cpu, began = cpu_seconds(server.pid), time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        for at in range(0, messages, BATCH):
            sent = frames[at : at + BATCH]
            connection.sendall(b"".join(sent))
            answers = [decode_command(read_frame(connection)) for _ in sent]
            connection.sendall(b"".join(map(commit, answers)))
        wait_until(lambda: max_offset(addr, TOPIC, 0) >= end, "the committed messages", 60)
        took = time.monotonic() - began
    settle([server.pid])
    return {
        "rate": messages / took,
        "cpu_us": (cpu_seconds(server.pid) - cpu) / messages * 1e6,
    }


def run(bench: Bench, names: list[str]) -> None:
    messages = QUICK_MESSAGES if bench.quick else MESSAGES
    running = bench.servers({})
    for server in running:
        assert ask(server.node.addr, requests.create_topic(TOPIC)).code == 0
        for _ in range(WARM_ROUNDS.get(server.kind, 1)):
            commit_all(server, messages)
    for name in names:
        for number in range(bench.rounds):
            for server in running[:: -1 if number % 2 else 1]:
                bench.results.add(name, server.kind, commit_all(server, messages))
        bench.tell(name)


GROUP = Group(
    "a half message and its commit, 64 at a time on one connection: per transaction",
    [NAME], [], run,
)  # fmt: skip
