"""What a broker's history and the folder that it left behind say of the promises."""

import json

from rmqwire.disk.files import RealFiles
from tests.faults.load import GROUP
from tests.support.checker import Checker
from tests.support.histories import StoreDriver
from tests.support.stores import make_store, small_config


def judge(history, cluster, log_size, flush):
    """Check the whole history and the folder that is left behind."""
    checker = Checker().feed_file(history.path)
    checker.feed({"op": "consumed", "group": GROUP})
    config = small_config(
        str(cluster.store),
        mapped_file_size_commit_log=log_size,
        mapped_file_size_consume_queue=6000,
        flush_disk_type=flush,
    )
    store = make_store(RealFiles(), config=config)
    store.open()
    driver = StoreDriver(store, lambda event: _feed_topic(checker, event))
    driver.drain()
    driver.audit()
    store.close()
    return checker


def _feed_topic(checker, event):
    """The broker's own topics hold no messages of ours."""
    if event["op"] == "drain" and event["type"] == "queue" and event["queue"][:6] != "Faults":
        return
    checker.feed(json.loads(json.dumps(event)))
