"""END_TRANSACTION: a producer says what became of its transaction (``EndTransactionProcessor``).

Java delivers a half message as often as it is committed. Here an end that is asked for again
changes nothing.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from rmqwire.codec import message_const as const
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import EndTransactionRequestHeader
from rmqwire.codec.sys_flag import TRANSACTION_COMMIT_TYPE, TRANSACTION_ROLLBACK_TYPE
from rmqwire.errors import BadRecord
from rmqwire.remoting.handler import Reject
from rmqwire.remoting.limited_log import LimitedLog
from rmqwire.store.results import PutStatus

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.message import StoredMessage
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.results import PutMessageResult

_ERROR, _ILLEGAL = ResponseCode.SYSTEM_ERROR, ResponseCode.MESSAGE_ILLEGAL
NOT_FOUND = "Find prepared transaction message failed"
_REFUSED = {
    PutStatus.CREATE_MAPPED_FILE_FAILED: (_ERROR, "Create mapped file failed."),
    PutStatus.SERVICE_NOT_AVAILABLE: (
        ResponseCode.SERVICE_NOT_AVAILABLE,
        "Service not available now.",
    ),
    PutStatus.OS_PAGE_CACHE_BUSY: (_ERROR, "OS page cache busy, please try another machine"),
    PutStatus.WHEEL_TIMER_NOT_ENABLE: (
        _ERROR,
        "accurate timer message is not enabled, timerWheelEnable is false",
    ),
    PutStatus.IN_SYNC_REPLICAS_NOT_ENOUGH: (_ERROR, "in-sync replicas not enough"),
    PutStatus.UNKNOWN_ERROR: (_ERROR, "UNKNOWN_ERROR"),
}


class EndTransactionProcessor:
    """Commits and rolls back.

    Args:
        state: the broker's tables, store and transactions.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._log = LimitedLog(logging.getLogger(__name__), state.mono_ms)

    def end(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        """Answer END_TRANSACTION; "not known yet" has no answer, not even to a request."""
        header = request.decode_header(EndTransactionRequestHeader)
        how = header.commit_or_rollback
        if how not in {TRANSACTION_COMMIT_TYPE, TRANSACTION_ROLLBACK_TYPE}:
            self._log.info(
                "unknown",
                "%s doesn't know yet what becomes of %s: %s",
                connection.peer,
                header.msg_id,
                request.remark,
            )
            return None
        half = self._find(header)
        transactions = self._state.transactions
        ended = transactions.how_ended(half)
        if ended is not None:
            return self._end_again(request, how, ended)
        if how == TRANSACTION_ROLLBACK_TYPE:
            transactions.rollback(half)
            return request.create_response()
        try:
            transactions.commit(half, partial(self._committed, connection, request))
        except BadRecord as error:
            raise Reject(_ERROR, str(error)) from None
        return None

    def _find(self, header: EndTransactionRequestHeader) -> StoredMessage:
        """Return the half message that is meant (``checkPrepareMessage``).

        Raises:
            Reject: with Java's code and remark.
        """
        half = self._state.transactions.look(header.commit_log_offset)
        if half is None:
            raise Reject(_ERROR, NOT_FOUND)
        if self._is_too_late(half, header):
            raise Reject(ResponseCode.ILLEGAL_OPERATION)
        if half.properties.get(const.PROPERTY_PRODUCER_GROUP) != header.producer_group:
            raise Reject(_ERROR, "The producer group wrong")
        if half.queue_offset != header.tran_state_table_offset:
            raise Reject(_ERROR, "The transaction state table offset wrong")
        return half

    def _is_too_late(self, half: StoredMessage, header: EndTransactionRequestHeader) -> bool:
        """Return whether only a check can still end it (``rejectCommitOrRollback``)."""
        text = half.properties.get(const.PROPERTY_CHECK_IMMUNITY_TIME_IN_SECONDS)
        state = self._state
        if not text or header.from_transaction_check or not state.release.broker.refuses_late_ends:
            return False
        own_ms = int(text) * 1000 if text.isascii() and text.isdigit() else 0
        age = state.wall_ms() - half.born_timestamp
        return age > max(own_ms, state.config.transaction_time_out)

    def _end_again(self, request: RemotingCommand, how: int, ended: int) -> RemotingCommand:
        """Answer an end that came before: the same one is good, another one can't be any more."""
        if ended != how:
            word = "committed" if ended == TRANSACTION_COMMIT_TYPE else "rolled back"
            raise Reject(_ERROR, f"The transaction was {word} before")
        self._log.info("again", "a transaction that has ended is ended again")
        return request.create_response()

    def _committed(
        self, connection: Peer, request: RemotingCommand, result: PutMessageResult
    ) -> None:
        """Answer a commit; the store calls this when the outcome is known."""
        if result.is_stored:
            connection.reply(request, request.create_response())
            return
        code, remark = self._refusal(result)
        self._log.warning("refused", "commit refused: %s (%s)", remark, result.remark)
        connection.reply(request, request.create_response(code, remark))

    def _refusal(self, result: PutMessageResult) -> tuple[int, str]:
        if result.status in {PutStatus.MESSAGE_ILLEGAL, PutStatus.PROPERTIES_SIZE_EXCEEDED}:
            limit = self._state.store.config.max_message_size
            return _ILLEGAL, (
                "The message is illegal, maybe msg body or properties length not matched. "
                f"msg body length limit {limit}B, msg properties length limit 32KB."
            )
        return _REFUSED.get(result.status, (_ERROR, "UNKNOWN_ERROR DEFAULT"))
