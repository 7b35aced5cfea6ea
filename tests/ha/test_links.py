"""The shells: two brokers' logs joined by streams in memory, on a clock that jumps."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest
import trio
import trio.testing

from rmqwire.codec.command import RemotingCommand, decode_frame, encode_command
from rmqwire.codec.ha import pack_report, pack_transfer
from rmqwire.codec.release import V5_5_0
from rmqwire.errors import ReplicationError
from rmqwire.ha.group_transfer import GroupTransfer
from rmqwire.ha.master_server import HaMaster
from rmqwire.ha.slave_client import HaSlave
from rmqwire.ha.slaves import Slaves
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.frame_reader import FrameReader
from rmqwire.remoting.late_answers import LateAnswers
from rmqwire.remoting.server import RemotingServer
from rmqwire.remoting.transport import SocketTransport
from rmqwire.store.replica.replica_log import ReplicaLog
from tests.ha.support import fill, log_bytes, master_store, slave_store
from tests.support.stores import message


def trio_ms() -> int:
    return int(trio.current_time() * 1000)


async def until(what):
    while not what():  # noqa: ASYNC110  a figure without an event
        await trio.sleep(0.01)


class Linked:
    """A master's and a slave's shell with one link between them."""

    def __init__(self, late_answers=None, **changes):
        self.master = master_store(**changes)
        self.slave = slave_store()
        self.slaves = Slaves(self.master.log, self.master.config, trio_ms)
        self.transfer = GroupTransfer(self.slaves, self.master.config, V5_5_0, trio_ms)
        self.master.puts.replication = self.transfer
        self.serving = HaMaster(self.slaves, self.transfer, late_answers=late_answers)
        self.master.events.written = self.serving.wake
        self.following = HaSlave(ReplicaLog(self.slave), self.slave.config, trio_ms)

    def start(self, nursery):
        here, there = trio.testing.memory_stream_pair()
        nursery.start_soon(self.serving.serve_stream, here, "10.0.0.2:1")
        nursery.start_soon(self.following.replicate, there)
        return here, there

    @property
    def same(self):
        return log_bytes(self.master) == log_bytes(self.slave)


async def test_what_is_put_is_at_the_slave_without_waiting(autojump_clock):
    linked = Linked()
    async with trio.open_nursery() as nursery:
        linked.start(nursery)
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        fill(linked.master, 50)
        await trio.testing.wait_all_tasks_blocked()
        assert linked.same
        assert trio.current_time() == began
        assert linked.slaves.connections[0].ack == linked.master.max_phy_offset
        nursery.cancel_scope.cancel()


async def test_sends_are_answered_by_the_slave_s_report(autojump_clock):
    linked = Linked(in_sync_replicas=2)
    answers = []
    async with trio.open_nursery() as nursery:
        linked.start(nursery)
        await trio.testing.wait_all_tasks_blocked()
        linked.master.puts.put(message(), lambda result: answers.append(result.status))
        linked.master.puts.end_pass()
        assert answers == []
        await trio.testing.wait_all_tasks_blocked()
        assert answers == [0]
        nursery.cancel_scope.cancel()


class Seen(LateAnswers):
    """Looks at once what has arrived at its clients."""

    def __init__(self):
        super().__init__()
        self.clients = []
        self.answers = []

    def __exit__(self, *error):
        super().__exit__(*error)
        self.answers.append([received(client) for client in self.clients])


def received(client) -> list[int]:
    """The opaques of the answers that the kernel has for a client."""
    try:
        data = client.recv(1 << 16)
    except BlockingIOError:
        return []
    return [decode_frame(view).opaque for view in FrameReader().receive_data(data)]


async def test_answers_leave_within_the_report_s_pass_and_a_lost_client_hurts_nobody(nursery):
    seen = Seen()
    linked = Linked(seen, in_sync_replicas=2)

    def send(connection, request):
        def done(result):
            connection.reply(request, request.create_response(result.status))

        linked.master.puts.put(message(), done)

    server = RemotingServer(
        HandlerTable(handlers={10: send}), end_of_pass=linked.master.puts.end_pass
    )
    server.late_answers = seen
    with ExitStack() as sockets:
        for name in ("lost", "busy", "idle"):
            ours, client = map(sockets.enter_context, socket.socketpair())
            client.setblocking(False)
            seen.clients.append(client)
            stream = SocketTransport(socket.socket(fileno=ours.detach()))
            nursery.start_soon(server.serve_stream, stream, name)
        lost, busy, _ = seen.clients
        here, there = trio.testing.memory_stream_pair()
        nursery.start_soon(linked.serving.serve_stream, here, "10.0.0.2:1")
        await there.send_all(pack_report(0))
        lost.sendall(encode_command(RemotingCommand(10, opaque=1)))
        await trio.testing.wait_all_tasks_blocked(0.01)
        busy.sendall(b"".join(encode_command(RemotingCommand(10, opaque=n)) for n in (2, 3)))
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert len(linked.transfer) == 3
        lost.shutdown(socket.SHUT_RD)  # what is sent to it fails
        seen.clients.remove(lost)
        seen.answers.clear()
        await there.send_all(pack_report(linked.master.max_phy_offset))
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert seen.answers == [[[2, 3], []]]
        assert {one.peer for one in server.connections} == {"busy", "idle"}
        assert linked.slaves.connections[0].ack == linked.master.max_phy_offset
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("waits", [False, True])
async def test_reports_of_a_slave_far_behind_are_read_together_unless_a_send_waits(
    waits, autojump_clock, monkeypatch
):
    linked = Linked(in_sync_replicas=2, mapped_file_size_commit_log=1 << 22)
    fill(linked.master, 30, size=60_000)
    if not waits:
        linked.transfer.fail_all()
    assert bool(len(linked.transfer)) == waits
    reads = []
    received = linked.slaves.received
    monkeypatch.setattr(
        linked.slaves, "received", lambda *read: reads.append(len(read[1])) or received(*read)
    )
    here, there = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(linked.serving.serve_stream, here, "10.0.0.2:1")
        for offset in range(100):
            await there.send_all(pack_report(offset))
            if offset == 0:
                await there.receive_some()  # it may report what it was sent
        await trio.sleep(1)
        assert linked.slaves.connections[0].ack == 99
        nursery.cancel_scope.cancel()
    assert sum(reads) == 800
    assert (len(reads) < 10) != waits


async def test_a_flood_is_taken_in_larger_pieces_while_it_lasts(nursery):
    linked = Linked()
    here, there = trio.testing.memory_stream_pair()
    take, pieces = there.receive_some, []

    async def receive(size):
        data = await take(size)
        pieces.append((size, len(data)))
        return data

    there.receive_some = receive
    beats = 10_000 * pack_transfer(0, 0)
    await here.send_all(beats)
    nursery.start_soon(linked.following.replicate, there)
    await trio.testing.wait_all_tasks_blocked()
    await here.send_all(beats[:12])
    await trio.testing.wait_all_tasks_blocked()
    assert pieces == [(1 << 16, 1 << 16), (1 << 20, len(beats) - (1 << 16)), (1 << 16, 12)]
    nursery.cancel_scope.cancel()


async def test_an_idle_link_lives_for_hours(autojump_clock):
    linked = Linked()
    async with trio.open_nursery() as nursery:
        linked.start(nursery)
        await trio.sleep(7200)
        assert len(linked.slaves.connections) == 1
        fill(linked.master, 1)
        await trio.testing.wait_all_tasks_blocked()
        assert linked.same
        nursery.cancel_scope.cancel()


async def test_a_silent_slave_is_let_go(autojump_clock):
    linked = Linked()
    here, there = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(linked.serving.serve_stream, here, "10.0.0.2:1")
        await there.send_all(pack_report(0))
        await trio.sleep(19)
        assert linked.slaves.connections
        await trio.sleep(3)
        assert not linked.slaves.connections


async def test_a_silent_master_is_left(autojump_clock):
    linked = Linked()
    _, there = trio.testing.memory_stream_pair()
    with pytest.raises(ReplicationError, match="silent"):
        await linked.following.replicate(there)
    assert trio.current_time() > 20


async def test_a_forger_is_thrown_out(autojump_clock):
    linked = Linked()
    here, there = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(linked.serving.serve_stream, here, "10.0.0.2:1")
        await there.send_all(pack_report(1 << 40))
        await trio.testing.wait_all_tasks_blocked()
        assert not linked.slaves.connections
    assert linked.slaves.pushed == 0


async def test_an_evil_master_is_left(autojump_clock):
    linked = Linked()
    here, there = trio.testing.memory_stream_pair()
    await here.send_all(pack_transfer(0, 2**31 - 1))
    with pytest.raises(ReplicationError, match="2147483647 bytes"):
        await linked.following.replicate(there)


async def test_real_sockets_reconnect_and_go_on():
    linked = Linked()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(linked.following.run)
        async with trio.open_nursery() as first:
            host, port = await first.start(linked.serving.serve, "127.0.0.1", 0)
            linked.following.follow(f"{host}:{port}")
            with trio.fail_after(10):
                # an empty slave that reports later begins with the log's last file
                await until(
                    lambda: linked.slaves.connections and linked.slaves.connections[0].ack >= 0
                )
                fill(linked.master, 20)
                await until(lambda: linked.same)
            first.cancel_scope.cancel()
        assert not linked.slaves.connections
        fill(linked.master, 20, first=20)
        async with trio.open_nursery() as second:
            host, port = await second.start(linked.serving.serve, "127.0.0.1", 0)
            linked.following.follow(f"{host}:{port}")
            with trio.fail_after(10):
                await until(lambda: linked.same)
            second.cancel_scope.cancel()
        nursery.cancel_scope.cancel()
    assert not linked.following.link


async def test_the_listener_names_the_port_it_can_not_have():
    linked = Linked()
    async with trio.open_nursery() as nursery:
        host, port = await nursery.start(linked.serving.serve, "127.0.0.1", 0)
        with pytest.raises(OSError, match=str(port)):
            await linked.serving.serve(host, port)
        nursery.cancel_scope.cancel()
