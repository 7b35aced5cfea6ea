"""The values of ``broker.conf`` that a running broker reads (Java ``BrokerConfig``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.codec.message_const import MASTER_ID
from rmqwire.settings.tls import NO_TLS, TlsSettings

if TYPE_CHECKING:
    from rmqwire.codec.release import Release
    from rmqwire.store.config import StoreConfig

_NOT_SHOWN: Final = (
    "init_authentication_user",
    "inner_client_authentication_credentials",
    "properties",
)


class BrokerConfig(msgspec.Struct):
    """The settings of Java's ``BrokerConfig`` that are honoured, under snake-case names.

    Times are milliseconds, as in Java. It's mutable: UPDATE_BROKER_CONFIG changes a running
    broker's settings. ``properties`` holds what the file and the command line said, as text.
    Secrets stand in neither's ``repr``.
    """

    broker_name: str = ""
    broker_cluster_name: str = "DefaultCluster"
    broker_id: int = MASTER_ID
    broker_ip1: str = "127.0.0.1"
    broker_ip2: str = "127.0.0.1"
    broker_role: str = "ASYNC_MASTER"
    bind_address: str = "0.0.0.0"  # noqa: S104  Java's default; one warning when it's reachable
    server_channel_max_idle_time_seconds: int = 120
    client_channel_max_idle_time_seconds: int = 120
    client_async_semaphore_value: int = 65_535
    client_oneway_semaphore_value: int = 65_535
    connect_timeout_millis: int = 3_000
    enable_reconnect_for_go_away: bool = True
    enable_shutdown_gracefully: bool = False
    shutdown_wait_time_seconds: int = 30
    listen_port: int = 10911
    ha_listen_port: int = 0  # 0: listen_port + 1
    namesrv_addr: str | None = None
    broker_config_path: str | None = None
    config_black_list: str = "configBlackList;brokerConfigPath"
    rocketmq_home: str = ""
    acl_enable: bool = False
    authentication_enabled: bool = False
    authorization_enabled: bool = False
    authentication_whitelist: str | None = None
    authorization_whitelist: str | None = None
    init_authentication_user: str | None = None
    migrate_auth_from_v1_enabled: bool = False
    inner_client_authentication_credentials: str | None = None
    broker_permission: int = 6
    region_id: str = "DefaultRegion"

    default_topic_queue_nums: int = 8
    auto_create_topic_enable: bool = True
    cluster_topic_enable: bool = True
    broker_topic_enable: bool = True
    trace_topic_enable: bool = False
    msg_trace_topic_name: str = "RMQ_SYS_TRACE_TOPIC"
    revive_queue_num: int = 8
    timer_wheel_enable: bool = True
    recall_message_enable: bool = False
    allow_recall_when_broker_not_writeable: bool = True
    validate_system_topic_when_update_topic: bool = True
    clear_retry_topic_when_delete_topic: bool = True
    auto_delete_unused_stats: bool = True
    enable_detail_stat: bool = True
    max_stats_idle_time_in_minutes: int = -1
    batch_delete_topic_max_rate: float = 10.0  # a second
    batch_delete_subscription_group_max_rate: float = 10.0  # a second
    auto_create_subscription_group: bool = True
    enable_create_sys_group: bool = True

    flush_consumer_offset_interval: int = 5_000
    consumer_offset_update_version_step: int = 500
    use_server_side_reset_offset: bool = True

    start_accept_send_request_time_stamp: int = 0
    reject_transaction_message: bool = False
    transaction_time_out: int = 6_000
    transaction_check_max: int = 15
    transaction_check_interval: int = 30_000
    transaction_metric_flush_interval: int = 10_000
    transaction_op_msg_max_size: int = 4_096  # characters
    transaction_op_batch_interval: int = 3_000
    trace_on: bool = True
    store_reply_message_enable: bool = True
    enable_property_filter: bool = False
    enable_calc_filter_bit_map: bool = False
    expect_consumer_num_use_filter: int = 32
    max_error_rate_of_bloom_filter: int = 20  # percent
    filter_data_clean_time_span: int = 86_400_000
    filter_support_retry: bool = False

    cg_cold_read_threshold: int = 3_145_728  # bytes
    global_cold_read_threshold: int = 104_857_600  # bytes

    slave_read_enable: bool = False
    slave_sync_interval: int = 0  # ours, ms; 0: the release's period
    broker_fast_failure_enable: bool = True
    wait_time_mills_in_send_queue: int = 200
    wait_time_mills_in_pull_queue: int = 5_000
    wait_time_mills_in_lite_pull_queue: int = 5_000
    wait_time_mills_in_ack_queue: int = 3_000
    wait_time_mills_in_heartbeat_queue: int = 31_000
    wait_time_mills_in_transaction_queue: int = 3_000
    wait_time_mills_in_admin_broker_queue: int = 5_000
    disable_consume_if_consumer_read_slowly: bool = False
    consumer_fallbehind_threshold: int = 16 * 1024**3  # bytes
    reject_pull_consumer_enable: bool = False
    long_polling_enable: bool = True
    short_polling_time_mills: int = 1_000
    notify_consumer_ids_changed_enable: bool = True
    channel_expired_timeout: int = 120_000

    enable_mixed_message_type: bool = False
    server_load_balancer_enable: bool = True
    default_message_request_mode: str = "PULL"
    default_pop_share_queue_num: int = -1
    load_balance_poll_name_server_interval: int = 30_000

    pop_polling_size: int = 1_024
    max_pop_polling_size: int = 100_000
    revive_interval: int = 1_000
    init_pop_offset_by_check_msg_in_mem: bool = True
    retrieve_message_from_pop_retry_topic_v1: bool = True
    enable_retry_topic_v2: bool = False
    pop_from_retry_probability: int = 20  # percent
    pop_from_retry_probability_for_priority: int = 0  # percent
    priority_order_asc: bool = True
    use_separate_retry_queue: bool = False
    use_message_filter_for_notification: bool = True
    max_message_filter_num_for_notification: int = 64
    pop_response_return_actual_retry_topic: bool = False
    pop_inflight_message_threshold: int = 10_000
    enable_pop_message_threshold: bool = False
    skip_when_ck_re_put_reach_max_times: bool = False
    enable_notify_after_pop_order_lock_release: bool = True

    enable_lite_event_mode: bool = True
    lite_event_check_interval: int = 10_000
    lite_ttl_check_interval: int = 120_000
    min_lite_t_tl: int = 900_000
    lite_subscription_check_interval: int = 120_000
    lite_subscription_check_timeout_mills: int = 180_000
    max_lite_subscription_count: int = 100_000
    max_client_event_count: int = 100
    lite_event_full_dispatch_delay_time: int = 10_000
    lite_event_full_dispatch_delay_time_for_wildcard_group: int = 10_000
    lite_lag_latency_collect_enable: bool = False
    lite_lag_latency_top_k: int = 50
    lite_pull_message_enable: bool = True

    fetch_namesrv_addr_by_address_server: bool = False
    fetch_namesrv_addr_interval: int = 10_000
    rmq_address_server_domain: str = "jmenv.tbsite.net"
    rmq_address_server_sub_group: str = "nsaddr"
    register_name_server_period: int = 30_000
    register_broker_timeout_mills: int = 24_000
    force_register: bool = True
    enable_split_registration: bool = False
    split_registration_size: int = 800  # topics
    enable_split_metadata: bool = True
    split_metadata_size: int = 2_000  # entries

    enable_broadcast_offset_store: bool = True
    broadcast_offset_expire_second: int = 120
    broadcast_offset_expire_max_second: int = 300
    compressed_register: bool = False

    properties: dict[str, str] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        names = [name for name in self.__struct_fields__ if name not in _NOT_SHOWN]
        return f"BrokerConfig({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    @property
    def broker_addr(self) -> str:
        """The address that clients use: brokerIP1:listenPort."""
        return f"{self.broker_ip1}:{self.listen_port}"

    @property
    def vip_port(self) -> int:
        """The second port, for administration (Java's "fast" server): listenPort - 2."""
        return self.listen_port - 2 if self.listen_port else 0

    @property
    def ha_server_addr(self) -> str:
        """The address that slaves use: brokerIP2:haListenPort."""
        return f"{self.broker_ip2}:{self.ha_port}"

    @property
    def ha_port(self) -> int:
        """The port of replication: haListenPort, or listenPort + 1 where it isn't set."""
        if self.ha_listen_port > 0:
            return self.ha_listen_port
        return self.listen_port + 1 if self.listen_port else 0

    def namesrv_addresses(self) -> list[str]:
        """The name servers as ``host:port``, in the order of the file."""
        return [addr.strip() for addr in (self.namesrv_addr or "").split(";") if addr.strip()]


class LoadedConfig(msgspec.Struct):
    """What ``load_broker_config`` returns: everything that a broker is built from."""

    broker: BrokerConfig
    store: StoreConfig
    release: Release
    warnings: list[str]
    tls: TlsSettings = NO_TLS
    host_ip: str = ""  # IP address that records and keys name; "": brokerIP1 is one
