"""Two stores in memory and the link between them, byte by byte."""

from __future__ import annotations

from rmqwire.ha.slave_link import SlaveLink
from rmqwire.ha.slaves import Slaves
from rmqwire.store.config import SLAVE
from rmqwire.store.replica.replica_log import ReplicaLog
from tests.support.memory_files import MemoryFiles
from tests.support.stores import Clock, make_store, message, put, small_config

SEGMENT = 4096


def master_store(clock=None, files=None, **changes):
    store = make_store(files or MemoryFiles(), clock=clock, config=small_config(**changes))
    store.open()
    return store


def slave_store(clock=None, files=None, **changes):
    config = small_config(broker_role=SLAVE, **changes)
    store = make_store(files or MemoryFiles(), clock=clock, config=config)
    store.open()
    return store


def fill(store, count, *, size=100, topic="T", queues=2, first=0):
    """Put messages one a pass, so that every record is in the log."""
    for number in range(first, first + count):
        body = (b"%06d" % number) * (size // 6 + 1)
        put(store, message(topic=topic, queue_id=number % queues, body=body))


def log_bytes(store) -> bytes:
    """The whole log of a store."""
    log = store.log
    return b"".join(
        log.queue.read(segment.start, min(SEGMENT, log.end - segment.start))
        for segment in log.queue.segments
        if segment.start < log.end
    )


def units(store) -> dict[tuple[str, int], tuple[int, list]]:
    """Every queue with its first offset and its units."""
    return {
        (queue.topic, queue.queue_id): (
            queue.min_offset,
            [queue.unit(o) for o in range(queue.min_offset, queue.max_offset)],
        )
        for queue in store.queues
        if queue.max_offset > queue.min_offset
    }


class Pair:
    """A master and a slave, joined by hand."""

    def __init__(self, master, slave, clock=None):
        self.clock = clock or Clock()
        self.master, self.slave = master, slave
        self.slaves = Slaves(master.log, master.config, self.clock)
        self.log = ReplicaLog(slave)
        self.connect()

    def connect(self, peer="10.0.0.2:40000"):
        self.connection = self.slaves.open(peer)
        self.link = SlaveLink(self.log, self.slave.config, self.clock)
        self.link.start()

    def disconnect(self):
        self.slaves.close(self.connection)

    def up(self):
        """Let the slave's reports reach the master."""
        return self.slaves.received(self.connection, self.link.data_to_send())

    def down(self, cut=None):
        """Let what the master has reach the slave, in pieces of ``cut`` bytes each."""
        while data := self.connection.next_data():
            for size in iter_cuts(len(data), cut):
                self.link.receive_data(data[size[0] : size[1]])

    def sync(self, cut=None):
        """Go on until nothing moves."""
        self.up()
        self.down(cut)
        self.up()


def iter_cuts(total, cut):
    if cut is None:
        yield 0, total
        return
    sizes = iter(cut) if not isinstance(cut, int) else None
    begin = 0
    while begin < total:
        size = cut if sizes is None else max(next(sizes, 65536), 1)
        yield begin, min(begin + size, total)
        begin += size
