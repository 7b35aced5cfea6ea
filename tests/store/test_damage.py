"""Any damage of any file: the store refuses with its own error or serves what is right."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from rmqwire.codec.record import iter_messages
from rmqwire.errors import CorruptLog
from rmqwire.store.message_store import GetStatus
from tests.support.stores import Clock, make_store, message, put, small_config

SMALL = {"mapped_file_size_commit_log": 2048, "mapped_file_size_consume_queue": 100}
QUEUES = 3


def body_of(queue_id: int, offset: int) -> bytes:
    return b"%d-%d;" % (queue_id, offset) * 20


def make_disk():
    clock = Clock()
    store = make_store(clock=clock, config=small_config(**SMALL))
    store.open()
    for offset in range(12):
        clock.now_ms += 2000
        put(store, *[message(queue_id=q, body=body_of(q, offset)) for q in range(QUEUES)])
    store.queues.write_tails()
    return store.files


DISK = make_disk()
PATHS = sorted(path for path, data in DISK.data.items() if data)


def check(store):
    """Everything that is served is what was put there, in order, without gaps."""
    for queue_id in range(QUEUES):
        offset = store.min_offset("T", queue_id)
        end = store.max_offset("T", queue_id)
        while offset < end:
            result = store.get_message("T", queue_id, offset, 32)
            assert result.status == GetStatus.FOUND
            for one in iter_messages(result.body):
                assert one.body == body_of(queue_id, offset)
                offset += 1


@settings(max_examples=250, deadline=None)
@given(
    path=st.sampled_from(PATHS),
    at=st.integers(0, 4095),
    bits=st.integers(1, 255),
    clean=st.booleans(),
)
def test_one_damaged_byte_anywhere(path, at, bits, clean):
    files = DISK.copy()
    data = files.data[path]
    data[at % len(data)] ^= bits
    if clean:
        del files.data["/store/abort"]
    store = make_store(files, config=small_config(**SMALL))
    with contextlib.suppress(CorruptLog):
        end = store.open().log_end
        if not clean:  # a clean start trusts what lies before the queues' end, as Java's does
            check(store)
        store.close()
        again = make_store(files, config=store.config)
        assert again.open().log_end == end  # a second recovery finds nothing new
        (result,) = put(again, message(queue_id=9))
        assert (result.status, result.physical_offset >= end) == (0, True)
        again.close()


@settings(max_examples=60, deadline=None)
@given(path=st.sampled_from(PATHS), size=st.integers(0, 4096), remove=st.booleans())
def test_shortened_and_removed_files(path, size, remove):
    files = DISK.copy()
    if remove:
        del files.data[path]
    else:
        del files.data[path][size:]
    store = make_store(files, config=small_config(**SMALL))
    with contextlib.suppress(CorruptLog):
        store.open()
        check(store)
        store.close()
    assert files.locked == {}
