"""I8 for the index: after a power cut at any moment every key still leads to its messages."""

from __future__ import annotations

import random

import pytest

from rmqwire.codec.record import decode_message, iter_messages
from rmqwire.store.recovery.log_scan import LogScan
from tests.support.crash_states import new_disk
from tests.support.stores import Clock, make_store, message, put, small_config

FOR_EVER = 1 << 62


def opened(files, clock):
    config = small_config(max_hash_slot_num=5, max_index_num=12, mapped_file_size_commit_log=1500)
    store = make_store(files, config=config, clock=clock)
    store.open()
    return store


def work(store, clock, rng, first):
    """Put messages with keys; now and then flush, index, write and sync as the service does."""
    for number in range(first, first + 12):
        text = b"UNIQ_KEY\x01U%d\x02KEYS\x01k%d all\x02" % (number, number)
        put(store, message(body=rng.randbytes(rng.randrange(60)), properties=text))
        clock.now_ms += rng.randrange(3)
        step = rng.randrange(4)
        if step == 0 and (plan := store.flushes.log_flush_plan(thorough=True)) is not None:
            store.flushes.run_flush(plan)
        if step == 1:
            while store.build_index():
                pass
            store.index.write()
        if step == 2:
            full = store.index.full_files()
            for file in full:
                file.sync()
            store.index.full_files_synced(full)
            store.checkpoint.write(sync=rng.random() < 0.5)
        yield


def check(store):
    """Every key of the log is found, and nothing that is not in the log."""
    wanted: dict[str, set[int]] = {}
    for found in LogScan(store.log.queue, store.min_phy_offset, check_crc=True):
        one = decode_message(store.look_message(found.physical_offset))
        for key in (one.unique_key, *one.keys.split(" ")):
            wanted.setdefault(key, set()).add(one.physical_offset)
    for key, places in wanted.items():
        answer = store.lookup.query_message("T", key, 64, 0, FOR_EVER)
        hits = [
            one for one in iter_messages(answer.body) if key in {one.unique_key, *one.keys.split()}
        ]
        assert {one.physical_offset for one in hits} == places, key
    return len(wanted)


@pytest.mark.parametrize("seed", range(8))
def test_every_key_is_found_after_a_power_cut(seed):
    rng, clock = random.Random(seed), Clock()
    disk = new_disk()
    store = opened(disk, clock)
    states = keys = 0
    for _ in work(store, clock, rng, 0):
        pending = disk.pending()
        for picks in (
            [0] * len(pending),
            [item.choices for item in pending],
            *([rng.randint(0, item.choices) for item in pending] for _ in range(3)),
        ):
            again = opened(disk.crash(pending, picks), clock)
            keys += check(again)
            for _ in work(again, clock, rng, 100):
                pass
            keys += check(again)
            again.close()
            keys += check(opened(again.files, clock))
            states += 1
        check(opened(disk.copy(), clock))
    assert states == 60
    assert keys > 1000
