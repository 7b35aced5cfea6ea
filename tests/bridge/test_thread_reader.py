"""Threads that read the answers that they wait for."""

import os
import select
import socket
import threading
from functools import partial
from queue import SimpleQueue

import pytest

from rmqwire.blocking import Message, Producer
from rmqwire.bridge.engine import TaskCall, shared_engine
from rmqwire.bridge.face import block_on
from rmqwire.bridge.thread_reader import ThreadReader, _bell
from rmqwire.remoting.loan import Loan
from rmqwire.remoting.transport import HAS_EPOLL
from tests.support.embedded import rmq, server

__all__ = ["rmq", "server"]
pytestmark = pytest.mark.skipif(not HAS_EPOLL, reason="sockets can't be lent here")


class Lent:
    """A socket on loan, whose byte is what is waited for."""

    def __init__(self, over):
        self.far, self.near = socket.socketpair()
        self.over = over
        self.given_back = 0

    def read(self):
        self.over.put(self.near.recv(10))
        return True

    def take_back(self):
        self.given_back += 1

    def close(self):
        self.far.close()
        self.near.close()


@pytest.fixture
def over():
    return SimpleQueue()


@pytest.fixture
def lent(over):
    lent = Lent(over)
    yield lent
    lent.close()


def reader(read=lambda loan: loan.read()):
    return ThreadReader(read, lambda call: call())


def test_it_reads_until_what_it_waits_for_has_come(over, lent):
    one = reader()
    assert one.watch(lent, lent.near.fileno())
    lent.far.send(b"x")
    assert one.get(over) == b"x"
    assert not one.waits


def test_what_another_thread_puts_there_ends_the_wait(over, lent):
    one = reader()
    one.watch(lent, lent.near.fileno())

    def put():
        while not one.waits:
            pass
        one.put(over, "told")
        one.put(over, "told again")

    thread = threading.Thread(target=put)
    thread.start()
    assert one.get(over) == "told"
    thread.join()
    assert one.get(over) == "told again"
    one.watch(lent, lent.near.fileno())
    lent.far.send(b"x")
    assert one.get(over) == b"x", "a bell that rang too late is nothing"


def test_what_is_there_or_on_no_loan_is_waited_for_in_the_queue(over):
    one = reader()
    one.put(over, 1)
    assert one.get(over) == 1


def test_what_is_not_for_it_to_read_is_forgotten(over, lent):
    def leave(loan):
        over.put("read by the loop")
        return False

    one = reader(leave)
    one.watch(lent, lent.near.fileno())
    lent.far.send(b"x")
    assert one.get(over) == "read by the loop"
    assert not lent.given_back, "it is given back already"


def test_an_interrupted_wait_gives_back_what_is_on_loan(over, lent):
    def interrupted(loan):
        raise KeyboardInterrupt

    one = reader(interrupted)
    one.watch(lent, lent.near.fileno())
    lent.far.send(b"x")
    with pytest.raises(KeyboardInterrupt):
        one.get(over)
    assert lent.given_back == 1
    assert not one.waits


def test_without_a_descriptor_it_watches_nothing(lent, monkeypatch):
    def none(*_):
        raise OSError(24, "too many open files")

    _bell.cache_clear()
    for module, name in ((os, "eventfd"), (select, "epoll")):
        one = reader()
        with monkeypatch.context() as patched:
            patched.setattr(module, name, none)
            assert not one.watch(lent, lent.near.fileno())
        one.forget(lent.near.fileno())


def test_a_thread_reads_the_answers_to_its_sends(rmq, monkeypatch):
    def noted(self):
        seen.append(threading.get_ident())
        return read(self)

    seen, read = [], Loan._read
    monkeypatch.setattr(Loan, "_read", noted)
    with Producer("p", namesrv_addr=rmq.namesrv_addr) as producer:
        while threading.get_ident() not in seen:
            producer.send(Message("T", b"x"))
        sent = [producer.send(Message("T", b"x")).queue_offset for _ in range(20)]
        assert sent == list(range(sent[0], sent[0] + 20))
        many = [threading.Thread(target=partial(sends, producer)) for _ in range(8)]
        for thread in many:
            thread.start()
        for thread in many:
            thread.join()
        assert producer.send(Message("T", b"x")).queue_offset == sent[-1] + 8 * 20 + 1


def sends(producer):
    for _ in range(20):
        producer.send(Message("T", b"x"))


def test_a_handler_that_comes_while_its_thread_waits_waits_in_the_queue():
    async def done():
        return 7

    one = shared_engine().reader()
    one.waits = True
    try:
        assert block_on(TaskCall(done, None), reads=True) == 7
    finally:
        one.waits = False
    assert block_on(TaskCall(done, None), reads=True) == 7
