"""The layers themselves: what is pending, what a power cut leaves, what is recorded and spoilt."""

import errno

import pytest

from rmqwire.disk.files import RealFiles, read_whole, write_whole
from tests.support.faulty_files import FOR_EVER, Fault, FaultyFiles, ProcessKilled
from tests.support.recording_files import RecordingFiles, replay
from tests.support.sim_files import SimFiles

FILE = "/d/f"


@pytest.fixture
def disk():
    """A durable file of three sectors of ``a``."""
    files = SimFiles()
    files.makedirs("/d")
    write_whole(files, FILE, b"a" * 1536)
    files.settle()
    return files


def write(files, data, offset, path=FILE):
    handle = files.open(path, create=True)
    files.pwrite(handle, data, offset)
    return handle


def after(files, *picks):
    pending = files.pending()
    assert len(pending) == len(picks)
    return files.crash(pending, list(picks))


def test_sectors_survive_one_by_one(disk):
    handle = write(disk, b"b" * 1024, 256)
    disk.pwrite(handle, b"c" * 10, 600)
    assert [item.choices for item in disk.pending()] == [1, 2, 1]
    assert read_whole(after(disk, 0, 0, 0), FILE) == b"a" * 1536
    assert read_whole(after(disk, 0, 1, 0), FILE) == b"a" * 512 + b"b" * 512 + b"a" * 512
    newest = after(disk, 1, 2, 1)
    assert read_whole(newest, FILE) == read_whole(disk, FILE)
    assert newest.pending() == []
    disk.datasync(handle)
    assert disk.pending() == []


def test_a_failed_sync_leaves_sectors_that_no_sync_writes(disk):
    handle = write(disk, b"b" * 512, 0)
    disk.datasync_failed(FILE)
    disk.pwrite(handle, b"c" * 512, 512)
    disk.datasync(handle)
    assert read_whole(disk, FILE)[:512] == b"b" * 512
    assert read_whole(after(disk, 0), FILE) == b"a" * 512 + b"c" * 512 + b"a" * 512
    disk.pwrite(handle, b"b" * 512, 0)
    disk.datasync(handle)
    assert disk.pending() == []


def test_size_and_bytes_survive_apart(disk):
    handle = disk.open(FILE)
    disk.fallocate(handle, 2048)
    disk.pwrite(handle, b"b" * 512, 1536)
    assert read_whole(after(disk, 1, 0), FILE) == b"a" * 1536 + bytes(512)
    assert read_whole(after(disk, 0, 1), FILE) == b"a" * 1536


def test_names_survive_only_when_their_folder_is_synced(disk):
    write(disk, b"", 0, "/d/new")
    disk.rename(FILE, "/d/g")
    disk.makedirs("/d/e")
    write(disk, b"", 0, "/d/e/h")
    assert sorted(after(disk, 0, 0, 0, 0).data) == [FILE]
    assert sorted(after(disk, 0, 1, 0, 1).data) == ["/d/g"]
    assert sorted(after(disk, 1, 0, 1, 1).data) == ["/d/e/h", FILE, "/d/new"]
    disk.fsync_dir("/d")
    assert [item.change[:2] for item in disk.pending()] == [("link", "/d/e/h")]
    disk.unlink("/d/g")
    assert sorted(after(disk, 0, 0).data) == ["/d/g", "/d/new"]
    assert sorted(after(disk, 0, 1).data) == ["/d/new"]


def test_a_killed_process_leaves_the_cache_and_what_is_pending(disk):
    write(disk, b"b" * 512, 0)
    twin = disk.copy()
    assert read_whole(twin, FILE) == read_whole(disk, FILE)
    assert len(twin.pending()) == 1
    twin.datasync(twin.open(FILE))
    assert len(disk.pending()) == 1


def test_a_recording_replayed_gives_the_same_disk(disk):
    before = disk.copy()
    files = RecordingFiles(FaultyFiles(disk, Fault("datasync", first=2)))
    handle = write(files, b"x" * 700, 100)
    files.datasync(handle)
    files.truncate(handle, 900)
    files.pwrite(handle, b"y", 3)
    with pytest.raises(OSError, match="injected"):
        files.datasync(handle)
    files.makedirs("/d/sub")
    write_whole(files, "/d/sub/one", b"1")
    files.rename("/d/sub/one", "/d/sub/two")
    files.fsync_dir("/d/sub")
    files.unlink(FILE)
    kinds = [operation.kind for operation in files.trace]
    assert kinds[:5] == ["write", "datasync", "truncate", "write", "datasync"]
    assert [operation.number for operation in files.trace if operation.failed] == [5]
    for operation in files.trace:
        replay(operation, before)
    assert before.digest_parts() == disk.digest_parts()
    assert len(before.pending()) == len(disk.pending())
    zeros = [0] * len(disk.pending())
    left = before.crash(before.pending(), zeros), disk.crash(disk.pending(), zeros)
    assert left[0].digest_parts() == left[1].digest_parts()


def test_faults_hit_the_calls_they_name(tmp_path):
    path = str(tmp_path / "f")
    slept = []
    files = FaultyFiles(
        RealFiles(),
        Fault("write", "f", first=2, code=errno.ENOSPC, short=True),
        Fault("datasync", first=1, delay_s=2.0),
        Fault("pread", first=3, times=FOR_EVER),
        sleep=slept.append,
    )
    handle = files.open(path, create=True)
    files.pwrite(handle, b"abcd", 0)
    with pytest.raises(OSError, match="injected") as caught:
        files.pwrite(handle, b"efgh", 4)
    assert caught.value.errno == errno.ENOSPC
    files.datasync(handle)
    assert slept == [2.0]
    assert [files.pread(handle, 9, 0) for _ in range(2)] == [b"abcdef"] * 2
    for _ in range(3):
        with pytest.raises(OSError, match="injected"):
            files.pread(handle, 9, 0)
    files.close(handle)
    files.faults = [Fault(kill=True)]
    for _ in range(2):
        with pytest.raises(ProcessKilled):
            files.unlink(path)
    assert RealFiles().exists(path)
