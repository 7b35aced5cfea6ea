"""QUERY_CONSUME_QUEUE: the units of a queue, and what a group's filter says to them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from rmqwire.codec import java_json
from rmqwire.codec.bodies import ConsumeQueueData, QueryConsumeQueueResponseBody
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.consume_queue import EXT_MAX_ADDRESS, UNIT_STRUCT
from rmqwire.codec.headers import QueryConsumeQueueRequestHeader
from rmqwire.filter.message_filter import tag_filter
from rmqwire.filter.subscription import is_tag_type
from rmqwire.remoting.handler import Reject
from rmqwire.store.queues.batch_queue import BatchConsumeQueue
from rmqwire.store.queues.ext_queue import ExtConsumeQueue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import SubscriptionData
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.consume_queue import ConsumeQueueExtUnit
    from rmqwire.filter.message_filter import Filter
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.queues.consume_queue import ConsumeQueue

MOST: Final = 32_768  # units in one answer; more would not fit a frame


class ConsumeQueueAdmin:
    """Answers what stands in a consume queue."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._release = state.release

    def query(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Return units from an index on, up to the end of the file they are in.

        Raises:
            Reject: SYSTEM_ERROR, there is no such queue.
        """
        header = request.decode_header(QueryConsumeQueueRequestHeader)
        topic, queue_id = header.topic or "", header.queue_id
        queue = self._state.store.queues.find(topic, queue_id)
        if queue is None:
            raise Reject(ResponseCode.SYSTEM_ERROR, f"{queue_id}@{topic} is not exist!")
        if not queue.min_offset <= header.index < queue.max_offset:
            return request.create_response(
                remark=f"Index {header.index} of {queue_id}@{topic} is not exist!"
            )
        body = QueryConsumeQueueResponseBody(
            max_queue_index=queue.max_offset, min_queue_index=queue.min_offset
        )
        wanted = self._describe_filter(body, topic, header.consumer_group)
        count = min(header.count, MOST)
        if count > 0:
            body.queue_data = [
                self._row(queue, unit, wanted) for unit in _units(queue, header.index, count)
            ]
        return request.create_response(body=body.encode(self._release))

    def _describe_filter(
        self, body: QueryConsumeQueueResponseBody, topic: str, group: str | None
    ) -> _Judge | None:
        """Say what a group wants; return what judges units by it, None if there is no group."""
        if group is None:
            return None
        subscription = self._state.consumers.find_subscription(group, topic)
        body.subscription_data = subscription
        if subscription is None:
            body.filter_data = f"{group}@{topic} is not online!"
            return None
        known = self._state.filters.find(topic, group)
        data = None if known is None else known.data
        body.filter_data = java_json.dumps(data, self._release, pretty=True).decode()
        return _Judge(subscription, None if known is None else known.filter)

    def _row(
        self, queue: ConsumeQueue, unit: tuple[int, int, int], judge: _Judge | None
    ) -> ConsumeQueueData:
        offset, size, code = unit
        row = ConsumeQueueData(physic_offset=offset, physic_size=size, tags_code=code)
        if not isinstance(queue, ExtConsumeQueue) or code > EXT_MAX_ADDRESS:
            return row
        extended = queue.ext.unit(code)
        if extended is None:
            row.msg = f"Cq extend not exist!addr: {code}"
            return row
        if not self._release.broker.queue_query_shows_addresses:
            row.tags_code = extended.tags_code
        row.extend_data_json = self._unit_text(extended)
        if extended.bit_map:
            row.bit_map = bits_text(extended.bit_map)
        if judge is not None:
            row.eval = judge.wants(extended)
        return row

    def _unit_text(self, unit: ConsumeQueueExtUnit) -> str:
        """Return the JSON of an extension unit."""
        values: dict[str, object] = {}
        if unit.bit_map:
            signed = struct.unpack(f"{len(unit.bit_map)}b", unit.bit_map)
            in_base64 = self._release.broker.queue_query_base64
            values["filterBitMap"] = unit.bit_map if in_base64 else signed
        values["msgStoreTime"] = unit.msg_store_time
        values["size"] = unit.size
        values["tagsCode"] = unit.tags_code
        return java_json.dumps(values, self._release).decode()


class _Judge:
    """The cheap test of a subscription (``ExpressionMessageFilter.isMatchedByConsumeQueue``)."""

    def __init__(self, subscription: SubscriptionData, condition: Filter | None) -> None:
        by_tags = is_tag_type(subscription.expression_type)
        self._wanted = tag_filter(subscription) if by_tags else condition

    def wants(self, unit: ConsumeQueueExtUnit) -> bool:
        return self._wanted is None or self._wanted.wants_unit(unit)


def _units(queue: ConsumeQueue, index: int, count: int) -> Iterable[tuple[int, int, int]]:
    if not isinstance(queue, BatchConsumeQueue):
        return UNIT_STRUCT.iter_unpack(queue.read(index, count))
    units = []
    for unit in queue.units_from(index):
        if unit.msg_base_offset - index >= count:
            break
        units.append((unit.physical_offset, unit.size, unit.tags_code))
    return units


def bits_text(bit_map: bytes) -> str:
    """Return a bit map as ``BitsArray.toString``: the last byte first, 8 bytes a line at most."""
    text = []
    for index in range(len(bit_map) - 1, -1, -1):
        text.append(f"{bit_map[index]:08b}")
        if index % 8 == 0:
            text.append("\n")
    return "".join(text)
