"""``RealFiles`` on a real folder, and the twin in memory held to the same rules."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rmqwire.disk.files import RealFiles, read_whole, write_whole
from rmqwire.errors import StoreLocked
from tests.support.memory_files import MemoryFiles


@pytest.fixture(params=["real", "memory"])
def disk(request, tmp_path):
    files = RealFiles() if request.param == "real" else MemoryFiles()
    root = str(tmp_path)
    files.makedirs(root)
    return files, root


def test_read_write_and_sizes(disk):
    files, root = disk
    path = f"{root}/a/b/file"
    with pytest.raises(FileNotFoundError):
        files.open(path)
    files.makedirs(f"{root}/a/b")
    handle = files.open(path, create=True)
    files.fallocate(handle, 100)
    assert files.size(path) == 100
    files.pwrite(handle, bytearray(b"hello"), 97)
    files.pwrite(handle, memoryview(b"xx"), 0)
    assert files.pread(handle, 200, 95) == b"\0\0hello"
    assert files.pread(handle, 5, 500) == b""
    files.datasync(handle)
    for wanted in (False, True):
        files.read_ahead(handle, wanted=wanted)
    files.truncate(handle, 3)
    assert read_whole(files, path) == b"xx\0"
    files.truncate(handle, 5)
    assert files.size(path) == 5
    files.close(handle)
    assert files.exists(path)


def test_names(disk):
    files, root = disk
    files.makedirs(f"{root}/x")
    write_whole(files, f"{root}/x/2", b"two")
    write_whole(files, f"{root}/x/2", b"2")
    write_whole(files, f"{root}/x/1", b"one")
    assert files.list(f"{root}/x") == ["1", "2"]
    assert files.list(f"{root}/none") == []
    files.rename(f"{root}/x/1", f"{root}/x/2")
    assert files.list(f"{root}/x") == ["2"]
    assert read_whole(files, f"{root}/x/2") == b"one"
    with pytest.raises(OSError, match="not empty"):
        files.remove_folder(f"{root}/x")
    files.unlink(f"{root}/x/2")
    files.fsync_dir(f"{root}/x")
    files.remove_folder(f"{root}/x")
    assert not files.exists(f"{root}/x")
    assert 0 <= files.used_ratio(root) <= 1
    assert files.used_ratio(f"{root}/none") == -1.0


def test_a_lock_is_held_once(disk):
    files, root = disk
    handle = files.lock(f"{root}/lock")
    with pytest.raises(StoreLocked):
        files.lock(f"{root}/lock")
    files.unlock(handle)
    files.unlock(files.lock(f"{root}/lock"))


def test_a_lock_holds_against_another_process(tmp_path):
    path = str(tmp_path / "lock")
    code = (
        "import fcntl, sys\n"
        f"f = open({path!r}, 'r+')\n"
        "fcntl.lockf(f, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    (tmp_path / "lock").write_bytes(b"lock")
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StoreLocked):
            RealFiles().lock(path)
        other.communicate()
    files = RealFiles()
    files.unlock(files.lock(path))


def test_short_reads_and_writes_are_completed(tmp_path, monkeypatch):
    files = RealFiles()
    handle = files.open(str(tmp_path / "f"), create=True)
    real_write, real_read = os.pwrite, os.pread
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real_write(fd, bytes(data[:3]), at))
    monkeypatch.setattr(os, "pread", lambda fd, size, at: real_read(fd, min(size, 4), at))
    files.pwrite(handle, b"0123456789", 5)
    assert files.pread(handle, 15, 0) == b"\0\0\0\0\x000123456789"
    assert files.pread(handle, 99, 10) == b"56789"
    monkeypatch.undo()
    files.close(handle)
