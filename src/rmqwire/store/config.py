"""Settings of the store: the keys of Java's ``MessageStoreConfig`` that are honoured.

Names are Java's in snake_case, defaults and units are Java's. What is lost on a power cut is
decided by ``flush_disk_type``: ASYNC_FLUSH loses what was written since the last flush (normally
under ``flush_interval_commit_log``, at most ``flush_commit_log_thorough_interval``), SYNC_FLUSH
loses nothing that was answered with SEND_OK.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from rmqwire.codec.consume_queue import BATCH_UNIT, UNIT

ASYNC_FLUSH = "ASYNC_FLUSH"
SYNC_FLUSH = "SYNC_FLUSH"
SLAVE = "SLAVE"
_UNKNOWN_MEMORY = 1 << 40  # bytes assumed when the machine won't say
_DELAY_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class StoreConfig(msgspec.Struct):
    """Settings of one store. Sizes are bytes and times ms unless the name says otherwise."""

    store_path_root_dir: str = msgspec.field(default_factory=lambda: str(Path.home() / "store"))
    store_path_commit_log: str | None = None  # None: ROOT/commitlog
    mapped_file_size_commit_log: int = 1024 * 1024 * 1024
    mapped_file_size_consume_queue: int = 300_000 * UNIT
    mapper_file_size_batch_consume_queue: int = 300_000 * BATCH_UNIT
    enable_consume_queue_ext: bool = False
    mapped_file_size_consume_queue_ext: int = 48 * 1024 * 1024
    max_message_size: int = 4 * 1024 * 1024
    enable_lmq: bool = False
    enable_multi_dispatch: bool = False
    enable_lmq_quota: bool = False
    max_lmq_consume_queue_num: int = 20_000
    broker_role: str = "ASYNC_MASTER"

    # flushing
    flush_disk_type: str = ASYNC_FLUSH
    flush_interval_commit_log: int = 500
    flush_commit_log_least_pages: int = 4
    flush_commit_log_thorough_interval: int = 10_000
    flush_interval_consume_queue: int = 1_000
    flush_consume_queue_least_pages: int = 2
    flush_consume_queue_thorough_interval: int = 60_000
    sync_flush_timeout: int = 5_000

    # reading
    max_transfer_bytes_on_message_in_memory: int = 262_144
    max_transfer_count_on_message_in_memory: int = 32
    max_transfer_bytes_on_message_in_disk: int = 65_536
    max_transfer_count_on_message_in_disk: int = 8
    access_message_in_memory_max_ratio: int = 40  # percent of the machine's memory
    data_read_ahead_enable: bool = True
    max_filter_message_size: int = 16_000  # bytes of consume queue looked at in one pull
    travel_cq_file_num_when_get_message: int = 1
    offset_check_in_slave: bool = False
    default_query_max_num: int = 32

    # records
    auto_message_version_on_topic_len: bool = True
    enabled_append_prop_crc: bool = False
    check_crc_on_recover: bool = True
    force_verify_prop_crc: bool = False
    duplication_enable: bool = False
    corruption_policy: str = "refuse"  # ours: refuse, readonly or java; see ``store.damage``
    os_page_cache_busy_time_out_mills: int = 1_000
    enable_schedule_message_stats: bool = True
    message_delay_level: str = "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h"

    # timers
    mapped_file_size_timer_log: int = 100 * 1024 * 1024
    timer_precision_ms: int = 1_000
    timer_roll_window_slot: int = 172_800  # ticks: 2 days of seconds
    timer_flush_interval_ms: int = 1_000
    timer_max_delay_sec: int = 259_200  # 3 days
    timer_congest_num_each_slot: int = 2**31 - 1
    timer_stop_enqueue: bool = False
    timer_stop_dequeue: bool = False
    timer_wheel_snapshot_flush: bool = False
    timer_wheel_snapshot_interval_ms: int = 10_000
    append_topic_for_timer_delete_key: bool = False
    timer_enable_check_metrics: bool = True
    timer_check_metrics_when: str = "05"  # hours, as ``05`` or ``05;17``
    timer_metric_small_threshold: int = 1_000_000
    timer_progress_log_interval_ms: int = 10_000

    # index
    message_index_enable: bool = True
    message_index_safe: bool = False
    max_hash_slot_num: int = 5_000_000
    max_index_num: int = 5_000_000 * 4
    index_file_read_enable: bool = True
    index_file_write_enable: bool = True
    max_msgs_num_batch: int = 64

    # cleaning
    delete_when: str = "04"
    file_reserved_time: int = 72  # hours
    clean_resource_interval: int = 10_000
    delete_commit_log_files_interval: int = 100
    delete_consume_queue_files_interval: int = 100
    delete_file_batch_max: int = 10
    clean_file_forcibly_enable: bool = True
    disk_max_used_space_ratio: int = 75  # percent
    disk_space_warning_level_ratio: int = 90  # percent
    disk_space_clean_forcibly_ratio: int = 85  # percent

    # replication
    ha_listen_port: int = 10912
    ha_send_heartbeat_interval: int = 5_000
    ha_housekeeping_interval: int = 20_000
    ha_transfer_batch_size: int = 32_768
    ha_master_address: str | None = None
    ha_slave_fallbehind_max: int = 256 * 1024 * 1024
    ha_max_gap_not_in_sync: int = 256 * 1024 * 1024
    ha_flow_control_enable: bool = False
    max_ha_transfer_byte_in_second: int = 100 * 1024 * 1024
    ha_ack_after_flush: bool = False  # ours: a slave reports only what is on its disk
    ha_divergence_policy: str = "stop"  # ours: stop or truncate; see ``ha.divergence``
    ha_tls_mode: str = "disabled"  # ours, as the next four; see ``ha.tls``
    ha_tls_cert_path: str | None = None
    ha_tls_key_path: str | None = None
    ha_tls_trust_cert_path: str | None = None
    ha_tls_need_client_auth: bool = False
    slave_timeout: int = 3_000
    in_sync_replicas: int = 1

    @property
    def commit_log_path(self) -> str:
        """Folder of the commit log."""
        return self.store_path_commit_log or f"{self.store_path_root_dir}/commitlog"

    @property
    def consume_queue_path(self) -> str:
        """Folder of the consume queues."""
        return f"{self.store_path_root_dir}/consumequeue"

    @property
    def consume_queue_segment_size(self) -> int:
        """Bytes of one consume queue file: the configured size rounded up to whole units."""
        return -(-self.mapped_file_size_consume_queue // UNIT) * UNIT

    @property
    def batch_consume_queue_segment_size(self) -> int:
        """Bytes of one BatchCQ file: the configured size rounded up to whole units."""
        return -(-self.mapper_file_size_batch_consume_queue // BATCH_UNIT) * BATCH_UNIT

    @property
    def max_record_size(self) -> int:
        """Largest record in bytes: a body of the largest size and 64 KiB beside it."""
        return self.max_message_size + 64 * 1024

    @property
    def sync_flush(self) -> bool:
        """A send is answered only after its record is on disk."""
        return self.flush_disk_type == SYNC_FLUSH

    @property
    def corrects_offsets(self) -> bool:
        """A pull out of range is sent to the nearest offset (not on a slave, as in Java)."""
        return self.broker_role != SLAVE or self.offset_check_in_slave

    @property
    def in_memory_size(self) -> int:
        """Bytes of the log's end that count as in memory."""
        return memory_size() * self.access_message_in_memory_max_ratio // 100

    def delay_levels(self) -> dict[int, int]:
        """Return level -> delay in ms as ``messageDelayLevel`` lists them (level 1 first)."""
        return delay_levels(self.message_delay_level)


def delay_levels(text: str) -> dict[int, int]:
    """Return level -> delay in ms as a value of ``messageDelayLevel`` lists them (level 1 first)."""
    words = enumerate(text.split(), 1)
    return {level: int(word[:-1]) * _DELAY_UNITS_MS[word[-1]] for level, word in words}


def memory_size() -> int:
    """Return the machine's memory in bytes (Java ``StoreUtil.TOTAL_PHYSICAL_MEMORY_SIZE``)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return _UNKNOWN_MEMORY
