"""Answers that the program's loop reads itself."""

import asyncio
import socket
import threading

import pytest

from rmqwire.aio import Message, Producer
from rmqwire.aio.reading import LoopReader
from rmqwire.aio.returns import returns_of
from rmqwire.remoting.loan import Loan
from rmqwire.remoting.transport import HAS_EPOLL
from tests.aio.support import program

pytestmark = pytest.mark.skipif(not HAS_EPOLL, reason="sockets can't be lent here")


@pytest.fixture(autouse=True)
def readers(monkeypatch):
    """The threads that have read on loan."""
    seen, read = [], Loan._read

    def noted(self):
        seen.append(threading.get_ident())
        if threading.current_thread().name == "rmqwire":
            Readers.elsewhere.set()
        return read(self)

    monkeypatch.setattr(Loan, "_read", noted)
    Readers.seen = seen


class Readers:
    seen: list
    elsewhere = threading.Event()  # the engine has read


def mine():
    return Readers.seen.count(threading.get_ident())


async def sent_in_the_loop(producer):
    """Send until an answer has come in this thread: the first ones, and those of a busy engine, don't."""
    before = mine()
    while mine() == before:
        await producer.send(Message("T", b"x"))


@program
async def test_one_send_at_a_time_is_answered_in_the_loop(rmq):
    async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        await sent_in_the_loop(producer)
        results = [await producer.send(Message("T", b"x")) for _ in range(20)]
        offsets = [one.queue_offset for one in results]
        assert offsets == list(range(offsets[0], offsets[0] + 20))


@program
async def test_sends_that_are_given_up_and_many_at_once_go_on_as_ever(rmq):
    async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        await sent_in_the_loop(producer)
        sending = asyncio.ensure_future(producer.send(Message("T", b"x")))
        await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        many = [producer.send(Message("T", b"x")) for _ in range(100)]
        soon = [producer.send_soon(Message("T", b"x")) for _ in range(100)]
        offsets = {one.queue_offset for one in await asyncio.gather(*many, *soon)}
        assert len(offsets) == 200
        await sent_in_the_loop(producer)


@program
async def test_a_loop_without_time_has_its_answer_read_by_the_engine(rmq):
    async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        await sent_in_the_loop(producer)
        Readers.elsewhere.clear()
        while (
            not Readers.elsewhere.is_set()
        ):  # it may be lent nothing: the engine is awake now and then
            sending = asyncio.ensure_future(producer.send(Message("T", b"x")))
            await asyncio.sleep(0)
            Readers.elsewhere.wait(
                2
            )  # this loop does nothing until the engine's housekeeping comes
            assert (await sending).queue_offset >= 0


@program
async def test_a_producer_that_closes_waits_for_what_the_loop_reads(rmq):
    async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        await sent_in_the_loop(producer)
        sending = asyncio.ensure_future(producer.send(Message("T", b"x")))
        await asyncio.sleep(0)
    assert (await sending).queue_offset >= 0


def test_each_loop_reads_for_itself(rmq):
    producer = Producer("p", namesrv_addr=rmq.namesrv_addr)

    async def elsewhere():
        await sent_in_the_loop(producer)

    async def main():
        async with producer:
            await sent_in_the_loop(producer)
            await asyncio.to_thread(asyncio.run, elsewhere())
            await sent_in_the_loop(producer)

    asyncio.run(main())


class NoReaders(asyncio.SelectorEventLoop):
    """A loop that watches no descriptors of others, as the proactor's doesn't."""

    def _add_reader(self, fd, callback, *args):
        if getattr(callback, "__name__", "") == "_read":
            raise NotImplementedError
        return super()._add_reader(fd, callback, *args)


def test_a_loop_that_watches_no_descriptors_leaves_all_to_the_engine(rmq):
    async def main():
        async with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
            for _ in range(5):
                await producer.send(Message("T", b"x"))
        assert not mine()

    with asyncio.Runner(loop_factory=NoReaders) as runner:
        runner.run(main())


@program
async def test_a_reader_that_is_closed_gives_back_what_is_on_loan(rmq):
    # a client that others use, too, goes on
    class Lent:
        def read(self, mono_ms=0):
            raise AssertionError(mono_ms)

        def take_back(self):
            reader.forget(far.fileno())
            given_back.set()

    near, far = socket.socketpair()
    given_back = threading.Event()
    reader = LoopReader(returns_of(asyncio.get_running_loop()))
    with near, far:
        assert reader.watch(Lent(), far.fileno())
        near.send(b"x")
        reader.close()
        assert await asyncio.to_thread(given_back.wait, 10)


@program
async def test_a_reader_without_descriptors_watches_nothing(rmq):
    reader = LoopReader(returns_of(asyncio.get_running_loop()))
    assert not reader.watch(None, -1)
    reader.forget(-1)
    reader.close()
