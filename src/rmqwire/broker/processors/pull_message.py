"""Pulls: PULL_MESSAGE and LITE_PULL_MESSAGE (``PullMessageProcessor``).

The answer's body is the records as the log holds them. A pull that finds nothing and may be
suspended goes to ``long_polling`` and is run again when something arrives or its time is up.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.broker.clients.held_pulls import HeldPull
from rmqwire.broker.processors.offset_moved import tell_of_moved_offset
from rmqwire.broker.processors.pull_checks import PullChecks
from rmqwire.broker.processors.pull_lane import PullLane
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import ONEWAY_FLAG, RequestCode, ResponseCode
from rmqwire.codec.headers import PullMessageRequestHeader, PullMessageResponseHeader
from rmqwire.codec.headers.base import needed
from rmqwire.codec.lite_topic import queue_named
from rmqwire.codec.pull_answer import PullAnswers
from rmqwire.codec.sys_flag import (
    PULL_COMMIT_OFFSET,
    PULL_SUSPEND,
)
from rmqwire.errors import ProtocolError
from rmqwire.remoting.handler import Reject
from rmqwire.store.results import GET_STATUS_NAMES, GetMessageResult, GetStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import SubscriptionGroupConfig, TopicConfig
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.remoting.handler import Peer

logger = logging.getLogger(__name__)

_PULL, _LITE_PULL = int(RequestCode.PULL_MESSAGE), int(RequestCode.LITE_PULL_MESSAGE)
_SUCCESS = int(ResponseCode.SUCCESS)
_NOT_FOUND = int(ResponseCode.PULL_NOT_FOUND)
_RETRY = int(ResponseCode.PULL_RETRY_IMMEDIATELY)
_MOVED = int(ResponseCode.PULL_OFFSET_MOVED)
_CODES = {
    GetStatus.FOUND: _SUCCESS,
    GetStatus.MESSAGE_WAS_REMOVING: _RETRY,
    GetStatus.NO_MATCHED_MESSAGE: _RETRY,
    GetStatus.OFFSET_FOUND_NULL: _NOT_FOUND,
    GetStatus.OFFSET_OVERFLOW_ONE: _NOT_FOUND,
    GetStatus.NO_MESSAGE_IN_QUEUE: _NOT_FOUND,
    GetStatus.OFFSET_OVERFLOW_BADLY: _MOVED,
    GetStatus.OFFSET_TOO_SMALL: _MOVED,
    GetStatus.OFFSET_RESET: _MOVED,
}
PROXY_FOR_BROADCAST = 1  # RequestSource


class PullMessageProcessor:
    """Gives consumers the messages of a queue.

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._checks = PullChecks(state)
        self._answers = PullAnswers(state.release)

    def lane(self, codes: Sequence[int]) -> PullLane:
        """Return what takes plain pulls of these codes before this does.

        Raises:
            ConfigError: a lane is wanted that can't be used.
        """
        return PullLane(self._state, self._checks, self._answers, codes)

    def pull(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        """Answer a pull, or keep it."""
        return self._answer(connection, request, may_suspend=True)

    def wake(self, pull: HeldPull) -> None:
        """Run a kept pull again and answer it, whatever it finds."""
        if pull.connection.closed:
            return
        try:
            response = self._answer(pull.connection, pull.request, may_suspend=False)
        except ProtocolError as error:  # can't be: the request was read before
            logger.warning("held pull of %s: %s", pull.connection.peer, error)
            return
        if response is not None:
            pull.connection.reply(pull.request, response)

    def _answer(
        self, connection: Peer, request: RemotingCommand, *, may_suspend: bool
    ) -> RemotingCommand | None:
        header = _read(request)
        try:
            topic, group = self._checks.check(connection, header, request.code)
            wanted = self._checks.wanted(header, group)
        except Reject as refused:
            response = request.create_response(int(refused.code), refused.remark)
            response.ext_fields = (
                refused.ext_fields or {}
            )  # never absent: Java makes its header first
            return response
        state = self._state
        member = self._broadcasting(connection, header)
        result = self._reset(header) or self._first_of_broadcast(header, member)
        if result is None:
            result = state.store.get_message(
                self._queue_of(header),
                header.queue_id,
                header.queue_offset,
                header.max_msg_nums,
                wanted=wanted,
            )
        self._remember(connection, header, result, may_commit=may_suspend)
        code = self._code(header, result)
        self._note_broadcast(header, member, result.next_begin_offset if code == _MOVED else None)
        if code == _NOT_FOUND and may_suspend and header.sys_flag & PULL_SUSPEND:
            deadline = state.mono_ms() + self._patience(header)
            key = (self._queue_of(header), header.queue_id)
            offset = header.queue_offset
            state.held_pulls.hold(
                HeldPull(connection, request, key, offset, deadline, self.wake, wanted)
            )
            return None
        numbers = self._numbers(result, topic, group)
        if code == _SUCCESS:
            sent_to = None if request.flag & ONEWAY_FLAG else connection
            self._send_found(
                sent_to, (request.serialize_type, request.opaque), header, result, numbers
            )
            return None
        return self._compose(request, result, code, numbers)

    def _send_found(
        self,
        connection: Peer | None,
        asked: tuple[int, int],
        header: PullMessageRequestHeader,
        result: GetMessageResult,
        numbers: tuple[int, ...],
    ) -> None:
        self._state.stats.got(
            header.consumer_group,
            header.topic,
            header.queue_id,
            result.count,
            len(result.body),
            result.elapsed_ms,
        )
        if connection is not None:
            connection.send_frame(self._answers.encode(*asked, numbers, result.body))

    # --- around the read

    def _queue_of(self, header: PullMessageRequestHeader) -> str:
        """Return the topic whose queue is read; all else of the pull is about the parent topic."""
        lite_topic = header.lite_topic if self._state.release.broker.lite_topics else None
        return queue_named(header.topic, lite_topic)

    def _reset(self, header: PullMessageRequestHeader) -> GetMessageResult | None:
        """Send the group to the offset that an administrator set, once (5.x)."""
        state = self._state
        if not state.release.broker.server_side_reset:
            return None
        offset = state.offsets.take_reset(header.consumer_group, header.topic, header.queue_id)
        if offset is None or not state.config.use_server_side_reset_offset:
            return None
        store = state.store
        return GetMessageResult(
            GetStatus.OFFSET_RESET,
            offset,
            store.min_offset(header.topic, header.queue_id),
            store.max_offset(header.topic, header.queue_id),
        )

    # --- members of broadcasting groups (5.x)

    def _broadcasting(self, connection: Peer, header: PullMessageRequestHeader) -> str | None:
        """Return the id of the broadcasting member that pulls, itself or through a proxy."""
        state = self._state
        if not state.config.enable_broadcast_offset_store:
            return None
        if header.request_source == PROXY_FOR_BROADCAST:
            return header.proxy_froward_client_id
        info = self._state.consumers.broadcasting(header.consumer_group)
        client = None if info is None else info.channels.get(connection)
        return None if client is None else client.client_id

    def _first_of_broadcast(
        self, header: PullMessageRequestHeader, member: str | None
    ) -> GetMessageResult | None:
        """Send a member that doesn't know where to begin, or came another way, to its offset."""
        if member is None:
            return None
        offset = self._state.broadcast_offsets.init_offset(
            header.topic,
            header.consumer_group,
            header.queue_id,
            header.queue_offset,
            member,
            from_proxy=header.request_source == PROXY_FOR_BROADCAST,
        )
        return None if offset is None else GetMessageResult(GetStatus.OFFSET_RESET, offset)

    def _note_broadcast(
        self, header: PullMessageRequestHeader, member: str | None, offset: int | None = None
    ) -> None:
        """Note where a member pulls, or where it is sent to."""
        if member is not None:
            self._state.broadcast_offsets.update(
                header.topic,
                header.consumer_group,
                header.queue_id,
                header.queue_offset if offset is None else offset,
                member,
                from_proxy=header.request_source == PROXY_FOR_BROADCAST,
            )

    def _remember(
        self,
        connection: Peer,
        header: PullMessageRequestHeader,
        result: GetMessageResult,
        *,
        may_commit: bool,
    ) -> None:
        """Note how far the group has consumed, by what it says, and how far it has pulled."""
        state = self._state
        if may_commit and (state.release.broker.slave_commits or not state.replication.is_slave):
            self._commit(connection, header)
        if state.release.broker.pull_offsets:
            state.offsets.commit_pull(
                header.consumer_group, header.topic, header.queue_id, result.next_begin_offset
            )

    def _commit(self, connection: Peer, header: PullMessageRequestHeader) -> None:
        if header.sys_flag & PULL_COMMIT_OFFSET and header.commit_offset is not None:
            self._state.offsets.commit(
                connection.peer,
                header.consumer_group,
                header.topic,
                header.queue_id,
                header.commit_offset,
            )

    def _code(self, header: PullMessageRequestHeader, result: GetMessageResult) -> int:
        if result.status == GetStatus.NO_MATCHED_LOGIC_QUEUE:  # Java makes the queue when asked
            result.status = GetStatus.NO_MESSAGE_IN_QUEUE
        if self._sends_back(result) and result.status != GetStatus.FOUND:
            return _RETRY
        if result.status == GetStatus.NO_MESSAGE_IN_QUEUE and header.queue_offset != 0:
            return self._moved(header, result)
        code = _CODES[result.status]
        return self._moved(header, result) if code == _MOVED else code

    def _moved(self, header: PullMessageRequestHeader, result: GetMessageResult) -> int:
        """Return the code of a pull outside of its queue: a slave's word on that doesn't count."""
        status = GET_STATUS_NAMES[result.status]
        logger.info("offset moved: %s, %s, new %d", status, header, result.next_begin_offset)
        if not self._state.store.config.corrects_offsets:
            return _RETRY
        if self._state.release.broker.stores_moved_offsets:
            tell_of_moved_offset(self._state, header, result.next_begin_offset)
        return _MOVED

    def _patience(self, header: PullMessageRequestHeader) -> int:
        """Return how long the pull may wait, in ms."""
        config = self._state.config
        if config.long_polling_enable:
            return needed(header.suspend_timeout_millis, "suspendTimeoutMillis")
        return config.short_polling_time_mills

    def _sends_back(self, result: GetMessageResult) -> bool:
        """Return whether a slave of 5.x sends the consumer back to the master.

        Java's does so when the master is gone too, and a consumer that has all asks in a circle.
        """
        replication = self._state.replication
        if not (replication.is_slave and self._state.release.broker.slave_sends_back):
            return False
        return replication.master_is_there and not result.suggest_pulling_from_slave

    def _suggested(self, result: GetMessageResult, group: SubscriptionGroupConfig) -> int:
        """Say where to pull next: at the master, unless slaves may be read and it lags behind."""
        if not self._state.config.slave_read_enable or self._sends_back(result):
            return const.MASTER_ID
        if result.suggest_pulling_from_slave:
            return group.which_broker_when_consume_slowly
        return group.broker_id

    def _numbers(
        self, result: GetMessageResult, topic: TopicConfig, group: SubscriptionGroupConfig
    ) -> tuple[int, ...]:
        """Return what an answer's header says, in the order of ``PullAnswers.encode``."""
        return (
            self._suggested(result, group),
            result.next_begin_offset,
            result.min_offset,
            result.max_offset,
            topic.topic_sys_flag,
            group.group_sys_flag,
        )

    def _compose(
        self,
        request: RemotingCommand,
        result: GetMessageResult,
        code: int,
        numbers: tuple[int, ...],
    ) -> RemotingCommand:
        """Return the answer of a pull that found nothing."""
        answer = PullMessageResponseHeader(
            suggest_which_broker_id=numbers[0],
            next_begin_offset=numbers[1],
            min_offset=numbers[2],
            max_offset=numbers[3],
        )
        if self._state.release.broker.pull_sys_flags:
            answer.topic_sys_flag, answer.group_sys_flag = numbers[4:]
        return request.create_response(code, GET_STATUS_NAMES[result.status], answer)


def _read(request: RemotingCommand) -> PullMessageRequestHeader:
    header = request.decode_header(PullMessageRequestHeader)
    if header.sys_flag & PULL_COMMIT_OFFSET:
        needed(header.commit_offset, "commitOffset")
    return header
