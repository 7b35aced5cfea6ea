"""Where Apache RocketMQ releases differ: one table, chosen by ``rocketmqVersion``.

Nothing else in rmqwire asks which release it is; code reads a column of this table.
"""

from __future__ import annotations

from dataclasses import dataclass

from rmqwire.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Release:
    """One column of the table of differences.

    Args:
        name: the value of ``rocketmqVersion``.
        mq_version: ordinal announced in every command (Java ``MQVersion.CURRENT_VERSION``).
        trailing_property_separator: the property string ends in 0x02 (5.x) or not (4.9).
        message_v2: topics over 127 bytes are stored as V2 records (5.x) or refused (4.9).
        index_tags: the index finds messages by tag too.
        topic_max_length: longest topic name in characters (Java ``TopicValidator``).
        retry_topic_max_length: the same for ``%RETRY%`` and ``%DLQ%`` topics.
        escape_line_separators: JSON text writes U+007F, U+2028 and U+2029 as ``\\uXXXX``
            (fastjson 1, 4.9) or as they are (fastjson2, 5.x).
        new_body_fields: JSON bodies carry the properties that 5.x added.
        json_references: an object met twice in one body is written as ``$ref`` (fastjson 1).
        abort_holds_pid: the ``abort`` file holds the process id (5.x) or is empty (4.9).
        slave_sync_period_ms: period of the slave's metadata sync, with
        slave_sync_delay_ms: the time from the start to the first one.
        sync_master_needs_a_slave: a SYNC_MASTER answers SLAVE_NOT_AVAILABLE when no slave is near
            (4.9); in 5.x inSyncReplicas says how many copies a send waits for.
        slave_rejects: a slave refuses sends, and pulls without slaveReadEnable, as busy (5.x); 4.9
            answers sends with SERVICE_NOT_AVAILABLE and serves pulls.
        checkpoint_fields: numbers that the store's ``checkpoint`` file holds.
        faq_suggestion: tail of many remarks (Java ``FAQUrl.suggestTodo``).
        invalid_parameter_code: answer to an illegal topic name or queue id.
        names_topic_in_remark: the remark about an illegal topic name quotes it.
        property_map_capacity: table size of the HashMap that orders a message's properties.
        stores_region: the broker stores MSG_REGION, TRACE_ON and a UNIQ_KEY with each message and
            answers its transactionId (5.x); 4.9 stores none of them and drops WAIT.
        empty_body_refused: a send without a body is an error (5.x) or an empty message (4.9).
        appends_batch_properties: each message of a batch gets the batch's own properties (4.9).
        timer_messages: the broker knows the TIMER_* properties of a message.
        retry_limit_inclusive: a retry topic send goes to the dead letters at the maximum of
            reconsumeTimes (4.9) or above it (5.x).
        pull_sys_flags: pull answers tell topicSysFlag, groupSysFlag and forbiddenType.
        lite_pull_code: LITE_PULL_MESSAGE is a code of its own.
        heartbeat_v2: heartbeat answers tell IS_SUPPORT_HEART_BEAT_V2 and IS_SUB_CHANGE.
        notifies_broadcast: members of a broadcasting group hear of each other (4.9).
        checks_offset_commit: committing an offset needs an existing group and topic.
        empty_queue_starts_at_zero: an unknown group's offset on an empty queue is 0 (4.9), not
            "not found" (5.x).
        latency_max_ms: steps of a broker's send latency (Java ``MQFaultStrategy``), with
        not_available_ms: how long a producer leaves a broker of that step alone, and
        isolation_latency_ms: the latency that a failed send counts as.
        retry_response_codes: answers after which a producer tries another broker.
        batch_unique_key: a batch has a UNIQ_KEY of its own besides its messages' (5.x).
        asks_offset_bounds: offset queries say committed and boundaryType (5.x).
        nearest_time_search: a search by time finds the message nearest to it (4.9), not the first
            at or after it (5.x).
        pull_batch_size_in_bytes: bytes a pull asks for at most (5.x), None: it doesn't say (4.9).
        tables_v5: the broker's tables hold topic and group attributes, the system topics of pop,
            transactions and timers, forbidden bits, and offsets with a data version.
        min_offset_remark: remark of a good GET_MIN_OFFSET answer (5.x makes it by another way).
        ha_listen_port_settable: haListenPort of the file counts (5.x), or it's always
            listenPort + 1 (4.9).
    """

    name: str
    mq_version: int
    trailing_property_separator: bool
    message_v2: bool
    index_tags: bool
    topic_max_length: int
    retry_topic_max_length: int
    escape_line_separators: bool
    new_body_fields: bool
    json_references: bool
    abort_holds_pid: bool
    slave_sync_period_ms: int
    slave_sync_delay_ms: int
    sync_master_needs_a_slave: bool
    slave_rejects: bool
    checkpoint_fields: int
    faq_suggestion: str
    invalid_parameter_code: int
    names_topic_in_remark: bool
    property_map_capacity: int
    stores_region: bool
    empty_body_refused: bool
    appends_batch_properties: bool
    timer_messages: bool
    retry_limit_inclusive: bool
    pull_sys_flags: bool
    lite_pull_code: bool
    heartbeat_v2: bool
    notifies_broadcast: bool
    checks_offset_commit: bool
    empty_queue_starts_at_zero: bool
    latency_max_ms: tuple[int, ...]
    not_available_ms: tuple[int, ...]
    isolation_latency_ms: int
    retry_response_codes: frozenset[int]
    batch_unique_key: bool
    asks_offset_bounds: bool
    nearest_time_search: bool
    pull_batch_size_in_bytes: int | None
    tables_v5: bool
    min_offset_remark: str | None
    ha_listen_port_settable: bool


V4_9_7 = Release(
    name="4.9.7",
    mq_version=407,
    trailing_property_separator=False,
    message_v2=False,
    index_tags=False,
    topic_max_length=127,
    retry_topic_max_length=127,
    escape_line_separators=True,
    new_body_fields=False,
    json_references=True,
    abort_holds_pid=False,
    slave_sync_period_ms=10_000,
    slave_sync_delay_ms=3_000,
    sync_master_needs_a_slave=True,
    slave_rejects=False,
    checkpoint_fields=3,
    faq_suggestion="\nSee http://rocketmq.apache.org/docs/faq/ for further details.",
    invalid_parameter_code=1,
    names_topic_in_remark=False,
    property_map_capacity=16,
    stores_region=False,
    empty_body_refused=False,
    appends_batch_properties=True,
    timer_messages=False,
    retry_limit_inclusive=True,
    pull_sys_flags=False,
    lite_pull_code=False,
    heartbeat_v2=False,
    notifies_broadcast=True,
    checks_offset_commit=False,
    empty_queue_starts_at_zero=True,
    latency_max_ms=(50, 100, 550, 1000, 2000, 3000, 15_000),
    not_available_ms=(0, 0, 30_000, 60_000, 120_000, 180_000, 600_000),
    isolation_latency_ms=30_000,
    retry_response_codes=frozenset({17, 14, 1, 16, 204, 205}),
    batch_unique_key=False,
    asks_offset_bounds=False,
    nearest_time_search=True,
    pull_batch_size_in_bytes=None,
    tables_v5=False,
    min_offset_remark=None,
    ha_listen_port_settable=False,
)
V5_5_0 = Release(
    name="5.5.0",
    mq_version=513,
    trailing_property_separator=True,
    message_v2=True,
    index_tags=True,
    topic_max_length=127,
    retry_topic_max_length=255,
    escape_line_separators=False,
    new_body_fields=True,
    json_references=False,
    abort_holds_pid=True,
    slave_sync_period_ms=60_000,
    slave_sync_delay_ms=10_000,
    sync_master_needs_a_slave=False,
    slave_rejects=True,
    checkpoint_fields=6,
    faq_suggestion=(
        "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details."
    ),
    invalid_parameter_code=29,
    names_topic_in_remark=True,
    property_map_capacity=128,
    stores_region=True,
    empty_body_refused=True,
    appends_batch_properties=False,
    timer_messages=True,
    retry_limit_inclusive=False,
    pull_sys_flags=True,
    lite_pull_code=True,
    heartbeat_v2=True,
    notifies_broadcast=False,
    checks_offset_commit=True,
    empty_queue_starts_at_zero=False,
    latency_max_ms=(50, 100, 550, 1800, 3000, 5000, 15_000),
    not_available_ms=(0, 0, 2000, 5000, 6000, 10_000, 30_000),
    isolation_latency_ms=10_000,
    retry_response_codes=frozenset({17, 14, 1, 2, 16, 204, 205, 1500}),
    batch_unique_key=True,
    asks_offset_bounds=True,
    nearest_time_search=False,
    pull_batch_size_in_bytes=262_144,
    tables_v5=True,
    min_offset_remark="",
    ha_listen_port_settable=True,
)
RELEASES = {release.name: release for release in (V4_9_7, V5_5_0)}
DEFAULT_RELEASE = V5_5_0
V5_0_0_ORDINAL = 413  # the first release after 4.9


def release_of(mq_version: int) -> Release:
    """Return the release whose habits a peer with this version ordinal has: 5.x or the one before.

    Ordinal 0 is a client that announces none; it counts as new.
    """
    return V4_9_7 if 0 < mq_version < V5_0_0_ORDINAL else V5_5_0


def release_named(name: str) -> Release:
    """Return the release called ``name``.

    Raises:
        ConfigError: no such column in the table.
    """
    try:
        return RELEASES[name]
    except KeyError:
        known = ", ".join(RELEASES)
        raise ConfigError(f"rocketmqVersion={name}: not one of {known}") from None
