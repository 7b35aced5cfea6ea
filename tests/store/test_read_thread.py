"""Parts of files that a thread reads before somebody wants them."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest

from rmqwire.store.read_thread import ReadThread
from tests.support.memory_files import MemoryFiles


class Disk(MemoryFiles):
    """Says which files are opened to be read, and opens them when it may."""

    def __init__(self):
        super().__init__()
        self.asked = SimpleQueue()
        self.may_open = threading.Event()
        self.may_open.set()

    def open(self, path, **flags):
        if flags.get("reading"):
            self.asked.put(path)
            self.may_open.wait()
        return super().open(path, **flags)


@pytest.fixture
def files():
    files = Disk()
    handle = files.open("/log", create=True)
    files.pwrite(handle, b"0123456789", 0)
    files.close(handle)
    return files


def begin(thread, files, path, size, offset):
    """Begin a read and wait until the thread has come to it."""
    read = thread.begin(path, size, offset)
    files.asked.get()
    return read


def test_reads_are_there_in_any_order_and_leave_no_file_open(files):
    with ReadThread(files) as thread:
        first = begin(thread, files, "/log", 3, 0)
        second = begin(thread, files, "/log", 3, 8)
        assert (second(), first()) == (b"89", b"012")
    assert files.handles == {}


def test_a_read_that_has_begun_is_waited_for_and_another_is_left_to_who_wants_it(files):
    files.may_open.clear()
    with ReadThread(files) as thread:
        first = begin(thread, files, "/log", 3, 0)
        second, third = thread.begin("/log", 3, 3), thread.begin("/log", 3, 6)
        assert second() == b""
        files.may_open.set()
        assert first() == b"012"
        files.asked.get()
        assert third() == b"678"
    assert files.calls.count(("pread", "/log")) == 2


@pytest.mark.parametrize("operation", ["open", "pread"])
def test_what_the_disk_does_not_give_is_nothing_and_the_next_is_read(files, operation):
    files.fail(operation)
    with ReadThread(files) as thread:
        assert begin(thread, files, "/log", 3, 0)() == b""
        assert begin(thread, files, "/gone", 3, 0)() == b""
        assert begin(thread, files, "/log", 3, 0)() == b"012"
    assert files.handles == {}


def test_what_was_begun_is_there_behind_the_end_and_nothing_more(files):
    with ReadThread(files) as thread:
        begun = begin(thread, files, "/log", 3, 0)
    assert begun() == b"012"
    assert thread.begin("/log", 3, 0)() == b""


def test_there_is_no_thread_before_the_first_read(files, monkeypatch):
    started = []
    monkeypatch.setattr(threading.Thread, "start", started.append)
    with ReadThread(files):
        pass
    assert started == []


def test_where_no_thread_can_be_started_nothing_is_read_ahead(files, monkeypatch):
    def start(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with ReadThread(files) as thread:
        assert thread.begin("/log", 3, 0)() == b""
