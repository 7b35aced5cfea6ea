"""Requests that a broker passes on to one of its clients (``Broker2Client.callClient``).

The administrator's request waits while the client is asked; the client's answer becomes the
administrator's, body and remark as they came.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from rmqwire.codec.bodies import GetConsumerStatusBody
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import (
    ConsumeMessageDirectlyResultRequestHeader,
    GetConsumerRunningInfoRequestHeader,
    GetConsumerStatusRequestHeader,
)
from rmqwire.codec.message_id import decode_offset_id
from rmqwire.codec.mq_version import version_name
from rmqwire.errors import ProtocolError, RemotingTimeout, RmqError
from rmqwire.remoting.handler import NOT_SET, Reject

if TYPE_CHECKING:
    from rmqwire.broker.clients.client_table import ClientChannelInfo
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.release import Release
    from rmqwire.errors import RemotingError
    from rmqwire.remoting.handler import Peer

CALL_TIMEOUT_MS: Final = 10_000  # Broker2Client.callClient
STATUS_TIMEOUT_MS: Final = 5_000  # Broker2Client.getConsumeStatus
# Clients before this release don't know these requests.
OLDEST_VERSION: Final = 62  # MQVersion.V3_1_8_SNAPSHOT


class RelayAdmin:
    """Answers consumerStatus and consumeMessageDirectly of mqadmin."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._release = state.release

    def running_info(self, connection: Peer, request: RemotingCommand) -> None:
        """Ask one consumer what it's doing."""
        header = request.decode_header(GetConsumerRunningInfoRequestHeader)
        call = RemotingCommand(request.code, dict(request.ext_fields or {}))
        self._call(connection, request, call, header.consumer_group, header.client_id)

    def consume_directly(self, connection: Peer, request: RemotingCommand) -> None:
        """Hand one stored message to one consumer, and tell what came of it."""
        header = request.decode_header(ConsumeMessageDirectlyResultRequestHeader)
        fields = dict(request.ext_fields or {})
        fields["brokerName"] = self._state.config.broker_name
        if self._release.broker.relays_sys_flags:
            fields |= self._sys_flags(header)
        body = self._message(header.msg_id)
        call = RemotingCommand(request.code, fields, body)
        self._call(connection, request, call, header.consumer_group, header.client_id or "")

    def _sys_flags(self, header: ConsumeMessageDirectlyResultRequestHeader) -> dict[str, str]:
        flags = {}
        topic = self._state.topics.select(header.topic or "")
        if topic is not None:
            flags["topicSysFlag"] = str(topic.topic_sys_flag)
        group = self._state.groups.find(header.consumer_group)
        if group is not None:
            flags["groupSysFlag"] = str(group.group_sys_flag)
        return flags

    def _message(self, message_id: str | None) -> bytes:
        try:
            offset = decode_offset_id(message_id or "")[2]
        except (ProtocolError, RmqError) as error:
            raise Reject(ResponseCode.SYSTEM_ERROR, str(error)) from None
        record = self._state.store.look_message(offset)
        if record is None:
            raise Reject(ResponseCode.SYSTEM_ERROR, f"no message at the offset of {message_id}")
        return record

    def _call(
        self,
        connection: Peer,
        request: RemotingCommand,
        call: RemotingCommand,
        group: str,
        client_id: str,
    ) -> None:
        client = self._state.consumers.find_client(group, client_id)
        if client is None:
            remark = f"The Consumer <{group}> <{client_id}> not online"
            raise Reject(ResponseCode.SYSTEM_ERROR, remark)
        if client.version < OLDEST_VERSION:
            raise Reject(
                ResponseCode.SYSTEM_ERROR,
                f"The Consumer <{client_id}> Version <{version_name(client.version)}> too low to "
                "finish, please upgrade it to V3_1_8_SNAPSHOT",
            )
        call.version = self._release.mq_version
        done = partial(_pass_on, connection, request, f"<{group}> <{client_id}>")
        client.connection.request(call, done, CALL_TIMEOUT_MS)

    def status(self, connection: Peer, request: RemotingCommand) -> None:
        """Ask every consumer of a group, or one of them, for its offsets in a topic."""
        header = request.decode_header(GetConsumerStatusRequestHeader)
        info = self._state.consumers.find(header.group)
        if info is None or not info.channels:
            remark = f"No Any Consumer online in the consumer group: [{header.group}]"
            raise Reject(ResponseCode.SYSTEM_ERROR, remark)
        wanted = (header.client_addr or "").strip()
        clients = [c for c in info.channels.values() if not wanted or c.client_id == wanted]
        _StatusRound(connection, request, header, self._release).ask(clients)


def _pass_on(
    connection: Peer,
    request: RemotingCommand,
    client: str,
    outcome: RemotingCommand | RemotingError,
) -> None:
    """Answer the administrator with what the client said, or with why it said nothing."""
    if isinstance(outcome, RemotingTimeout):
        answer = request.create_response(
            ResponseCode.CONSUME_MSG_TIMEOUT, f"consumer {client} Timeout: {outcome}"
        )
    elif isinstance(outcome, RmqError):
        answer = request.create_response(
            ResponseCode.SYSTEM_ERROR, f"invoke consumer {client} Exception: {outcome}"
        )
    else:
        answer = request.create_response(outcome.code, outcome.remark, body=bytes(outcome.body))
    connection.reply(request, answer)


class _StatusRound:
    """The answers of several clients on their way to one administrator."""

    def __init__(
        self,
        connection: Peer,
        request: RemotingCommand,
        header: GetConsumerStatusRequestHeader,
        release: Release,
    ) -> None:
        self._release = release
        self._connection = connection
        self._request = request
        self._header = GetConsumerStatusRequestHeader(topic=header.topic, group=header.group)
        self._missing = 0
        self._body = GetConsumerStatusBody()

    def ask(self, clients: list[ClientChannelInfo]) -> None:
        """Ask all of them at once; the administrator is answered when the last has answered."""
        self._missing = len(clients)
        if not clients:
            self._finish()
        for client in clients:
            call = RemotingCommand.request(
                RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, self._header
            )
            call.version = self._release.mq_version
            done = partial(self._take, client.client_id)
            client.connection.request(call, done, STATUS_TIMEOUT_MS)

    def _take(self, client_id: str, outcome: RemotingCommand | RemotingError) -> None:
        self._missing -= 1
        if isinstance(outcome, RemotingCommand) and outcome.code == 0 and outcome.body:
            try:
                body = GetConsumerStatusBody.decode(outcome.body, self._release)
            except ProtocolError:
                body = GetConsumerStatusBody()  # left out, as a client that doesn't answer is
            self._body.consumer_table[client_id] = body.message_queue_table
        if self._missing == 0:
            self._finish()

    def _finish(self) -> None:
        body = self._body.encode(self._release)
        answer = self._request.create_response(ResponseCode.SUCCESS, NOT_SET, body=body)
        self._connection.reply(self._request, answer)
