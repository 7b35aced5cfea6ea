"""Offsets: of queues by time, of groups as a table, and moving them (``AdminBrokerProcessor``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.codec import java_json
from rmqwire.codec.bodies import QueryCorrectionOffsetBody
from rmqwire.codec.headers import (
    CloneGroupOffsetRequestHeader,
    GetEarliestMsgStoretimeRequestHeader,
    GetEarliestMsgStoretimeResponseHeader,
    GetMaxOffsetRequestHeader,
    GetMaxOffsetResponseHeader,
    GetMinOffsetRequestHeader,
    GetMinOffsetResponseHeader,
    QueryCorrectionOffsetHeader,
    SearchOffsetRequestHeader,
    SearchOffsetResponseHeader,
)
from rmqwire.codec.lite_topic import queue_named
from rmqwire.codec.release import V5_5_1
from rmqwire.store.queues.light_queues import LMQ_QUEUE_ID
from rmqwire.store.reading.time_search import LOWER, UPPER

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

LONG_MAX: Final = 2**63 - 1


class OffsetAdmin:
    """Answers where queues begin and end, and where groups stand in them."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._release = state.release

    # --- one queue -----------------------------------------------------------------------------

    def search(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the offset of the message that was stored at a time, or next to it."""
        header = request.decode_header(SearchOffsetRequestHeader)
        boundary = UPPER if header.boundary_type == UPPER else LOWER
        lite_topic = header.lite_topic if self._release.broker.lite_topics else None
        topic, queue_id = queue_named(header.topic, lite_topic), header.queue_id
        if topic != header.topic and (
            queue_id != LMQ_QUEUE_ID or not self._state.lite.topics.exists(topic)
        ):
            return request.create_response(header=SearchOffsetResponseHeader(offset=0))
        offset = self._state.store.offset_by_time(topic, queue_id, header.timestamp, boundary)
        return request.create_response(header=SearchOffsetResponseHeader(offset=offset))

    def max_offset(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the offset that the queue's next message will have."""
        header = request.decode_header(GetMaxOffsetRequestHeader)
        offset = self._state.store.max_offset(header.topic, header.queue_id)
        return request.create_response(header=GetMaxOffsetResponseHeader(offset=offset))

    def min_offset(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the offset of the queue's oldest message."""
        header = request.decode_header(GetMinOffsetRequestHeader)
        store = self._state.store
        offset = store.min_offset(header.topic, header.queue_id)
        if not store.max_offset(header.topic, header.queue_id) and store.is_batch(header.topic):
            offset = -1  # BatchConsumeQueue.minOffsetInQueue, until there is a message
        return request.create_response(
            remark=self._release.broker.min_offset_remark,
            header=GetMinOffsetResponseHeader(offset=offset),
        )

    def earliest(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the time (epoch ms) at which the queue's oldest message was stored."""
        header = request.decode_header(GetEarliestMsgStoretimeRequestHeader)
        time = self._state.store.earliest_store_timestamp(header.topic, header.queue_id)
        return request.create_response(header=GetEarliestMsgStoretimeResponseHeader(timestamp=time))

    # --- tables --------------------------------------------------------------------------------

    def all_offsets(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return every group's offsets, for slaves: as standard JSON, which every release reads."""
        offsets = self._state.offsets
        content = offsets.wrapper()
        if self._release.broker.shares_pull_offsets and request.version >= V5_5_1.mq_version:
            content["pullOffsetTable"] = offsets.pull_table
        return request.create_response(body=java_json.dumps(content, self._release, standard=True))

    def all_delay_offsets(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return how far each delay level has been delivered, for slaves."""
        return request.create_response(body=self._state.schedule.encode())

    # --- groups --------------------------------------------------------------------------------

    def clone(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return one group the offsets of another, in one topic or in all."""
        header = request.decode_header(CloneGroupOffsetRequestHeader)
        state = self._state
        topics = [header.topic] if header.topic else self._topics_of(header.src_group)
        for topic in topics:
            if topic not in state.topics.table:
                continue
            if header.offline or self._consumes(header.src_group, topic):
                state.offsets.clone(header.src_group, header.dest_group, topic)
        return request.create_response()

    def _topics_of(self, group: str) -> list[str]:
        return sorted(self._state.offsets.which_topic_by_consumer(group))

    def _consumes(self, group: str, topic: str) -> bool:
        """Return whether the group subscribes to the topic, or isn't online at all."""
        info = self._state.consumers.find(group)
        return info is None or not info.subscriptions or topic in info.subscriptions

    def correction(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return, by queue, the lowest offset of the topic's groups that is still in the store.

        Where ``compareGroup`` is behind that already, the answer is the largest number there is:
        nothing to correct. ``filterGroups`` are left out (Java forgets their offsets on the way,
        which nobody who only asks would want).
        """
        header = request.decode_header(QueryCorrectionOffsetHeader)
        left_out = set((header.filter_groups or "").split(","))
        lowest: dict[int, int] = {}
        for group in self._state.offsets.which_group_by_topic(header.topic) - left_out:
            for queue_id, offset in self._state.offsets.offsets_of(group, header.topic).items():
                if offset >= self._state.store.min_offset(header.topic, queue_id):
                    lowest[queue_id] = min(offset, lowest.get(queue_id, offset))
        compared = self._state.offsets.offsets_of(header.compare_group, header.topic)
        for queue_id, offset in compared.items():
            if lowest.get(queue_id, LONG_MAX) > offset:
                lowest[queue_id] = LONG_MAX
        body = QueryCorrectionOffsetBody(correction_offsets=lowest)
        return request.create_response(body=body.encode(self._release))
