"""Answers of a request-reply exchange: SEND_REPLY_MESSAGE, SEND_REPLY_MESSAGE_V2.

``ReplyMessageProcessor``. The answer is pushed to the client that asked (PUSH_REPLY_MESSAGE_TO_CLIENT),
which is found by its id among the connected producers; whoever answered hears how that went once the
client has said so. With ``storeReplyMessageEnable`` the answer is stored as well, in the cluster's
reply topic, whether it could be pushed or not.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.broker.delivery.properties import write_properties
from rmqwire.broker.processors.put_result import STORED, refusal
from rmqwire.broker.processors.send_check import check_send, check_start, random_queue
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import ReplyMessageRequestHeader, SendMessageResponseHeader
from rmqwire.codec.host import format_host, unpack_host
from rmqwire.codec.properties import decode_properties
from rmqwire.remoting.handler import Reject
from rmqwire.remoting.limited_log import printable
from rmqwire.store.results import MessageInner

if TYPE_CHECKING:
    from rmqwire.broker.processors.send_fields import SendFields
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.headers import SendMessageRequestHeader, SendMessageRequestHeaderV2
    from rmqwire.errors import RemotingError
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.results import PutMessageResult

    SendHeader = SendMessageRequestHeader | SendMessageRequestHeaderV2

logger = logging.getLogger(__name__)

PUSH_TIMEOUT_MS: Final = 10_000  # Broker2Client.callClient
NOT_STORED_ID: Final = "0"  # a client of Java's can't do without an id


class Reply(msgspec.Struct):
    """One answer on its way.

    Args:
        connection: of the one who answers.
        request: what it sent.
        header: its header.
        queue_id: of the reply topic.
        properties: as text, as they are stored.
        refused: why it wasn't pushed, None when it was.
    """

    connection: Peer
    request: RemotingCommand
    header: SendHeader
    queue_id: int
    properties: str
    refused: str | None = None


class ReplyMessageProcessor:
    """Pushes answers to those who asked.

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        config = state.config
        self._broker_fields = {
            const.PROPERTY_MSG_REGION: config.region_id,
            const.PROPERTY_TRACE_SWITCH: "true" if config.trace_on else "false",
        }

    def reply(self, fields: SendFields, connection: Peer, request: RemotingCommand) -> None:
        """Take one answer; its own answer leaves when the client that asked has it."""
        try:
            self._receive(fields, connection, request)
        except Reject as refused:
            refused.ext_fields = dict(self._broker_fields)
            raise

    def _receive(self, fields: SendFields, connection: Peer, request: RemotingCommand) -> None:
        state = self._state
        header = request.decode_header(fields.header)
        check_start(state)
        topic = check_send(state, connection, request.ext_fields or {}, fields, header.queue_id)
        if not request.body:
            raise Reject(ResponseCode.SYSTEM_ERROR, "the message has no body")
        queue_id = header.queue_id if header.queue_id >= 0 else random_queue(topic, state.rng)
        properties = decode_properties(header.properties or "")
        text = header.properties or ""
        if state.release.broker.stores_region:
            properties |= self._broker_fields
            text = write_properties(properties, state.release).decode()
        reply = Reply(connection, request, header, queue_id, text)
        asker = properties.get(const.PROPERTY_MESSAGE_REPLY_TO_CLIENT)
        if asker is None:
            name = const.PROPERTY_MESSAGE_REPLY_TO_CLIENT
            self._refuse(reply, f"reply message properties[{name}] is null")
        elif (client := state.producers.find_client(asker)) is None:
            self._refuse(reply, f"push reply message fail, channel of <{asker}> not found.")
        else:
            push = self._push_request(reply, properties)
            done = partial(self._pushed, reply, asker)
            client.connection.request(push, done, PUSH_TIMEOUT_MS)

    def _push_request(self, reply: Reply, properties: dict[str, str]) -> RemotingCommand:
        state, header = self._state, reply.header
        now = state.wall_ms()
        properties[const.PROPERTY_PUSH_REPLY_TIME] = str(now)
        push = ReplyMessageRequestHeader(
            producer_group=header.producer_group or "",
            topic=header.topic,
            default_topic=header.default_topic or "",
            default_topic_queue_nums=header.default_topic_queue_nums or 0,
            queue_id=header.queue_id,
            sys_flag=header.sys_flag,
            born_timestamp=header.born_timestamp,
            flag=header.flag,
            properties=write_properties(properties, state.release).decode(),
            reconsume_times=header.reconsume_times,
            unit_mode=bool(header.unit_mode),
            born_host=format_host(unpack_host(reply.connection.peer_host)),
            store_host=state.config.broker_addr,
            store_timestamp=now,
        )
        command = RemotingCommand.request(
            int(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT), push, bytes(reply.request.body)
        )
        command.version = state.release.mq_version
        return command

    def _pushed(self, reply: Reply, asker: str, outcome: RemotingCommand | RemotingError) -> None:
        if isinstance(outcome, RemotingCommand) and outcome.code == ResponseCode.SUCCESS:
            self._store(reply)
            return
        said = outcome.remark if isinstance(outcome, RemotingCommand) else outcome
        logger.info("the client <%s> did not take a reply: %s", printable(asker), said)
        self._refuse(reply, f"push reply message to {asker}fail.")

    def _refuse(self, reply: Reply, remark: str) -> None:
        logger.warning("%s", printable(remark))
        reply.refused = remark
        self._store(reply)

    def _store(self, reply: Reply) -> None:
        """Store an answer, if that is set, and tell its sender how it went."""
        state, header = self._state, reply.header
        if not state.config.store_reply_message_enable:
            self._answer(reply, None)
            return
        message = MessageInner(
            header.topic,
            reply.queue_id,
            header.flag,
            0,
            reply.properties.encode("utf-8", "replace"),
            reply.request.body,
            0,
            header.born_timestamp,
            reply.connection.peer_host,
            header.reconsume_times or 0,
        )
        state.store.puts.put(message, partial(self._answer, reply))
        if reply.refused is not None:  # it may be no pass that has brought that
            state.store.puts.end_pass()

    def _answer(self, reply: Reply, stored: PutMessageResult | None) -> None:
        state, request = self._state, reply.request
        header = None
        if reply.refused is None:
            header = SendMessageResponseHeader(
                msg_id=NOT_STORED_ID, queue_id=reply.queue_id, queue_offset=0
            )
        if stored is not None and stored.status in STORED:
            state.stats.put_by_broker(reply.header.topic, stored.count, stored.size)
            header = SendMessageResponseHeader(
                msg_id=stored.message_id, queue_id=reply.queue_id, queue_offset=stored.queue_offset
            )
        elif stored is not None:
            _, why = refusal(stored, state.store.config.max_message_size)
            logger.warning("a reply is not stored: %s", why)
        code = ResponseCode.SUCCESS if reply.refused is None else ResponseCode.SYSTEM_ERROR
        answer = request.create_response(code, reply.refused, header)
        answer.ext_fields = self._broker_fields | (answer.ext_fields or {})
        reply.connection.reply(request, answer)
