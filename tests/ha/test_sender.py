"""The sending end of a master's link: at once to an idle slave, in turn to a busy one."""

from __future__ import annotations

import socket

import pytest
import trio
import trio.testing

from rmqwire.codec.ha import TRANSFER_HEADER_SIZE, unpack_transfer
from rmqwire.errors import ReplicationError
from rmqwire.ha.sender import MUCH, SlaveSender
from rmqwire.remoting.transport import SocketTransport
from tests.ha.support import Pair, fill, master_store, slave_store

SMALL = 4096  # bytes of a socket's buffer, which the kernel doubles


class Link:
    """A master's sender, and the socket at whose other end the slave is."""

    def __init__(self, *, plain=True):
        self.pair = Pair(
            master_store(mapped_file_size_commit_log=1 << 22),
            slave_store(mapped_file_size_commit_log=1 << 22),
        )
        ours, self.slave = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        self.slave.setblocking(False)
        self.stream = SocketTransport(ours)
        stream = self.stream if plain else trio.StapledStream(self.stream, self.stream)
        self.sender = SlaveSender(stream, self.pair.connection)

    def arrived(self) -> bytes:
        """What the kernel has for the slave now."""
        try:
            return self.slave.recv(1 << 20)
        except BlockingIOError:
            return b""

    def take(self) -> None:
        """Let the slave append and confirm what is there."""
        self.pair.link.receive_data(self.arrived())
        self.pair.up()

    async def follow(self) -> None:
        """Let the slave take all there is, as it comes."""
        for _ in range(200):
            self.take()
            if self.pair.slave.max_phy_offset == self.pair.master.max_phy_offset:
                return
            await trio.testing.wait_all_tasks_blocked()
        raise AssertionError("the slave doesn't get further")

    async def close(self) -> None:
        self.slave.close()
        await self.stream.aclose()


@pytest.fixture
async def started(nursery, request):
    link = Link(plain=getattr(request, "param", True))
    fill(link.pair.master, 1)
    link.pair.up()
    nursery.start_soon(link.sender.run)
    await trio.testing.wait_all_tasks_blocked()
    await link.follow()
    yield link
    await link.close()


async def test_an_idle_slave_gets_what_was_written_in_the_same_pass(started):
    fill(started.pair.master, 1, first=1)
    with trio.testing.assert_no_checkpoints():
        started.sender.grown()
    assert started.arrived()


async def test_what_a_busy_slave_lacks_comes_at_its_turn_in_one_range(started):
    begin = started.pair.master.max_phy_offset
    fill(started.pair.master, 1, first=1)
    started.sender.grown()
    started.pair.link.receive_data(started.arrived())  # and no report yet
    second = started.pair.master.max_phy_offset
    for number in (2, 3):
        fill(started.pair.master, 1, first=number)
        started.sender.grown()
    assert started.arrived() == b""
    await trio.testing.wait_all_tasks_blocked()
    data = started.arrived()
    assert unpack_transfer(data) == (second, started.pair.master.max_phy_offset - second)
    assert len(data) == TRANSFER_HEADER_SIZE + started.pair.master.max_phy_offset - second
    assert second > begin


@pytest.mark.parametrize("started", [True, False], indirect=True)
async def test_more_than_the_socket_takes_arrives_whole(started):
    fill(started.pair.master, 40, size=3000, first=1)
    started.sender.grown()
    await started.follow()
    assert not started.pair.connection.unsent


async def test_much_is_sent_in_the_same_pass_to_a_busy_slave_too(started):
    fill(started.pair.master, 1, first=1)
    started.sender.grown()
    started.pair.link.receive_data(started.arrived())  # and no report yet
    fill(started.pair.master, 1, first=2, size=MUCH)
    with trio.testing.assert_no_checkpoints():
        started.sender.grown()
    assert len(started.arrived()) > MUCH


async def test_what_the_log_lost_ends_the_task_not_the_pass():
    link = Link()
    link.pair.up()
    with pytest.RaisesGroup(ReplicationError):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.sender.run)
            await trio.testing.wait_all_tasks_blocked()
            fill(link.pair.master, 1)
            link.pair.master.log.queue.segments.clear()
            link.sender.grown()
    await link.close()


async def test_a_broken_link_ends_the_task_not_the_pass(started, nursery):
    started.slave.close()
    with pytest.RaisesGroup(trio.BrokenResourceError):
        async with trio.open_nursery() as inner:
            other = SlaveSender(started.stream, started.pair.connection)
            inner.start_soon(other.run)
            await trio.testing.wait_all_tasks_blocked()
            fill(started.pair.master, 1, first=1)
            other.grown()
            fill(started.pair.master, 1, first=2)
    nursery.cancel_scope.cancel()
