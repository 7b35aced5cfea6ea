"""The grid of HA faults on real brokers, of Java or rmqwire, with a proxy of ours on their link.

``haHousekeepingInterval`` and ``haSendHeartbeatInterval`` are small on both sides, so that "past
20 s" takes 7 s; all other times are the brokers' own.

A slave of ours finds the proxy by ``haMasterAddress``. A Java slave of 5.x never looks at it (it is
set before there is a client to take it), so there the master tells the name server an address,
``brokerIP2``, on which the proxy listens on the master's port.
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from interop import nodes
from interop.cluster import Cluster
from interop.processes import BROKER_PORTS, free_port
from interop.processes import Node as Process
from rmqwire.codec import RemotingCommand, decode_command, encode_command
from rmqwire.codec.bodies import KVTable
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.headers import SendMessageRequestHeader
from rmqwire.codec.message_id import decode_offset_id
from tests.support.ha_grid import Pair, Times, settle
from tests.support.ha_proxy import FaultProxy, Node

JAVA, RMQWIRE = "java", "rmqwire"
MIB = 1 << 20
SETTINGS = {
    "brokerName": "grid",
    "mappedFileSizeCommitLog": str(MIB),
    "mappedFileSizeConsumeQueue": "2000",
    "haSendHeartbeatInterval": "1000",
    "haHousekeepingInterval": "5000",
    "inSyncReplicas": "2",  # 4.9.7 doesn't know it
    "slaveTimeout": "1000",
}
STARTING = trio.Lock()  # free ports are taken one pair after the other
TIMES = Times(hold=2.0, past=7.0, strike=30.0)
ASK_S = 3.0
START_S = 60.0
NO_ANSWER = -1
PROMISED = {
    int(ResponseCode.SUCCESS),
    int(ResponseCode.FLUSH_SLAVE_TIMEOUT),
    int(ResponseCode.SLAVE_NOT_AVAILABLE),
}
LOST = (trio.BrokenResourceError, trio.ClosedResourceError, OSError, EOFError)


async def ask(addr: str, command: RemotingCommand) -> RemotingCommand | None:
    """Send ``command`` to ``addr``; give the answer, None if there is none in time."""
    host, _, port = addr.rpartition(":")
    try:
        with trio.fail_after(ASK_S):
            stream = await trio.open_tcp_stream(host, int(port))
            async with stream:
                await stream.send_all(encode_command(command))
                return decode_command(await _frame(stream))
    except (trio.TooSlowError, *LOST):
        return None


async def _frame(stream: trio.SocketStream) -> bytes:
    data = b""
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
        piece = bytes(await stream.receive_some())
        if not piece:
            raise EOFError
        data += piece
    return data


async def send_one(addr: str, number: int, body: bytes, topic: str = "cells") -> tuple[int, int]:
    """Send a message; give the answer's code and the record's offset in the log.

    Without an answer they are ``NO_ANSWER`` and -1; the offset is known if it was stored.
    """
    header = SendMessageRequestHeader(
        producer_group="grid",
        topic=topic,
        default_topic="TBW102",
        default_topic_queue_nums=2,
        queue_id=number % 2,
        sys_flag=0,
        born_timestamp=time.time_ns() // 1_000_000,
        flag=0,
        properties=f"UNIQ_KEY\x01{number:032X}\x02",
    )
    answer = await ask(addr, RemotingCommand.request(RequestCode.SEND_MESSAGE, header, body))
    if answer is None:
        return NO_ANSWER, -1
    message_id = (answer.ext_fields or {}).get("msgId")
    return answer.code, -1 if message_id is None else decode_offset_id(message_id)[2]


class RealNode(Node):
    """A broker process; ``launch`` starts it, on the same folder each time."""

    def __init__(self, launch: Callable[[], Process], store: Path) -> None:
        super().__init__()
        self._launch = launch
        self.store = store
        self.process: Process | None = None
        self.alive = False

    @property
    def addr(self) -> str:
        assert self.process is not None
        return self.process.addr

    async def start(self) -> None:
        self.process = await trio.to_thread.run_sync(self._launch)
        self.alive = True

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.alive:
            os.kill(self.process.process.pid, number)

    async def stop(self) -> None:
        self._signal(signal.SIGSTOP)

    async def cont(self) -> None:
        self._signal(signal.SIGCONT)

    async def kill(self) -> None:
        self.alive = False
        if self.process is not None:
            await trio.to_thread.run_sync(self.process.kill)

    async def end(self) -> int | None:
        """Return the end of its log as it says it itself, None if it says nothing."""
        request = RemotingCommand.request(RequestCode.GET_BROKER_RUNTIME_INFO)
        answer = await ask(self.addr, request)
        if answer is None or answer.code != 0:
            return None
        return int((KVTable.decode(bytes(answer.body)).table or {})["commitLogMaxOffset"])


async def reset(stream: trio.abc.Stream) -> None:
    """End a connection with RST."""
    assert isinstance(stream, trio.SocketStream)
    with trio.CancelScope(shield=True):
        try:
            linger = struct.pack("ii", 1, 0)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        except (OSError, trio.ClosedResourceError):
            return  # it has ended already
        await stream.aclose()


class RealPair(Pair):
    """A SYNC_MASTER and a slave of the given kinds; the peer is the Java one, or the slave.

    Attributes:
        confirmed: (offset of the record, offset reported till then, body) of each SEND_OK.
        codes: all codes that sends were answered with.
    """

    times = TIMES

    def __init__(self, master: RealNode, slave: RealNode, peer: RealNode, ha_port: int) -> None:
        self.master, self.slave = master, slave
        self._ha_port = ha_port
        self.proxy = FaultProxy(self._to_master, reset, slave, peer)
        self.confirmed: list[tuple[int, int, bytes]] = []
        self.codes: set[int] = set()
        self.sent = 0

    async def _to_master(self) -> trio.abc.Stream:
        stream = await trio.open_tcp_stream("127.0.0.1", self._ha_port)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream

    async def serve(self, stream: trio.SocketStream) -> None:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self.proxy.serve(stream)

    async def send(self) -> bool:
        self.sent += 1
        body = b"%06d" % self.sent * (1 + self.sent % 7 * 400)
        code, offset = await send_one(self.master.addr, self.sent, body)
        reported = self.proxy.watch.reported
        if code != NO_ANSWER:
            self.codes.add(code)
        if code != ResponseCode.SUCCESS:
            return False
        self.confirmed.append((offset, reported, body))
        return True

    async def in_sync(self) -> bool:
        ends = [await node.end() for node in (self.master, self.slave)]
        return ends[0] is not None and ends[0] == ends[1] > 0

    async def verdict(self) -> list[str]:
        end = await self.slave.end()
        if end is None:
            return ["I14: the slave does not answer"]
        logs = [log_of(node.store, end) for node in (self.master, self.slave)]
        begin = max(min(log) for log in logs)
        ours, theirs = (hashes(log, begin, end) for log in logs)
        wrong = [] if ours == theirs else ["I9: the slave's log is not its master's"]
        for offset, reported, body in self.confirmed:
            segment = offset - offset % MIB
            record = logs[1].get(segment, b"")[offset - segment :]
            size = int.from_bytes(record[:4], "big")
            if offset >= begin and body not in record[:size]:
                wrong.append(f"I1: what was confirmed at {offset} is not in the slave's log")
            elif offset >= begin and reported < offset + size:
                wrong.append(f"I1: {offset}+{size} was confirmed with {reported} reported")
        self.confirmed.clear()
        strange, self.codes = self.codes - PROMISED, set()
        wrong += [f"P3: a send was answered with code {code}" for code in strange]
        return wrong


def log_of(store: Path, end: int) -> dict[int, bytes]:
    """Return the log's files by their first offset, up to ``end``."""
    return {
        int(file.name): file.read_bytes()[: max(end - int(file.name), 0)]
        for file in sorted((store / "commitlog").iterdir())
    }


def hashes(log: dict[int, bytes], begin: int, end: int) -> list[str]:
    """The sha256 of each MiB, which is a file here."""
    return [hashlib.sha256(log.get(at, b"")).hexdigest() for at in range(begin, end, MIB)]


def _settings(port: int, kind: str, version: str, **more: str) -> dict[str, str]:
    own = {"rocketmqVersion": version} if kind == RMQWIRE else {}
    return SETTINGS | own | {"listenPort": str(port), "haListenPort": str(port + 1)} | more


@asynccontextmanager
async def running_pair(
    kinds: tuple[str, str], version: str, home: Path, cluster: Cluster | None
) -> AsyncIterator[RealPair]:
    """Run a pair of (master's kind, slave's kind), in sync, until the block ends.

    Args:
        kinds: ``java`` or ``rmqwire`` each.
        version: release of both.
        home: folder for their stores.
        cluster: starts Java brokers; None if there are none.
    """

    def launcher(kind: str, folder: Path, settings: dict[str, str]) -> RealNode:
        def launch() -> Process:
            if kind == RMQWIRE:
                return nodes.start_broker(folder, namesrv.addr, settings)
            assert cluster is not None
            return cluster.start_broker(folder, namesrv.addr, settings)

        return RealNode(launch, folder / "store")

    started: list[RealNode] = []
    await STARTING.acquire()
    namesrv = await trio.to_thread.run_sync(nodes.start_namesrv, home / "namesrv")
    try:
        port = free_port(BROKER_PORTS)
        front = ("127.0.0.2", port + 1) if kinds[1] == JAVA else ("127.0.0.1", 0)
        role = {"brokerRole": "SYNC_MASTER", "brokerId": "0", "brokerIP2": front[0]}
        master = launcher(kinds[0], home / "master", _settings(port, kinds[0], version, **role))
        started.append(master)
        await master.start()
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(front[1], host=front[0])
            more = {"brokerRole": "SLAVE", "brokerId": "1"}
            if kinds[1] == RMQWIRE:
                number = listeners[0].socket.getsockname()[1]
                more["haMasterAddress"] = f"{front[0]}:{number}"
            settings = _settings(free_port(BROKER_PORTS), kinds[1], version, **more)
            slave = launcher(kinds[1], home / "slave", settings)
            started.append(slave)
            peer = master if kinds == (JAVA, RMQWIRE) else slave
            pair = RealPair(master, slave, peer, port + 1)
            nursery.start_soon(trio.serve_listeners, pair.serve, listeners)
            await slave.start()
            STARTING.release()
            with trio.fail_after(START_S):
                await settle(pair)
            yield pair
            nursery.cancel_scope.cancel()
        for node, kind in zip((master, slave), kinds, strict=True):
            if kind == RMQWIRE:
                assert "Traceback" not in node.process.tail(1_000_000), node.process.tail()
    finally:
        for node in started:
            if node.process is not None:
                node.process.kill()
        namesrv.kill()
