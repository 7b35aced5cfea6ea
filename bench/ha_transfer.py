"""Ways to send a log in batches that each have a header: MB/s over loopback, CPU of the sender.

`python -m bench ha_transfer [--mib 512]` sends a file of the page cache to a process that throws it
away, in `haTransferBatchSize` of 32 KiB. "one pread per MiB" is what a master does; the others are
what it could do.
"""

from __future__ import annotations

import argparse
import os
import socket
import tempfile
import time
from collections.abc import Callable

from rmqwire.codec.ha import TRANSFER_HEADER_SIZE, pack_transfer

MIB = 1 << 20
BATCH = 32_768
Send = Callable[[socket.socket, int, int], None]


def read_each(connection: socket.socket, file: int, size: int) -> None:
    """A pread for each batch, a MiB of them joined and sent."""
    for at in range(0, size, MIB):
        parts: list[bytes] = []
        for begin in range(at, at + MIB, BATCH):
            parts += (pack_transfer(begin, BATCH), os.pread(file, BATCH, begin))
        connection.sendall(b"".join(parts))


def sendfile_each(connection: socket.socket, file: int, size: int) -> None:
    """A send of the header and a sendfile for each batch."""
    for begin in range(0, size, BATCH):
        connection.send(pack_transfer(begin, BATCH), socket.MSG_MORE)
        at, end = begin, begin + BATCH
        while at < end:
            at += os.sendfile(connection.fileno(), file, at, end - at)


def read_large(connection: socket.socket, file: int, size: int) -> None:
    """One pread per MiB, copied behind the headers into a buffer that stays."""
    buffer = memoryview(bytearray(MIB + MIB // BATCH * TRANSFER_HEADER_SIZE))
    for at in range(0, size, MIB):
        body, to = memoryview(os.pread(file, MIB, at)), 0
        for begin in range(0, MIB, BATCH):
            start = to + TRANSFER_HEADER_SIZE
            buffer[to:start] = pack_transfer(at + begin, BATCH)
            to = start + BATCH
            buffer[start:to] = body[begin : begin + BATCH]
        connection.sendall(buffer)


WAYS: dict[str, Send] = {
    "a pread per batch, joined": read_each,
    "a sendfile per batch": sendfile_each,
    "one pread per MiB": read_large,
}


def receive(address: tuple[str, int]) -> None:
    buffer = bytearray(MIB)
    with socket.create_connection(address) as connection:
        while connection.recv_into(buffer):
            pass


def measure(send: Send, file: int, size: int) -> tuple[float, float]:
    """Return the seconds of one transfer, and the CPU seconds of its sender."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        if os.fork() == 0:
            try:
                receive(address)
            finally:
                os._exit(0)
        connection, _ = listener.accept()
    with connection:
        began, cpu = time.perf_counter(), time.process_time()
        send(connection, file, size)
        spent = time.process_time() - cpu
    os.wait()
    return time.perf_counter() - began, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=512, help="bytes to send")
    parser.add_argument("--runs", type=int, default=5, help="runs of each; the best one counts")
    options = parser.parse_args()
    size = options.mib * MIB
    with tempfile.TemporaryFile() as log:
        for _ in range(options.mib):
            log.write(os.urandom(MIB))
        log.flush()
        for name, send in WAYS.items():
            seconds, cpu = min(measure(send, log.fileno(), size) for _ in range(options.runs))
            print(
                f"{name:26} {size / 1e6 / seconds:6,.0f} MB/s  {cpu / size * 1e9:5.2f} CPU s per GB"
            )


if __name__ == "__main__":
    main()
