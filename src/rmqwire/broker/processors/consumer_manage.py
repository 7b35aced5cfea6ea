"""Members and offsets of consumer groups (``ConsumerManageProcessor``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec import bodies, headers
from rmqwire.codec.codes import ResponseCode
from rmqwire.store.results import GetStatus

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer


class ConsumerManageProcessor:
    """Answers who is in a group and how far it has consumed.

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def get_consumer_list_by_group(
        self, connection: Peer, request: RemotingCommand
    ) -> RemotingCommand:
        """Answer GET_CONSUMER_LIST_BY_GROUP."""
        del connection
        header = request.decode_header(headers.GetConsumerListByGroupRequestHeader)
        info = self._state.consumers.find(header.consumer_group)
        if info is None or not info.channels:
            return _empty(
                request,
                ResponseCode.SYSTEM_ERROR,
                f"no consumer for this group, {header.consumer_group}",
            )
        response = _empty(request)
        body = bodies.GetConsumerListByGroupResponseBody(consumer_id_list=info.client_ids())
        response.body = body.encode(self._state.release)
        return response

    def update_consumer_offset(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer UPDATE_CONSUMER_OFFSET."""
        state = self._state
        header = request.decode_header(headers.UpdateConsumerOffsetRequestHeader)
        group, topic, queue_id = header.consumer_group, header.topic, header.queue_id
        if state.release.broker.checks_offset_commit:
            if not state.groups.contains(group):
                return _empty(
                    request,
                    ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
                    f"Group {group} not exist!",
                )
            if state.topics.select(topic) is None:
                return _empty(request, ResponseCode.TOPIC_NOT_EXIST, f"Topic {topic} not exist!")
            if state.config.use_server_side_reset_offset and state.offsets.has_offset_reset(
                group, topic, queue_id
            ):
                return _empty(request, ResponseCode.SUCCESS, "Offset has been previously reset")
        state.offsets.commit(connection.peer, group, topic, queue_id, header.commit_offset)
        return _empty(request)

    def query_consumer_offset(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer QUERY_CONSUMER_OFFSET."""
        del connection
        header = request.decode_header(headers.QueryConsumerOffsetRequestHeader)
        group, topic, queue_id = header.consumer_group, header.topic, header.queue_id
        offset = self._state.offsets.query(group, topic, queue_id)
        if offset < 0 and header.set_zero_if_not_found is False:
            return _empty(
                request,
                ResponseCode.QUERY_NOT_FOUND,
                "Not found, do not set to zero, maybe this group boot first",
            )
        if offset < 0:
            if not self._starts_at_zero(topic, queue_id):
                return _empty(
                    request,
                    ResponseCode.QUERY_NOT_FOUND,
                    "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first",
                )
            offset = 0
        return request.create_response(
            header=headers.QueryConsumerOffsetResponseHeader(offset=offset)
        )

    def _starts_at_zero(self, topic: str, queue_id: int) -> bool:
        """Return whether a group without an offset begins with the queue's first message.

        It does on a young queue: nothing was deleted yet and the first message is still in memory,
        whatever ConsumeFromWhere the client has. An empty queue counts as young in 4.9 only.
        """
        store = self._state.store
        if store.min_offset(topic, queue_id) > 0:
            return False
        first = store.get_message(topic, queue_id, 0, 1)
        if first.status != GetStatus.FOUND:
            return self._state.release.broker.empty_queue_starts_at_zero
        return not first.suggest_pulling_from_slave


def _empty(request: RemotingCommand, code: int = 0, remark: str | None = None) -> RemotingCommand:
    """Return an answer whose header class has no value set: ``"extFields":{}`` in Java."""
    response = request.create_response(int(code), remark)
    response.ext_fields = {}
    return response
