"""CONSUMER_SEND_MSG_BACK: a consumer that failed wants a message again, later.

``AbstractSendMessageProcessor.consumerSendMsgBack``: the message is copied to the group's retry
topic with a delay that grows with reconsumeTimes, or to its dead letters when it was tried too
often.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rmqwire.broker.delivery.place import Place, dead_letters, place
from rmqwire.broker.delivery.properties import write_properties
from rmqwire.broker.processors.send_message import V3_4_9
from rmqwire.codec import message_const as const
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import ConsumerSendMsgBackRequestHeader
from rmqwire.codec.host import pack_host
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.record import decode_message
from rmqwire.codec.sys_flag import PERM_READ, PERM_WRITE, TOPIC_UNIT_SUB
from rmqwire.errors import BadRecord
from rmqwire.remoting.handler import Reject
from rmqwire.store.results import PUT_STATUS_NAMES, MessageInner, PutStatus

if TYPE_CHECKING:
    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import SubscriptionGroupConfig
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.message import StoredMessage
    from rmqwire.remoting.handler import Peer
    from rmqwire.store.results import PutMessageResult

_OWNER = "Owner"  # field of a request that RocketMQ's commercial clients send


class SendBackProcessor:
    """Takes messages back from consumers.

    Args:
        state: the broker's tables and store.
    """

    def __init__(self, state: BrokerState) -> None:
        self._state = state

    def send_back(self, connection: Peer, request: RemotingCommand) -> RemotingCommand | None:
        """Answer CONSUMER_SEND_MSG_BACK."""
        state = self._state
        header = request.decode_header(ConsumerSendMsgBackRequestHeader)
        group = self._group(header.group)
        if group.retry_queue_nums <= 0:
            return request.create_response()
        retry_topic = self._retry_topic(header, group)
        stored = self._look(header.offset)
        properties = stored.properties
        properties.setdefault(const.PROPERTY_RETRY_TOPIC, stored.topic)
        properties[const.PROPERTY_WAIT_STORE_MSG_OK] = "false"
        limit = group.retry_max_times
        if request.version >= V3_4_9 and header.max_reconsume_times is not None:
            limit = header.max_reconsume_times
        level = header.delay_level
        if stored.reconsume_times >= limit or level < 0:
            level = 0
            topic, queue_id = dead_letters(state.topics, header.group), 0
        else:
            level = level or 3 + stored.reconsume_times
            topic, queue_id = retry_topic, state.rng.randrange(group.retry_queue_nums)
        properties[const.PROPERTY_DELAY_TIME_LEVEL] = str(level)
        if not properties.get(const.PROPERTY_ORIGIN_MESSAGE_ID, "").strip():
            properties[const.PROPERTY_ORIGIN_MESSAGE_ID] = stored.message_id
        message = self._copy(stored, topic, queue_id)
        if place(message, properties, level, state.release) is Place.DELAYED:
            state.schedule.delay(message, properties, level)
        state.store.puts.put(
            message, partial(self._done, connection, request, header, message, properties)
        )
        return None

    def _group(self, name: str) -> SubscriptionGroupConfig:
        state = self._state
        group = state.groups.find(name)
        if group is None:
            raise Reject(
                ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
                f"subscription group not exist, {name} {state.release.wire.faq_suggestion}",
            )
        if not state.config.broker_permission & PERM_WRITE:
            raise Reject(
                ResponseCode.NO_PERMISSION,
                f"the broker[{state.config.broker_ip1}] sending message is forbidden",
            )
        return group

    def _retry_topic(
        self, header: ConsumerSendMsgBackRequestHeader, group: SubscriptionGroupConfig
    ) -> str:
        topic = const.retry_topic(header.group)
        config = self._state.topics.create_topic_in_send_message_back(
            topic,
            group.retry_queue_nums,
            PERM_WRITE | PERM_READ,
            TOPIC_UNIT_SUB if header.unit_mode else 0,
        )
        if config is None:
            raise Reject(ResponseCode.SYSTEM_ERROR, f"topic[{topic}] not exist")
        if not config.perm & PERM_WRITE:
            raise Reject(
                ResponseCode.NO_PERMISSION, f"the topic[{topic}] sending message is forbidden"
            )
        return topic

    def _look(self, offset: int) -> StoredMessage:
        record = self._state.store.look_message(offset) if offset >= 0 else None
        if record is not None:
            try:
                return decode_message(record)
            except BadRecord:
                record = None
        raise Reject(ResponseCode.SYSTEM_ERROR, f"look message by offset failed, {offset}")

    def _copy(self, stored: StoredMessage, topic: str, queue_id: int) -> MessageInner:
        return MessageInner(
            topic=topic,
            queue_id=queue_id,
            flag=stored.flag,
            sys_flag=stored.sys_flag,
            properties=write_properties(stored.properties, self._state.release),
            body=stored.body,
            tags_code=tags_code(stored.tags),
            born_timestamp=stored.born_timestamp,
            born_host=pack_host(*stored.born_host),
            reconsume_times=stored.reconsume_times + 1,
            wait_store_ok=False,
        )

    def _done(
        self,
        connection: Peer,
        request: RemotingCommand,
        header: ConsumerSendMsgBackRequestHeader,
        message: MessageInner,
        properties: dict[str, str],
        result: PutMessageResult,
    ) -> None:
        if result.status == PutStatus.PUT_OK:
            self._counted(request, header, message, properties, result)
            connection.reply(request, request.create_response())
            return
        remark = PUT_STATUS_NAMES.get(result.status, "UNKNOWN_ERROR")
        connection.reply(request, request.create_response(ResponseCode.SYSTEM_ERROR, remark))

    def _counted(
        self,
        request: RemotingCommand,
        header: ConsumerSendMsgBackRequestHeader,
        message: MessageInner,
        properties: dict[str, str],
        result: PutMessageResult,
    ) -> None:
        stats = self._state.stats
        stats.sent_back(header.group, properties[const.PROPERTY_RETRY_TOPIC])
        if message.topic == const.RMQ_SYS_SCHEDULE_TOPIC:
            stats.put_delayed(message.queue_id, result.size)
        elif message.topic == const.dlq_topic(header.group):
            owner = (request.ext_fields or {}).get(_OWNER)
            stats.sent_to_dlq(owner, header.group, header.origin_topic)
