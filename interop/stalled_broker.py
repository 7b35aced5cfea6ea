"""A broker on a disk that stands still now and then. Run: python interop/stalled_broker.py broker -c FILE

While FILE.stalled exists each write into the commit log takes STALL_S.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import trio

from rmqwire.broker.broker import Broker
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.cli.runner import run
from rmqwire.disk.files import RealFiles

STALL_S = 1.2


def sign_of(conf: str | Path) -> Path:
    """Return the file that lets the disk stand still."""
    return Path(f"{conf}.stalled")


class StalledFiles(RealFiles):
    """The disk.

    Args:
        sign: while it exists the commit log is slow.
    """

    def __init__(self, sign: Path) -> None:
        super().__init__()
        self._sign = sign

    def pwrite(self, handle: int, data: bytes | bytearray | memoryview, offset: int) -> None:
        if self._sign.exists() and "/commitlog/" in str(Path(f"/proc/self/fd/{handle}").readlink()):
            time.sleep(STALL_S)
        super().pwrite(handle, data, offset)


async def serve(conf: str) -> None:
    """Serve until the end."""
    broker = Broker(load_broker_config(conf), files=StalledFiles(sign_of(conf)))
    async with trio.open_nursery() as nursery:
        await nursery.start(broker.serve)


if __name__ == "__main__":
    sys.exit(run(lambda _: serve(sys.argv[-1])))
