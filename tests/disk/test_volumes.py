"""One sync for all files below a folder, on a real folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from rmqwire.disk import volumes
from rmqwire.disk.files import RealFiles, write_whole


@pytest.fixture(autouse=True)
def _no_handles(monkeypatch):
    handles = {}
    monkeypatch.setattr(volumes, "_handles", handles)
    yield
    for handle in handles.values():
        os.close(handle)


@pytest.fixture
def synced(monkeypatch):
    """Stand for the kernel's call; give the folders that it was called for."""
    found = []

    def syncfs(handle):
        found.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        return 0

    monkeypatch.setattr(volumes, "_syncfs", lambda: syncfs)
    return found


def test_the_kernel_does_it_or_says_so_at_once(tmp_path):
    files, root = RealFiles(), str(tmp_path)
    files.makedirs(f"{root}/T/0")
    write_whole(files, f"{root}/T/0/file", b"units")
    assert files.sync_all(root) == (volumes._syncfs() is not None)


def test_a_folder_that_is_not_there_is_not_synced(tmp_path, synced):
    assert not volumes.sync_all(f"{tmp_path}/none")
    assert synced == []


def test_its_handle_is_kept_until_the_folder_is_another(tmp_path, synced):
    folder = tmp_path / "queues"
    folder.mkdir()
    assert volumes.sync_all(str(folder))
    handle = dict(volumes._handles)
    assert volumes.sync_all(str(folder))
    assert volumes._handles == handle
    folder.rename(tmp_path / "old")
    folder.mkdir()
    assert volumes.sync_all(str(folder))
    assert synced == [str(folder)] * 3


def test_a_folder_with_a_link_may_be_on_two_disks(tmp_path, synced):
    (tmp_path / "T").symlink_to("/")
    assert not volumes.sync_all(str(tmp_path))
    assert synced == []


def test_nor_is_one_that_another_file_system_is_mounted_in(tmp_path, synced, monkeypatch):
    mounts = tmp_path / "mounts"
    (tmp_path / "queues/T").mkdir(parents=True)
    mounts.write_text(
        f"22 1 8:1 / / rw - ext4 a rw\n23 22 8:2 / {tmp_path}/queues/T rw - ext4 b rw\n"
    )
    monkeypatch.setattr(volumes, "_MOUNTS", str(mounts))
    assert not volumes.sync_all(f"{tmp_path}/queues")
    assert volumes.sync_all(f"{tmp_path}/queues/T")


def test_an_error_is_raised(tmp_path, monkeypatch):
    ctypes = pytest.importorskip("ctypes")
    monkeypatch.setattr(
        volumes, "_syncfs", lambda: lambda handle: ctypes.set_errno(errno.EIO) or -1
    )
    with pytest.raises(OSError, match="Input/output") as caught:
        volumes.sync_all(str(tmp_path))
    assert caught.value.errno == errno.EIO


@pytest.mark.parametrize(
    ("release", "numbers"), [("6.1.0-13-amd64", (6, 1)), ("5.8.0", (5, 8)), ("4.19", (4, 19))]
)
def test_kernels_that_tell_errors_are_known_by_their_release(monkeypatch, release, numbers):
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "host", release, "", "")))
    assert volumes._kernel() == numbers
