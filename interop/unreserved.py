"""A broker whose files may go as soon as the next one is begun, which no file of ours may ask for.

Java takes ``fileReservedTime=0``. Run: python interop/unreserved.py broker -c FILE
"""

from __future__ import annotations

import sys

from rmqwire.broker.settings.load import load_broker_config
from rmqwire.cli.broker import serve_broker
from rmqwire.cli.runner import run

if __name__ == "__main__":
    loaded = load_broker_config(sys.argv[-1])
    loaded.store.file_reserved_time = 0
    sys.exit(run(lambda _: serve_broker(loaded)))
