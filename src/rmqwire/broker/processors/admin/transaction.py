"""RESUME_CHECK_HALF_MESSAGE: check a half message again that was given up."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import ResumeCheckHalfMessageRequestHeader
from rmqwire.codec.message_id import decode_offset_id
from rmqwire.codec.record import decode_message
from rmqwire.errors import RmqError
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.message import StoredMessage
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.results import PutMessageResult

THROWN: Final = "Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC."
FAILED: Final = "Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed."
logger = logging.getLogger(__name__)


class TransactionAdmin:
    """Answers RESUME_CHECK_HALF_MESSAGE."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def resume(self, connection: Peer, request: RemotingCommand) -> None:
        """Put a half message back into the half queue, as one that was never checked."""
        header = request.decode_header(ResumeCheckHalfMessageRequestHeader)
        half = self._find(header.msg_id or "")
        self._state.transactions.resume(half, partial(_done, connection, request))

    def _find(self, message_id: str) -> StoredMessage:
        """Return the message with that offset id, which must have been a half message once.

        Java takes any message, and the check then fails on it again and again.
        """
        try:
            offset = decode_offset_id(message_id)[2]
            record = self._state.store.look_message(offset)
            found = None if record is None else decode_message(record)
        except RmqError as error:
            logger.warning("message %s not put back: %s", message_id[:64], error)
            raise Reject(ResponseCode.SYSTEM_ERROR, THROWN) from None
        if found is None or not self._state.transactions.may_resume(found):
            logger.warning("message %s not put back: it is no half message", message_id[:64])
            raise Reject(ResponseCode.SYSTEM_ERROR, THROWN)
        return found


def _done(connection: Peer, request: RemotingCommand, result: PutMessageResult) -> None:
    if result.is_stored:
        connection.reply(request, request.create_response())
        return
    logger.error("%s: %s", FAILED, result.remark)
    connection.reply(request, request.create_response(ResponseCode.SYSTEM_ERROR, FAILED))
