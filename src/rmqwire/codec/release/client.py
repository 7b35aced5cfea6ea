"""Where releases differ in producers and consumers."""

from __future__ import annotations

import msgspec


class ClientRelease(msgspec.Struct, frozen=True):
    """The column of the clients.

    Args:
        heartbeat_header: heartbeats have a header, however empty.
        latency_max_ms: steps of a broker's send latency (Java ``MQFaultStrategy``), with
        not_available_ms: how long a producer leaves a broker of that step alone, and
        isolation_latency_ms: the latency that a failed send counts as.
        retry_response_codes: answers after which a producer tries another broker.
        batch_unique_key: a batch has a UNIQ_KEY of its own besides its messages' (5.x).
        asks_offset_bounds: offset queries say committed and boundaryType (5.x).
        pull_batch_size_in_bytes: bytes a pull asks for at most (5.x), None: it doesn't say (4.9).
        trace_needs_region: messages without MSG_REGION are consumed without a trace (5.x).
        lite_pull_request: the pulls of lite pull consumers have a request code of their own (5.x).
        ends_name_topic: the end of a transaction names its topic (5.x).
        heartbeat_on_connect: a heartbeat goes over each new connection to a broker (5.x).
        views_name_topic: who asks for the message at an offset names its topic (5.x).
        queries_name_index: who asks for messages by key names the kind of key (5.5).
        topics_have_attributes: so do new topics (5.x).
    """

    heartbeat_header: bool
    latency_max_ms: tuple[int, ...]
    not_available_ms: tuple[int, ...]
    isolation_latency_ms: int
    retry_response_codes: frozenset[int]
    batch_unique_key: bool
    asks_offset_bounds: bool
    pull_batch_size_in_bytes: int | None
    trace_needs_region: bool
    lite_pull_request: bool
    ends_name_topic: bool
    heartbeat_on_connect: bool
    views_name_topic: bool
    queries_name_index: bool
    topics_have_attributes: bool


CLIENT_4_9 = ClientRelease(
    heartbeat_header=False,
    latency_max_ms=(50, 100, 550, 1000, 2000, 3000, 15_000),
    not_available_ms=(0, 0, 30_000, 60_000, 120_000, 180_000, 600_000),
    isolation_latency_ms=30_000,
    retry_response_codes=frozenset({17, 14, 1, 16, 204, 205}),
    batch_unique_key=False,
    asks_offset_bounds=False,
    pull_batch_size_in_bytes=None,
    trace_needs_region=False,
    lite_pull_request=False,
    ends_name_topic=False,
    heartbeat_on_connect=False,
    views_name_topic=False,
    queries_name_index=False,
    topics_have_attributes=False,
)
CLIENT_5 = ClientRelease(
    heartbeat_header=True,
    latency_max_ms=(50, 100, 550, 1800, 3000, 5000, 15_000),
    not_available_ms=(0, 0, 2000, 5000, 6000, 10_000, 30_000),
    isolation_latency_ms=10_000,
    retry_response_codes=frozenset({17, 14, 1, 2, 16, 204, 205, 1500}),
    batch_unique_key=True,
    asks_offset_bounds=True,
    pull_batch_size_in_bytes=262_144,
    trace_needs_region=True,
    lite_pull_request=True,
    ends_name_topic=True,
    heartbeat_on_connect=True,
    views_name_topic=True,
    queries_name_index=True,
    topics_have_attributes=True,
)
