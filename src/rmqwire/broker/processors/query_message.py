"""VIEW_MESSAGE_BY_ID (``QueryMessageProcessor``); QUERY_MESSAGE needs the index and isn't served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.headers import ViewMessageRequestHeader

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.connection import Connection
    from rmqwire.remoting.dispatch import Handler


class QueryMessageProcessor:
    """Gives single messages by their place in the log.

    Args:
        state: the broker's store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def handlers(self) -> dict[int, Handler]:
        """Give the request codes served here."""
        return {int(RequestCode.VIEW_MESSAGE_BY_ID): self.view_message_by_id}

    def view_message_by_id(
        self, connection: Connection, request: RemotingCommand
    ) -> RemotingCommand:
        """Answer VIEW_MESSAGE_BY_ID with the one record."""
        del connection
        header = request.decode_header(ViewMessageRequestHeader)
        record = self._state.store.look_message(header.offset) if header.offset >= 0 else None
        if record is None:
            return request.create_response(
                ResponseCode.SYSTEM_ERROR, f"can not find message by the offset, {header.offset}"
            )
        return request.create_response(body=record)
