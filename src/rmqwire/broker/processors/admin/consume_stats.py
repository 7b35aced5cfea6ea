"""How far groups are behind, and how fast messages come and go (``AdminBrokerProcessor``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.broker.stats.names import GROUP_GET_NUMS
from rmqwire.codec.bodies import (
    BrokerStatsData,
    BrokerStatsItem,
    ConsumeStats,
    ConsumeStatsList,
    MessageQueue,
    OffsetWrapper,
    QueryConsumeTimeSpanBody,
    QueueTimeSpan,
)
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import (
    GetConsumeStatsInBrokerHeader,
    GetConsumeStatsRequestHeader,
    QueryConsumeTimeSpanRequestHeader,
    ViewBrokerStatsDataRequestHeader,
)
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.broker.state import BrokerState
    from rmqwire.broker.stats.items import StatsSnapshot
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer


class ConsumeStatsAdmin:
    """Answers consumerProgress, brokerConsumeStats and statsAll of mqadmin."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._release = state.release

    def of_group(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return a group's offsets in each queue beside the queue's end."""
        header = request.decode_header(GetConsumeStatsRequestHeader)
        body = ConsumeStats()
        for topic in self._topics(header):
            config = self._state.topics.select(topic)
            if config is not None:
                queues = range(config.read_queue_nums)
                self._collect(body, header.consumer_group, topic, queues, pulls=True)
        return request.create_response(body=body.encode(self._release))

    def _topics(self, header: GetConsumeStatsRequestHeader) -> list[str]:
        """Choose the topics: those listed, or the one named, or all with offsets of the group."""
        listed = [topic for topic in (header.topic_list or "").split(";") if topic]
        if listed:
            return listed
        if header.topic and header.topic.strip():
            topics = [header.topic]
        else:
            found = self._state.offsets.which_topic_by_consumer(header.consumer_group)
            topics = sorted(found)
        return [topic for topic in topics if self._subscribed(header.consumer_group, topic)]

    def _subscribed(self, group: str, topic: str) -> bool:
        """Return whether the group subscribes to the topic, or isn't online at all."""
        info = self._state.consumers.find(group)
        if info is None or not info.subscriptions:
            return True
        return self._state.consumers.find_subscription(group, topic) is not None

    def _collect(
        self, body: ConsumeStats, group: str, topic: str, queues: Iterable[int], *, pulls: bool
    ) -> None:
        broker = self._state.config.broker_name
        for queue_id in queues:
            queue = MessageQueue(topic, broker, queue_id)
            body.offset_table[queue] = self._standing(group, topic, queue_id, pulls=pulls)
        item = self._state.stats.find(GROUP_GET_NUMS, f"{topic}@{group}")
        if item is not None:
            body.consume_tps += item.minute.snapshot().tps

    def _standing(self, group: str, topic: str, queue_id: int, *, pulls: bool) -> OffsetWrapper:
        store, offsets = self._state.store, self._state.offsets
        consumed = max(0, offsets.query(group, topic, queue_id))
        wrapper = OffsetWrapper(
            broker_offset=max(0, store.max_offset(topic, queue_id)), consumer_offset=consumed
        )
        if pulls:
            wrapper.pull_offset = max(consumed, offsets.query_pull(group, topic, queue_id))
        if consumed > 0:
            time = store.store_timestamp(topic, queue_id, consumed - 1)
            wrapper.last_timestamp = max(0, time)
        return wrapper

    def of_broker(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the same for every group of the broker, with the sums of what is behind."""
        header = request.decode_header(GetConsumeStatsInBrokerHeader)
        rows: list[dict[str, list[ConsumeStats]]] = []
        for group in self._state.groups.table:
            topics = sorted(self._state.offsets.which_topic_by_consumer(group))
            stats = [self._of_topic(group, topic, only_order=header.is_order) for topic in topics]
            rows.append({group: [entry for entry in stats if entry is not None]})
        body = ConsumeStatsList(consume_stats_list=rows, broker_addr=self._state.config.broker_addr)
        for wrapper in _wrappers(rows):
            body.total_diff += wrapper.broker_offset - wrapper.consumer_offset
            body.total_inflight_diff += wrapper.pull_offset - wrapper.consumer_offset
        return request.create_response(body=body.encode(self._release))

    def _of_topic(self, group: str, topic: str, *, only_order: bool) -> ConsumeStats | None:
        config = self._state.topics.select(topic)
        if config is None or (only_order and not config.order):
            return None
        if not self._subscribed(group, topic):
            return None
        body = ConsumeStats()
        self._collect(body, group, topic, range(config.write_queue_nums), pulls=False)
        return body

    def time_span(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return the times of the oldest, newest and last consumed message of each queue."""
        header = request.decode_header(QueryConsumeTimeSpanRequestHeader)
        config = self._state.topics.select(header.topic)
        if config is None:
            raise Reject(ResponseCode.TOPIC_NOT_EXIST, f"topic[{header.topic}] not exist")
        spans = [
            self._span(header.group, header.topic, queue_id)
            for queue_id in range(config.write_queue_nums)
        ]
        body = QueryConsumeTimeSpanBody(consume_time_span_set=spans)
        return request.create_response(body=body.encode(self._release))

    def _span(self, group: str, topic: str, queue_id: int) -> QueueTimeSpan:
        store = self._state.store
        oldest = store.earliest_store_timestamp(topic, queue_id)
        highest = store.max_offset(topic, queue_id)
        consumed = self._state.offsets.query(group, topic, queue_id)
        span = QueueTimeSpan(
            message_queue=MessageQueue(topic, self._state.config.broker_name, queue_id),
            min_time_stamp=oldest,
            max_time_stamp=store.store_timestamp(topic, queue_id, highest - 1),
            consume_time_stamp=oldest,
        )
        if consumed > 0:
            span.consume_time_stamp = store.store_timestamp(topic, queue_id, consumed - 1)
        if consumed < highest:
            waiting_since = store.store_timestamp(topic, queue_id, consumed)
            span.delay_time = self._state.wall_ms() - waiting_since
        return span

    def view(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return one counter over the last minute, hour and day."""
        header = request.decode_header(ViewBrokerStatsDataRequestHeader)
        item = self._state.stats.find(header.stats_name, header.stats_key)
        if item is None:
            raise Reject(
                ResponseCode.SYSTEM_ERROR,
                f"The stats <{header.stats_name}> <{header.stats_key}> not exist",
            )
        body = BrokerStatsData(
            stats_minute=_item(item.minute.snapshot()),
            stats_hour=_item(item.hour.snapshot()),
            stats_day=_item(item.day.snapshot()),
        )
        return request.create_response(body=body.encode(self._release))


def _item(snapshot: StatsSnapshot) -> BrokerStatsItem:
    return BrokerStatsItem(sum=snapshot.sum, tps=snapshot.tps, avgpt=snapshot.avgpt)


def _wrappers(rows: list[dict[str, list[ConsumeStats]]]) -> Iterable[OffsetWrapper]:
    for row in rows:
        for stats in row.values():
            for entry in stats:
                yield from entry.offset_table.values()
