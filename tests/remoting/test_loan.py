"""Reading on loan: by a thread whose send alone waits, in the place of the connection's task."""

import select
import socket
from threading import get_ident

import pytest
import trio
import trio.testing

from rmqwire.codec.codes import RESPONSE_FLAG
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.codec.stored_answers import StoredAnswers
from rmqwire.errors import SendFailed
from rmqwire.remoting.channel import Channel, trio_ms
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from rmqwire.remoting.limits import Limits
from rmqwire.remoting.open_requests import Asked
from rmqwire.remoting.transport import HAS_EPOLL, SocketTransport
from tests.remoting.support import frame

pytestmark = pytest.mark.skipif(not HAS_EPOLL, reason="sockets can't be lent here")

FIELDS = {"queueId": "0", "queueOffset": "7", "msgId": "m"}


def answer_to(opaque):
    return RemotingCommand(0, flag=RESPONSE_FLAG, opaque=opaque, ext_fields=FIELDS)


class Watching:
    """A thread that could watch; the test reads in its place."""

    def __init__(self, able=True, keeps=True):
        self.thread = get_ident()
        self.able = able
        self.keeps = keeps
        self.loans = {}

    def watch(self, loan, fd):
        if self.able:
            self.loans[fd] = loan
        return self.able

    def forget(self, fd):
        del self.loans[fd]


class Lent:
    """A client's connection over a pair of sockets, its far end in the test's hands."""

    def __init__(self, nursery):
        self.far, near = socket.socketpair()
        self.connection = Connection(HandlerTable(), "b:1", mono_ms=trio_ms)
        self.connection.read_stored = StoredAnswers(1 << 20).read
        self.channel = Channel(SocketTransport(near), self.connection, Limits())
        self.stored, self.replies = [], []
        self._opaque = 0
        nursery.start_soon(self.channel.run)

    def ask(self, borrower=None):
        if borrower is not None:
            self.channel.lend(borrower)
        self._opaque += 1
        request = encode_command(RemotingCommand(310, opaque=self._opaque))
        reply, stored = self.replies.append, self.stored.append
        asked = Asked(reply, trio_ms() + 3000, on_stored=stored)
        assert self.connection.request_frame(self._opaque, request, asked)
        return self._opaque

    def answer(self, opaque, code=0, **more):
        fields = FIELDS if code == 0 else None
        answer = RemotingCommand(code, flag=RESPONSE_FLAG, opaque=opaque, ext_fields=fields, **more)
        self.far.sendall(frame(answer))

    async def ready(self):
        """A first answer that the loop reads: it waits at the gate from then on."""
        await trio.testing.wait_all_tasks_blocked()
        opaque = self.ask(borrower := Watching())
        assert not borrower.loans
        self.loan = self.channel.loan
        self.answer(opaque)
        await until(lambda: self.stored)
        self.stored.clear()
        await trio.testing.wait_all_tasks_blocked()


async def until(true):
    while not true():
        await trio.lowlevel.checkpoint()


async def turns(count=5):
    for _ in range(count):
        await trio.testing.wait_all_tasks_blocked()


@pytest.fixture
async def lent(nursery):
    made = Lent(nursery)
    await made.ready()
    yield made
    nursery.cancel_scope.cancel()
    made.far.close()


async def test_the_thread_reads_the_answer_that_the_loop_leaves_there(lent):
    borrower = Watching()
    for _ in range(2):
        opaque = lent.ask(borrower)
        assert list(borrower.loans.values()) == [lent.loan]
        lent.answer(opaque)
        await turns()
        assert not lent.stored, "the loop isn't woken"
        assert lent.loan.read()
        assert [one[2] for one in lent.stored] == [opaque]
        lent.stored.clear()
    assert lent.loan.read(), "it was woken for nothing"
    assert not lent.connection.requests.waiting


async def test_other_answers_are_left_to_the_loop_and_the_next_ones_too_for_a_second(lent):
    borrower = Watching()
    opaque = lent.ask(borrower)
    lent.answer(opaque, code=2, remark="busy")
    assert not lent.loan.read()
    lent.loan.take_back()
    await until(lambda: lent.replies)
    assert lent.replies[0].remark == "busy"
    opaque = lent.ask(borrower)
    assert not borrower.loans
    lent.answer(opaque)
    await until(lambda: lent.stored)
    lent.loan.end()  # the housekeeping's
    lent.ask(borrower)
    assert borrower.loans


async def test_the_end_of_the_stream_is_left_to_the_loop(lent):
    borrower = Watching()
    lent.ask(borrower)
    lent.far.close()
    assert not lent.loan.read()
    lent.loan.take_back()
    await until(lambda: lent.replies)
    assert isinstance(lent.replies[0], SendFailed)
    assert not borrower.loans


async def test_who_is_told_may_end_the_connection(lent):
    opaques = []
    for on_stored in (lambda _: lent.connection.close("enough"), lent.stored.append):
        opaques.append(lent.ask())
        lent.connection.requests.waiting[opaques[-1]].on_stored = on_stored
    asked = [frame(answer_to(opaque)) for opaque in opaques]
    assert lent.connection.take_stored(b"".join(asked))
    assert not lent.stored, "it has heard of the end already"
    assert [type(one) for one in lent.replies[-1:]] == [SendFailed]
    assert not lent.connection.requests.waiting


async def test_half_an_answer_is_left_to_the_loop(lent):
    borrower = Watching()
    opaque = lent.ask(borrower)
    answer = frame(answer_to(opaque))
    lent.far.sendall(answer[:9])
    assert not lent.loan.read()
    lent.loan.take_back()
    await until(lambda: lent.connection.restless and not lent.stored)
    lent.far.sendall(answer[9:])
    await until(lambda: lent.stored)


async def test_a_second_request_gives_the_reading_back(lent):
    borrower = Watching()
    first = lent.ask(borrower)
    assert borrower.loans
    second = lent.ask(borrower)
    assert not borrower.loans
    lent.answer(first)
    lent.answer(second)
    await until(lambda: len(lent.stored) == 2)
    lent.answer(lent.ask(borrower))
    assert not borrower.loans, "two are seldom the last two at once"
    await until(lambda: len(lent.stored) == 3)
    lent.loan.end()  # the housekeeping's, a second later
    lent.ask(borrower)
    assert borrower.loans


async def test_a_request_of_another_thread_gives_the_reading_back(lent):
    borrower, other = Watching(), Watching()
    lent.answer(lent.ask(borrower))
    assert lent.loan.read()
    assert borrower.loans, "it goes on as long as nobody else asks"
    borrower.thread = -1
    lent.answer(lent.ask())
    assert not borrower.loans
    await until(lambda: len(lent.stored) == 2)
    lent.answer(lent.ask(borrower := Watching()))
    assert lent.loan.read()
    lent.answer(lent.ask(other))
    assert not borrower.loans
    assert other.loans, "it has it now"
    assert lent.loan.read()
    assert len(lent.stored) == 4


async def test_a_thread_that_watches_nothing_between_its_sends_gives_it_back_with_the_answer(lent):
    borrower = Watching(keeps=False)
    lent.answer(lent.ask(borrower))
    assert borrower.loans
    assert lent.loan.read()
    assert not borrower.loans
    lent.answer(lent.ask())
    await until(lambda: len(lent.stored) == 2)


async def test_a_thread_that_comes_after_it_was_taken_back_leaves_the_answer_to_the_loop(lent):
    # it would wake a task of the loop's, and the loop would sleep on
    borrower, other = Watching(), Watching()
    other.thread = -1
    lent.answer(lent.ask(borrower))
    lent.loan.take_back()
    assert lent.loan.read()
    assert not lent.stored
    await until(lambda: lent.stored)
    lent.answer(lent.ask(borrower))
    lent.loan.take_back()
    await until(lambda: len(lent.stored) == 2)
    lent.channel.lend(other)
    assert other.loans
    lent.answer(lent.ask())
    assert lent.loan.read()
    await until(lambda: len(lent.stored) == 3)


async def test_a_thread_without_time_has_its_answer_read_by_the_loop(lent):
    borrower = Watching()
    opaque = lent.ask(borrower)
    lent.answer(opaque)
    lent.loan.end()
    assert [one[2] for one in lent.stored] == [opaque]
    assert not borrower.loans
    lent.answer(lent.ask())
    await until(lambda: len(lent.stored) == 2)


async def test_a_thread_that_can_not_watch_is_lent_nothing(lent):
    opaque = lent.ask(Watching(able=False))
    lent.answer(opaque)
    await until(lambda: lent.stored)


async def test_the_end_of_a_connection_takes_the_reading_back(lent):
    borrower = Watching()
    lent.ask(borrower)
    lent.connection.close()
    await until(lambda: not borrower.loans)
    assert isinstance(lent.replies[0], SendFailed)
    lent.channel.lend(borrower)
    assert not borrower.loans


async def test_an_interrupted_read_ends_the_connection(lent):
    def interrupted(_):
        raise KeyboardInterrupt

    lent.stored = type("", (), {"append": staticmethod(interrupted)})
    opaque = lent.ask(Watching())
    lent.answer(opaque)
    with pytest.raises(KeyboardInterrupt):
        lent.loan.read()
    await until(lambda: lent.replies)
    assert "interrupted" in str(lent.replies[0])


async def test_a_handler_that_lets_the_loop_run_in_the_middle_of_a_read_does_not_read_twice(lent):
    def handler(stored):
        heard.append(stored[2])
        lent.loan.end()

    heard, borrower = [], Watching()
    lent.stored = type("", (), {"append": staticmethod(handler)})
    opaque = lent.ask(borrower)
    lent.answer(opaque)
    assert lent.loan.read()
    assert heard == [opaque]
    assert not borrower.loans
    lent.stored = []
    lent.answer(lent.ask())
    await until(lambda: lent.stored)


async def test_without_a_descriptor_nothing_is_lent(nursery, monkeypatch):
    def none():
        raise OSError(24, "too many open files")

    lent = Lent(nursery)
    with monkeypatch.context() as patched:
        patched.setattr(select, "epoll", none)
        await lent.ready()
    opaque = lent.ask(borrower := Watching())
    assert not borrower.loans
    lent.answer(opaque)
    await until(lambda: lent.stored)
    nursery.cancel_scope.cancel()
    lent.far.close()


async def test_what_is_no_plain_socket_is_not_lent(nursery):
    stream, _ = trio.testing.memory_stream_pair()
    channel = Channel(stream, Connection(HandlerTable()), Limits())
    channel.lend(Watching())
    assert channel.loan is None
