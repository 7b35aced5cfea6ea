"""QUERY_MESSAGE and VIEW_MESSAGE_BY_ID (``QueryMessageProcessor``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import (
    QueryMessageRequestHeader,
    QueryMessageResponseHeader,
    ViewMessageRequestHeader,
)
from rmqwire.codec.message_const import UNIQUE_MSG_QUERY_FLAG
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

_NOT_FOUND = "can not find message, maybe time range not correct"


class QueryMessageProcessor:
    """Gives messages by key, and single ones by their place in the log.

    Args:
        state: the broker's store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def query_message(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer QUERY_MESSAGE with the records of a key, oldest first.

        A query for a unique key is marked in the fields and has a limit of the broker's own.
        """
        del connection
        header = request.decode_header(QueryMessageRequestHeader)
        store = self._state.store
        max_num, index_type = header.max_num, header.index_type
        if (request.ext_fields or {}).get(UNIQUE_MSG_QUERY_FLAG, "").lower() == "true":
            max_num, index_type = store.config.default_query_max_num, None
        if max_num < 0:
            raise Reject(ResponseCode.SYSTEM_ERROR, f"Illegal Capacity: {max_num}")
        try:
            found = store.lookup.query_message(
                header.topic,
                header.key,
                max_num,
                header.begin_timestamp,
                header.end_timestamp,
                index_type,
            )
        except OSError as error:
            raise Reject(ResponseCode.SYSTEM_ERROR, f"the index can not be read: {error}") from None
        answer = QueryMessageResponseHeader(
            index_last_update_timestamp=found.index_last_update_timestamp,
            index_last_update_phyoffset=found.index_last_update_phyoffset,
        )
        if not found.body:
            return request.create_response(ResponseCode.QUERY_NOT_FOUND, _NOT_FOUND, answer)
        return request.create_response(header=answer, body=found.body)

    def view_message_by_id(self, connection: Peer, request: RemotingCommand) -> RemotingCommand:
        """Answer VIEW_MESSAGE_BY_ID with the one record."""
        del connection
        header = request.decode_header(ViewMessageRequestHeader)
        record = self._state.store.look_message(header.offset) if header.offset >= 0 else None
        if record is None:
            return request.create_response(
                ResponseCode.SYSTEM_ERROR, f"can not find message by the offset, {header.offset}"
            )
        return request.create_response(body=record)
