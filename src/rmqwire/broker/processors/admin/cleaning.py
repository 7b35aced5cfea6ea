"""Requests to remove what is old: mqadmin's ``deleteExpiredCommitLog``, ``cleanExpiredCQ`` and
``cleanUnusedTopic``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.message_const import RMQ_SYS_SCHEDULE_TOPIC, RMQ_SYS_TRANS_OP_HALF_TOPIC
from rmqwire.codec.names import is_system_topic
from rmqwire.remoting.handler import Reject

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

logger = logging.getLogger(__name__)


class CleaningAdmin:
    """Answers DELETE_EXPIRED_COMMITLOG, CLEAN_EXPIRED_CONSUMEQUEUE and CLEAN_UNUSED_TOPIC.

    5.x leaves all system topics alone; 4.9 names the one or two that it does.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def delete_expired_commit_log(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Let the next runs of the cleaning remove expired files at any hour."""
        logger.warning("expired files of the commit log are to be deleted now")
        self._state.store.cleaner.delete_manually()
        return request.create_response()

    def clean_expired_consume_queue(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Remove queues without a message in the log."""
        keep = self._keep(RMQ_SYS_SCHEDULE_TOPIC)
        try:
            count = self._state.store.cleaner.clean_expired_queues(keep)
        except OSError as error:
            raise Reject(ResponseCode.SYSTEM_ERROR, str(error)) from None
        logger.warning("%d expired consume queues removed", count)
        return request.create_response()

    def clean_unused_topic(self, _: Peer, request: RemotingCommand) -> RemotingCommand:
        """Remove the queues of topics that are not configured any more."""
        keep = self._keep(RMQ_SYS_SCHEDULE_TOPIC, RMQ_SYS_TRANS_OP_HALF_TOPIC)
        try:
            count = self._state.store.cleaner.clean_unused_topics(self._state.topics.table, keep)
        except OSError as error:
            raise Reject(ResponseCode.SYSTEM_ERROR, str(error)) from None
        logger.warning("the queues of %d unused topics removed", count)
        return request.create_response()

    def _keep(self, *names: str) -> Callable[[str], bool]:
        every = self._state.release.broker.keeps_system_topics
        return is_system_topic if every else names.__contains__
