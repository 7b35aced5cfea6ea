"""Where releases differ in what a broker does and answers."""

from __future__ import annotations

import msgspec


class BrokerRelease(msgspec.Struct, frozen=True):
    """The column of the broker.

    Args:
        invalid_parameter_code: answer to an illegal topic name or queue id.
        names_topic_in_remark: the remark about an illegal topic name quotes it.
        stores_region: the broker stores MSG_REGION, TRACE_ON and a UNIQ_KEY with each message (5.x);
            4.9 stores none of them and drops WAIT.
        answers_transaction_id: a send's answer says its UNIQ_KEY as transactionId (5.x).
        empty_body_refused: a send without a body is an error (5.x) or an empty message (4.9).
        appends_batch_properties: each message of a batch gets the batch's own properties (4.9).
        batch_refuses_retry_topic: a batch can't be sent to a retry topic.
        pops: consumers may pop, and what they don't acknowledge comes again.
        timer_messages: the broker knows the TIMER_* properties of a message.
        lite_topics: topics may have lite topics under them.
        sends_by_priority: a message's priority is the number of its queue.
        retry_limit_inclusive: a retry topic send goes to the dead letters at the maximum of
            reconsumeTimes (4.9) or above it (5.x).
        given_up_in_order: a retry topic send of an orderly consumer is a dead letter at once.
        dead_letters_undelayed: a dead letter made of such a send says delay level -1.
        stores_moved_offsets: a pull outside of its queue leaves a message in OFFSET_MOVED_EVENT.
        pull_sys_flags: pull answers tell topicSysFlag and groupSysFlag.
        pull_forbidden_type: refused pulls tell forbiddenType.
        sql_text_operators: CONTAINS, STARTSWITH and ENDSWITH are operators in conditions.
        queue_query_shows_addresses: QUERY_CONSUME_QUEUE tells the address of an extension unit as the
            tags code (4.9) instead of the code in it,
        queue_query_base64: and bit maps in base64 (fastjson 1) instead of signed numbers.
        retry_filter_for_tags: filterSupportRetry filters retry topics that are subscribed by tags,
            as clients subscribe them, too (4.9).
        pull_subscribes: a pull's own subscription counts as one of its group.
        group_forbidden: a group may be forbidden a topic.
        pull_offsets: the broker remembers how far each group has pulled.
        shares_pull_offsets: slaves get that table too, if they are of such a release.
        server_side_reset: pulls are sent to offsets that an administrator has set.
        checks_offset_commit: committing an offset needs an existing group and topic.
        empty_queue_starts_at_zero: an unknown group's offset on an empty queue is 0 (4.9), not
            "not found" (5.x).
        min_offset_remark: remark of a good GET_MIN_OFFSET answer (5.x makes it by another way).
        heartbeat_v2: heartbeat answers tell IS_SUPPORT_HEART_BEAT_V2 and IS_SUB_CHANGE.
        heartbeat_needs_group: consumers of a group that isn't there are not registered.
        ordered_retry_topics: retry topics of orderly consumers are ordered.
        notifies_broadcast: members of a broadcasting group hear of each other (4.9).
        relays_sys_flags: a message handed to a consumer directly comes with topicSysFlag and
            groupSysFlag.
        system_topics_5: there are the system topics of pop, transactions and timers.
        topic_attributes: topics have attributes.
        offsets_version: the table of offsets has a data version, and a list of topics by group.
        delay_offsets_version: the table of the delay levels' offsets has a data version.
        paged_tables: tables of topics and groups are asked for in pages.
        deletion_cleans_offsets: deleting a topic removes the groups' offsets in it.
        keeps_system_topics: cleaning spares every system topic (5.x), or three by name (4.9).
        statistics_5: counts how long puts take, connections, registrations, and totals without the
            topics of the system.
        runtime_keys_5: the figures of 5.x under its names.
        admin_queue_expires: an administrator's request that has waited for too long is refused.
        registers_compressed: compressedRegister works: 5.x sends the compressed form with
            compressed=false and its own name servers refuse it.
        registers_acting_master: registration says enableActingMaster.
        slave_rejects: a slave refuses sends, and pulls without slaveReadEnable, as busy (5.x); 4.9
            answers sends with SERVICE_NOT_AVAILABLE and serves pulls.
        slave_commits: a slave takes the offsets that pulls commit.
        slave_sends_back: a slave sends consumers that have caught up back to the master.
        slave_sync_period_ms: period of the slave's metadata sync, with
        slave_sync_delay_ms: the time from the start to the first one.
        syncs_request_modes: a slave takes the message request modes over.
        syncs_timers: a slave takes the master's progress with timers over.
        half_names_transaction: a half message has its UNIQ_KEY as __transactionId__, too (5.x).
        committed_keeps_real_topic: a committed message still has REAL_TOPIC and REAL_QID (4.9).
        batches_ops: one op names many half messages (5.x) or one (4.9).
        refuses_late_ends: a producer can't end a transaction any more after the time that the half
            message itself sets; only the answer to a check does (5.x).
        checks_name_topic: a check names the half topic and this broker (5.x).
        counts_half_messages: the half messages that wait are counted in transactionMetrics (5.x).
        plain_acl: aclEnable works (4.9); 5.x still has the key and runs open.
    """

    # sends
    invalid_parameter_code: int
    names_topic_in_remark: bool
    stores_region: bool
    answers_transaction_id: bool
    empty_body_refused: bool
    appends_batch_properties: bool
    batch_refuses_retry_topic: bool
    pops: bool
    timer_messages: bool
    lite_topics: bool
    sends_by_priority: bool
    retry_limit_inclusive: bool
    given_up_in_order: bool
    dead_letters_undelayed: bool

    # pulls and offsets
    stores_moved_offsets: bool
    pull_sys_flags: bool
    pull_forbidden_type: bool
    sql_text_operators: bool
    retry_filter_for_tags: bool
    queue_query_shows_addresses: bool
    queue_query_base64: bool
    pull_subscribes: bool
    group_forbidden: bool
    pull_offsets: bool
    shares_pull_offsets: bool
    server_side_reset: bool
    checks_offset_commit: bool
    empty_queue_starts_at_zero: bool
    min_offset_remark: str | None

    # clients
    heartbeat_v2: bool
    heartbeat_needs_group: bool
    ordered_retry_topics: bool
    notifies_broadcast: bool
    relays_sys_flags: bool

    # tables
    system_topics_5: bool
    topic_attributes: bool
    offsets_version: bool
    delay_offsets_version: bool
    paged_tables: bool
    deletion_cleans_offsets: bool
    keeps_system_topics: bool

    # administration
    statistics_5: bool
    runtime_keys_5: bool
    admin_queue_expires: bool

    # registration
    registers_compressed: bool
    registers_acting_master: bool

    # slaves
    slave_rejects: bool
    slave_commits: bool
    slave_sends_back: bool
    slave_sync_period_ms: int
    slave_sync_delay_ms: int
    syncs_request_modes: bool
    syncs_timers: bool
    # transactions
    half_names_transaction: bool
    committed_keeps_real_topic: bool
    batches_ops: bool
    refuses_late_ends: bool
    checks_name_topic: bool
    counts_half_messages: bool
    plain_acl: bool


BROKER_4_9 = BrokerRelease(
    invalid_parameter_code=1,
    names_topic_in_remark=False,
    stores_region=False,
    answers_transaction_id=False,
    empty_body_refused=False,
    appends_batch_properties=True,
    batch_refuses_retry_topic=False,
    pops=False,
    timer_messages=False,
    lite_topics=False,
    sends_by_priority=False,
    retry_limit_inclusive=True,
    given_up_in_order=False,
    dead_letters_undelayed=False,
    stores_moved_offsets=True,
    pull_sys_flags=False,
    pull_forbidden_type=False,
    sql_text_operators=False,
    retry_filter_for_tags=True,
    queue_query_shows_addresses=True,
    queue_query_base64=True,
    pull_subscribes=False,
    group_forbidden=False,
    pull_offsets=False,
    shares_pull_offsets=False,
    server_side_reset=False,
    checks_offset_commit=False,
    empty_queue_starts_at_zero=True,
    min_offset_remark=None,
    heartbeat_v2=False,
    heartbeat_needs_group=False,
    ordered_retry_topics=False,
    notifies_broadcast=True,
    relays_sys_flags=False,
    system_topics_5=False,
    topic_attributes=False,
    offsets_version=False,
    delay_offsets_version=False,
    paged_tables=False,
    deletion_cleans_offsets=False,
    keeps_system_topics=False,
    statistics_5=False,
    runtime_keys_5=False,
    admin_queue_expires=False,
    registers_compressed=True,
    registers_acting_master=False,
    slave_rejects=False,
    slave_commits=False,
    slave_sends_back=False,
    slave_sync_period_ms=10_000,
    slave_sync_delay_ms=3_000,
    syncs_request_modes=False,
    syncs_timers=False,
    half_names_transaction=False,
    committed_keeps_real_topic=True,
    batches_ops=False,
    refuses_late_ends=False,
    checks_name_topic=False,
    counts_half_messages=False,
    plain_acl=True,
)
BROKER_5 = BrokerRelease(
    invalid_parameter_code=29,
    names_topic_in_remark=True,
    stores_region=True,
    answers_transaction_id=True,
    empty_body_refused=True,
    appends_batch_properties=False,
    batch_refuses_retry_topic=True,
    pops=True,
    timer_messages=True,
    lite_topics=True,
    sends_by_priority=True,
    retry_limit_inclusive=False,
    given_up_in_order=True,
    dead_letters_undelayed=True,
    stores_moved_offsets=False,
    pull_sys_flags=True,
    pull_forbidden_type=True,
    sql_text_operators=True,
    retry_filter_for_tags=False,
    queue_query_shows_addresses=False,
    queue_query_base64=False,
    pull_subscribes=True,
    group_forbidden=True,
    pull_offsets=True,
    shares_pull_offsets=False,
    server_side_reset=True,
    checks_offset_commit=True,
    empty_queue_starts_at_zero=False,
    min_offset_remark="",
    heartbeat_v2=True,
    heartbeat_needs_group=True,
    ordered_retry_topics=True,
    notifies_broadcast=False,
    relays_sys_flags=True,
    system_topics_5=True,
    topic_attributes=True,
    offsets_version=True,
    delay_offsets_version=True,
    paged_tables=True,
    deletion_cleans_offsets=True,
    keeps_system_topics=True,
    statistics_5=True,
    runtime_keys_5=True,
    admin_queue_expires=True,
    registers_compressed=False,
    registers_acting_master=True,
    slave_rejects=True,
    slave_commits=True,
    slave_sends_back=True,
    slave_sync_period_ms=60_000,
    slave_sync_delay_ms=10_000,
    syncs_request_modes=True,
    syncs_timers=True,
    half_names_transaction=True,
    committed_keeps_real_topic=False,
    batches_ops=True,
    refuses_late_ends=True,
    checks_name_topic=True,
    counts_half_messages=True,
    plain_acl=False,
)
BROKER_5_5_1 = msgspec.structs.replace(BROKER_5, shares_pull_offsets=True)
