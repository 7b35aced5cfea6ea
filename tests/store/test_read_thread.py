"""Parts of files that a thread reads before somebody wants them."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest

from rmqwire.store import read_thread
from rmqwire.store.read_thread import ReadThread
from tests.support.memory_files import MemoryFiles


class Disk(MemoryFiles):
    """Says which parts are read, and reads them when it may; a handle is closed when somebody hears of it."""

    def __init__(self):
        super().__init__()
        self.asked = SimpleQueue()
        self.may_read = threading.Event()
        self.may_read.set()
        self.closed = SimpleQueue()

    def pread(self, handle, size, offset):
        self.asked.put((threading.current_thread().name, offset))
        self.may_read.wait()
        return super().pread(handle, size, offset)

    def close(self, handle):
        super().close(handle)
        self.closed.put(handle)


@pytest.fixture
def files():
    files = Disk()
    handle = files.open("/log", create=True)
    files.pwrite(handle, b"0123456789", 0)
    files.close(handle)
    files.closed.get()
    return files


def begin(thread, files, size, offset):
    """Begin a read and wait until the thread has come to it."""
    read = thread.begin("/log", size, offset)
    assert files.asked.get() == ("rmqwire-read", offset)
    return read


def names():
    return [thread.name for thread in threading.enumerate()]


def test_reads_are_there_in_any_order_and_leave_neither_file_nor_thread(files):
    with ReadThread(files) as thread:
        first = begin(thread, files, 3, 0)
        second = begin(thread, files, 3, 8)
        assert (second(), first()) == (b"89", b"012")
        assert "rmqwire-read" in names()
    assert files.handles == {}
    assert "rmqwire-read" not in names()


def test_a_file_is_open_for_the_next_read(files, monkeypatch):
    monkeypatch.setattr(read_thread, "KEPT_S", 60)
    with ReadThread(files) as thread:
        assert begin(thread, files, 3, 0)() == b"012"
        assert begin(thread, files, 3, 3)() == b"345"
    assert files.calls.count(("open", "/log")) == 2  # the first made it


def test_a_file_that_nobody_reads_is_closed(files, monkeypatch):
    monkeypatch.setattr(read_thread, "KEPT_S", 0)
    with ReadThread(files) as thread:
        assert begin(thread, files, 3, 0)() == b"012"
        files.closed.get()
        assert begin(thread, files, 3, 6)() == b"678"


def test_a_file_that_may_be_another_one_is_opened_anew(files):
    with ReadThread(files) as thread:
        thread.forget()
        assert begin(thread, files, 3, 0)() == b"012"
        thread.forget()
        assert begin(thread, files, 3, 0)() == b"012"
    assert files.calls.count(("open", "/log")) == 3


def test_what_is_being_read_is_waited_for_and_something_else_read_by_who_wants_it(files):
    files.may_read.clear()
    with ReadThread(files) as thread:
        first = begin(thread, files, 3, 0)
        second, third = thread.begin("/log", 3, 3), thread.begin("/log", 3, 6)
        files.may_read.set()
        assert first() == b"012"
        assert {second(), third()} == {b"345", b"678"}
    assert sorted(files.asked.get()[1] for _ in range(2)) == [3, 6]
    assert files.handles == {}


@pytest.mark.parametrize("operation", ["open", "pread"])
def test_what_the_disk_does_not_give_is_nothing_and_the_next_is_read(files, operation):
    files.fail(operation)
    with ReadThread(files) as thread:
        read = thread.begin("/log", 3, 0)
        assert read() == b""
        assert thread.begin("/gone", 3, 0)() == b""
        assert thread.begin("/log", 3, 0)() == b"012"
    assert files.handles == {}


def test_behind_the_end_who_wants_something_reads_it(files):
    with ReadThread(files) as thread:
        begun = begin(thread, files, 3, 0)
    assert begun() == b"012"
    assert thread.begin("/log", 3, 3)() == b"345"
    assert files.asked.get() == (threading.current_thread().name, 3)
    assert files.handles == {}


def test_there_is_no_thread_before_the_first_read(files, monkeypatch):
    started = []
    monkeypatch.setattr(threading.Thread, "start", started.append)
    with ReadThread(files) as thread:
        thread.forget()
    assert started == []


def test_where_no_thread_can_be_started_who_wants_something_reads_it(files, monkeypatch):
    def start(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with ReadThread(files) as thread:
        assert thread.begin("/log", 3, 0)() == b"012"
