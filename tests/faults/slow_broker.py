"""``python -m tests.faults.slow_broker CONF SIGN``: a broker whose syncs take 2 s while SIGN exists."""

import sys
import time
from pathlib import Path

import trio

from rmqwire.broker.broker import Broker
from rmqwire.broker.settings.load import load_broker_config
from rmqwire.cli.runner import run
from rmqwire.disk.files import RealFiles
from tests.support.faulty_files import FOR_EVER, Fault, FaultyFiles

SYNC_S = 2.0


async def serve(conf, sign):
    """Serve until the end."""

    def wait(seconds):
        if sign.exists():
            time.sleep(seconds)

    slow = [Fault(kind, times=FOR_EVER, delay_s=SYNC_S) for kind in ("datasync", "fsync_dir")]
    broker = Broker(load_broker_config(conf), files=FaultyFiles(RealFiles(), *slow, sleep=wait))
    async with trio.open_nursery() as nursery:
        await nursery.start(broker.serve)
        sys.stdout.write("serving\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run(lambda _: serve(sys.argv[1], Path(sys.argv[2]))))
