"""Settings, checkpoint, waits, health and counters."""

from __future__ import annotations

import json

import pytest

from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.store.config import StoreConfig
from rmqwire.store.events import StoreEvents
from rmqwire.store.folder.checkpoint import CheckpointFile
from rmqwire.store.folder.flush_plan import pages_between
from rmqwire.store.health import StoreHealth
from rmqwire.store.log.offset_waits import OffsetWaits
from rmqwire.store.results import (
    GET_STATUS_NAMES,
    PUT_STATUS_NAMES,
    PutMessageResult,
    PutStatus,
)
from rmqwire.store.stats import StoreStats, format_runtime
from tests.support.golden import protocol_table
from tests.support.memory_files import MemoryFiles
from tests.support.stores import Clock, make_store, message, put


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


OWN_SETTINGS = {
    "corruption_policy",
    "ha_ack_after_flush",
    "ha_divergence_policy",
    "ha_tls_cert_path",
    "ha_tls_key_path",
    "ha_tls_mode",
    "ha_tls_need_client_auth",
    "ha_tls_trust_cert_path",
}


def test_every_setting_is_a_java_key_with_java_s_default():
    known = {}
    for entry in protocol_table("broker_config_keys")["MessageStoreConfig"]:
        found = entry.get("both") or entry.get("5.5.0") or entry.get("4.9.7")
        known[entry["name"].lower()] = found["default"]
    config = StoreConfig(store_path_root_dir="${user.home}/store")
    for name in set(StoreConfig.__struct_fields__) - OWN_SETTINGS:
        key = camel(name).lower()
        assert key in known, name
        assert json.dumps(getattr(config, name)) == json.dumps(known[key]), name


def test_derived_settings():
    config = StoreConfig(store_path_root_dir="/r", mapped_file_size_consume_queue=2001)
    assert config.consume_queue_segment_size == 2020
    assert config.commit_log_path == "/r/commitlog"
    assert StoreConfig(store_path_commit_log="/log").commit_log_path == "/log"
    levels = config.delay_levels()
    assert (levels[1], levels[5], levels[18], len(levels)) == (1_000, 60_000, 7_200_000, 18)


def test_status_names_are_java_s():
    assert PUT_STATUS_NAMES[1] == "FLUSH_DISK_TIMEOUT"
    assert len(PUT_STATUS_NAMES) == 16
    assert GET_STATUS_NAMES[8] == "NO_MESSAGE_IN_QUEUE"


@pytest.mark.parametrize(("release", "offset"), [(V4_9_7, 0), (V5_5_0, 77)])
def test_checkpoint_keeps_what_the_release_knows(release, offset):
    files = MemoryFiles()
    files.makedirs("/r")
    file = CheckpointFile("/r/checkpoint", release, files)
    assert file.load() == ""
    file.values.physic_msg_timestamp = 10_000
    file.values.logics_msg_timestamp = 8_000
    file.values.logics_physical_offset = 77
    file.write(sync=True)
    file.close()
    file.close()
    again = CheckpointFile("/r/checkpoint", release, files)
    assert again.load() == ""
    assert again.min_timestamp(with_index=False) == 5_000
    assert again.min_timestamp(with_index=True) == 0
    assert again.values.logics_physical_offset == offset


def test_waits_are_answered_in_order():
    answers = []
    waits = OffsetWaits(PutStatus.FLUSH_DISK_TIMEOUT)
    for end in (10, 20, 30, 40):
        waits.add(end, end * 100, PutMessageResult(0, end), answers.append)
    assert waits.next_deadline() == 1000
    waits.release(20)
    assert [(r.physical_offset, r.status) for r in answers] == [(10, 0), (20, 0)]
    waits.expire(2999)
    assert len(waits) == 2
    waits.expire(3000)
    assert (answers[-1].physical_offset, answers[-1].status) == (30, 1)
    waits.fail_all()
    assert (answers[-1].physical_offset, answers[-1].status, len(waits)) == (40, 1, 0)
    assert waits.next_deadline() is None


def test_health_lets_a_full_disk_be_tried_and_a_fault_stay():
    clock = Clock()
    health = StoreHealth(clock, StoreEvents())
    assert health.refuses()
    health.allow()
    assert not health.refuses()
    health.disk_full("full")
    clock.now_ms += 999
    assert health.refuses()
    clock.now_ms += 1
    assert not health.refuses()
    health.disk_full("full")
    health.fail("broken")
    clock.now_ms += 10_000
    assert health.refuses()
    assert (health.reason, health.broken) == ("broken", True)


def test_pages_are_counted_by_borders():
    assert [pages_between(a, b) for a, b in [(0, 4095), (4095, 4096), (0, 16384)]] == [0, 1, 4]


def test_put_times_fall_into_java_s_buckets():
    stats = StoreStats(0)
    for elapsed in (0, 1, 10, 11, 10_000, 10_001):
        stats.put_done(2, elapsed)
    info = stats.runtime_info(0)
    assert info["putMessageDistributeTime"].startswith("[<=0ms]:2 [0~10ms]:4 [10~50ms]:2 ")
    assert info["putMessageDistributeTime"].endswith("[5~10s]:2 [10s~]:2 ")
    assert info["putMessageEntireTimeMax"] == "10001"


@pytest.mark.parametrize(
    ("puts", "share", "latency"),
    [
        ([], 0.99, 0.0),
        ([(0, 100)], 0.99, 0.99),  # the first bucket reaches from 0 to 1 ms
        ([(1, 90), (7, 10)], 0.99, 6.9),
        ([(1, 990), (1_500, 10)], 0.999, 1_900.0),
        ([(3, 1), (20_000, 99)], 0.99, 10_000.0),
    ],
)
def test_latencies_are_those_of_the_last_whole_minute(puts, share, latency):
    stats = StoreStats(0)
    for elapsed, count in puts:
        stats.put_done(count, elapsed)
    for second in range(59):
        stats.sample(second * 1000)
    assert stats.put_latency(share) == 0.0
    stats.sample(59_000)
    assert stats.put_latency(share) == pytest.approx(latency)
    assert "[10s~]:0 " in stats.runtime_info(0)["putMessageDistributeTime"]
    for second in range(60, 120):
        stats.sample(second * 1000)
    assert stats.put_latency(share) == 0.0


def test_runtime_words():
    assert format_runtime(90_061_000) == "[ 1 days, 1 hours, 1 minutes, 1 seconds ]"


def test_runtime_info_of_a_store():
    clock = Clock()
    store = make_store(clock=clock)
    store.open()
    put(store, message(), message(body=b"x" * 100))
    store.get_message("T", 0, 0, 32)
    store.get_message("T", 0, 2, 32)
    put(store, message("t" * 200))
    clock.now_ms += 61_000
    info = store.runtime_info()
    assert info["putMessageTimesTotal"] == "2"
    assert info["putMessageFailedTimes"] == "1"
    assert info["putMessageSizeTotal"] == str(store.max_phy_offset)
    assert info["putMessageAverageSize"] == str(store.max_phy_offset / 2)
    assert info["commitLogMaxOffset"] == str(store.max_phy_offset)
    assert info["commitLogMinOffset"] == "0"
    assert info["commitLogDiskRatio"] == "0.25"
    assert info["commitLogDiskRatio_/store/commitlog"] == "0.25"
    assert info["runtime"] == "[ 0 days, 0 hours, 1 minutes, 1 seconds ]"
    assert (store.stats.get_found, store.stats.get_miss, store.stats.get_messages) == (1, 1, 2)


def test_topics_are_listed_and_deleted():
    store = make_store()
    store.open()
    put(store, message("A", 3), message("A", 1), message("B"))
    assert (sorted(store.topics()), store.queue_ids("A"), store.queue_ids("C")) == (
        ["A", "B"],
        [1, 3],
        [],
    )
    store.queues.write_tails()
    assert store.delete_topics(["A", "C"]) == 1
    assert not [path for path in store.files.data if "/A/" in path]
    assert store.topics() == ["B"]
    assert put(store, message("A", 3))[0].queue_offset == 0


def test_a_topic_made_again_is_what_recovery_finds():
    store = make_store()
    store.open()
    put(store, *[message("A")] * 5)
    store.delete_topics(["A"])
    put(store, *[message("A")] * 2)
    again = make_store(store.files.copy())
    again.open()
    assert again.max_offset("A", 0) == 2


def test_a_slave_takes_no_puts():
    store = make_store()
    store.config.broker_role = "SLAVE"
    store.open()
    (result,) = put(store, message())
    assert result.status == PutStatus.SERVICE_NOT_AVAILABLE
    assert "slave" in result.remark
