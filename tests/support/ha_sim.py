"""A master and a slave in one process: the real stores, cores and shells on a simulated net.

Time is trio's, disks are ``SimFiles``. A node that is stopped does nothing until it runs on, even
if its timeouts are over; one that is killed is fenced first: what it does later reaches nothing.
"""

from __future__ import annotations

from contextlib import asynccontextmanager

import trio

from rmqwire.codec.release import V5_5_0
from rmqwire.ha.group_transfer import GroupTransfer
from rmqwire.ha.master_server import HaMaster
from rmqwire.ha.slave_client import HaSlave
from rmqwire.ha.slaves import Slaves
from rmqwire.store.config import SLAVE
from rmqwire.store.replica.replica_log import ReplicaLog
from rmqwire.store.results import PutStatus
from tests.support.ha_grid import Pair, Times, until
from tests.support.ha_proxy import FaultProxy, Node
from tests.support.log_rebuild import rebuild_queues, served_queues
from tests.support.sim_files import SimFiles
from tests.support.sim_stream import connection, reset
from tests.support.stores import START_MS, make_store, message, small_config

EXPIRE_S = 0.5
MASTER, SLAVE_NODE = "master", "slave"


def monotonic_ms() -> int:
    return int(trio.current_time() * 1000)


def wall_ms() -> int:
    return START_MS + monotonic_ms()


class SimNode(Node):
    """A broker's store and its end of replication.

    Args:
        world: the nursery of all nodes.
        config: settings of its store.
    """

    def __init__(self, world, config):
        super().__init__()
        self._world = world
        self.config = config
        self.files = SimFiles()
        self.store = None
        self.streams = []
        self.alive = False
        self._moving = trio.Event()
        self._moving.set()
        self._scope = trio.CancelScope()

    @property
    def serves(self):
        """Whether it would answer."""
        return self.alive and self._moving.is_set()

    async def running(self):
        """Wait while the node stands still; nothing wakes it before."""
        if not self._moving.is_set():
            with trio.CancelScope(shield=True):
                await self._moving.wait()

    async def stop(self):
        self._moving = trio.Event()

    async def cont(self):
        self._moving.set()

    async def kill(self):
        """SIGKILL: the disk goes on without it."""
        self.alive = False
        self.files = self.files.copy()
        self._scope.cancel()
        self._moving.set()
        for stream in self.streams:
            await stream.aclose()
        self.streams.clear()

    async def start(self):
        self.store = make_store(self.files, clock=wall_ms, config=self.config)
        self.store.open()
        self.alive = True
        await self._world.start(self._run)

    async def _run(self, task_status=trio.TASK_STATUS_IGNORED):
        with trio.CancelScope() as self._scope:
            async with trio.open_nursery() as self.tasks:
                self.run(self.tasks)
                task_status.started()
                await trio.sleep_forever()

    def run(self, tasks):
        """Start what this role does."""
        raise NotImplementedError


class SimMaster(SimNode):
    def run(self, tasks):
        self.slaves = Slaves(self.store.log, self.config, monotonic_ms)
        self.transfer = GroupTransfer(self.slaves, self.config, V5_5_0, monotonic_ms)
        self.store.puts.replication = self.transfer
        self.serving = HaMaster(self.slaves, self.transfer)
        self.store.events.written = self.serving.wake
        tasks.start_soon(self._expire)

    async def _expire(self):
        while True:
            await trio.sleep(EXPIRE_S)
            await self.running()
            self.transfer.expire()

    async def accept(self, peer):
        """Return a client's end of a new connection."""
        await trio.lowlevel.checkpoint()
        if not self.alive:
            raise OSError("connection refused")
        client, server = connection(None, self)
        self.tasks.start_soon(self.serving.serve_stream, server, peer)
        return client


class SimSlave(SimNode):
    """Its ``dial`` opens a connection to the master."""

    def run(self, tasks):
        self.following = _Following(ReplicaLog(self.store), self.config, monotonic_ms)
        self.following.node = self
        self.following.follow("master:10912")
        tasks.start_soon(self.following.run)

    async def dial(self):
        raise NotImplementedError


class _Following(HaSlave):
    node: SimSlave

    async def _connect(self, _master):
        await self.node.running()
        return await self.node.dial()


class SimPair(Pair):
    """A pair in a world of its own, the proxy between them.

    Args:
        world: nursery that everything lives in.
        peer: whom SIGSTOP and SIGKILL are for.
        changes: settings of both.
    """

    times = Times(hold=6, past=26, strike=30, pause=0.2)

    def __init__(self, world, peer=SLAVE_NODE, **changes):
        settings = {"ha_transfer_batch_size": 777} | changes
        self.master = SimMaster(world, small_config(in_sync_replicas=2, **settings))
        self.slave = SimSlave(world, small_config(broker_role=SLAVE, **settings))
        nodes = {MASTER: self.master, SLAVE_NODE: self.slave}
        self._world = world
        self._ports = 40_000
        self.proxy = FaultProxy(self._to_master, reset, self.slave, nodes[peer])
        self.slave.dial = self._dial
        self.sent = 0
        self.acked = []  # ends of the records answered with SEND_OK
        self.codes = set()
        self.wrong = []

    async def start(self):
        await self.master.start()
        await self.slave.start()
        with trio.fail_after(self.times.strike):
            await until(self.send, self.times.pause)
            await until(self.in_sync, self.times.pause)

    async def _to_master(self):
        self._ports += 1
        return await self.master.accept(f"10.0.0.2:{self._ports}")

    async def _dial(self):
        here, there = connection(self.slave, None)
        self._world.start_soon(self.proxy.serve, there)
        await trio.lowlevel.checkpoint()
        return here

    async def send(self):
        await trio.lowlevel.checkpoint()
        if not self.master.serves:
            return False
        answered = trio.Event()
        results = []

        def done(result):
            self._answer(result)
            results.append(result.status)
            answered.set()

        self.sent += 1
        body = b"%06d" % self.sent * (1 + self.sent % 7 * 40)
        self.master.store.puts.put(message(queue_id=self.sent % 2, body=body), done)
        self.master.store.puts.end_pass()
        with trio.move_on_after(10):
            await answered.wait()
        return results == [PutStatus.PUT_OK]

    def _answer(self, result):
        self.codes.add(result.status)
        if result.status != PutStatus.PUT_OK:
            return
        end = result.physical_offset + result.size
        self.acked.append(end)
        if self.slave.store.max_phy_offset < end:
            self.wrong.append(f"I1: {end} was acknowledged before the slave had it")
        if self.proxy.watch.reported < end:
            self.wrong.append(f"I1: {end} was acknowledged, {self.proxy.watch.reported} reported")

    async def in_sync(self):
        await trio.lowlevel.checkpoint()
        nodes = (self.master, self.slave)
        ends = {node.store.max_phy_offset for node in nodes if node.alive}
        return len(ends) == 1 and all(node.alive for node in nodes)

    async def verdict(self):
        await trio.lowlevel.checkpoint()
        wrong, self.wrong = self.wrong, []
        master, slave = self.master.store, self.slave.store
        logs = [log_from(store, slave.min_phy_offset) for store in (master, slave)]
        if not logs[0].startswith(logs[1]):
            wrong.append("I9: the slave's log is not the beginning of its master's")
        if self.acked and max(self.acked) > slave.max_phy_offset:
            wrong.append("I1: the slave lacks what was acknowledged")
        if self.master.slaves.pushed > slave.max_phy_offset:
            wrong.append("I10: the master counts what the slave doesn't have")
        for store in (master, slave):
            if served_queues(store) != rebuild_queues(
                store.files, store.config, store.max_phy_offset, store.deleted.table
            ):
                wrong.append("I8: queues are not what the log says")
        if len(self.master.slaves.connections) != 1:
            wrong.append(f"I12: {len(self.master.slaves.connections)} connections of one slave")
        return wrong


@asynccontextmanager
async def sim_pair(peer=SLAVE_NODE, **changes):
    """Run a pair that is in sync, until the block ends."""
    async with trio.open_nursery() as world:
        pair = SimPair(world, peer, **changes)
        try:
            await pair.start()
            yield pair
        finally:
            for node in (pair.master, pair.slave):
                await node.cont()  # one that stands still could not even be cancelled
            world.cancel_scope.cancel()


def log_from(store, begin) -> bytes:
    """Return a store's log from an offset on."""
    queue, end = store.log.queue, store.log.end
    return b"".join(
        queue.read(part.start, min(queue.segment_size, end - part.start))
        for part in queue.segments
        if begin <= part.start < end
    )
