from __future__ import annotations

import pytest

from rmqwire.codec.checkpoint import StoreCheckpoint, TimerCheckpoint
from rmqwire.codec.release import V4_9_7, V5_5_0, release_named
from rmqwire.errors import BadRecord
from tests.support import golden


@pytest.mark.parametrize(
    "archive", golden.store_archives(), ids=lambda p: f"{p.parts[-3]}-{p.name}"
)
def test_java_s_files_are_read_and_written(archive):
    files = golden.store_files(archive)
    release = release_named(archive.parts[-3])
    found = StoreCheckpoint.decode(files["checkpoint"])
    assert found.encode(release) == files["checkpoint"]
    times = (found.physic_msg_timestamp, found.logics_msg_timestamp)
    assert max(times) > 1_700_000_000_000
    if release is V5_5_0:
        data = files["config/timercheck"]
        timer = TimerCheckpoint.decode(data)
        assert timer.encode() == data[:56]
        assert timer.last_read_time_ms > 1_700_000_000_000


def test_java_s_vector_is_read():
    for release, entry in golden.vectors("store_files"):
        if entry["name"].startswith("StoreCheckpoint"):
            found = StoreCheckpoint.decode(bytes.fromhex(entry["first_64_hex"]))
            assert found.physic_msg_timestamp == 1700000000001
            assert found.confirm_phy_offset == (55 if release == "5.5.0" else 0)


def test_4_9_writes_the_three_times_only():
    checkpoint = StoreCheckpoint(1, 2, 3, 4, 5, 6)
    assert StoreCheckpoint.decode(checkpoint.encode(V4_9_7)) == StoreCheckpoint(1, 2, 3)
    assert len(checkpoint.encode()) == 4096


@pytest.mark.parametrize(
    "call",
    [
        lambda: StoreCheckpoint.decode(bytes(47)),
        lambda: StoreCheckpoint(1 << 63).encode(),
        lambda: TimerCheckpoint(1 << 63).encode(),
    ],
)
def test_what_is_no_checkpoint_is_refused(call):
    with pytest.raises(BadRecord):
        call()
