"""The requests of producers and consumers, as Java's ``MQClientAPIImpl`` builds them.

Pure: a request is made of values, nothing is sent. What differs from the frames of Java's own
client stands in docs/explanation/client-frames.md, and a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from rmqwire.client.config import SERIALIZE_TYPES, ClientConfig
from rmqwire.codec.bodies import (
    CheckClientRequestBody,
    LockBatchRequestBody,
    UnlockBatchRequestBody,
)
from rmqwire.codec.codes import RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import (
    ConsumerSendMsgBackRequestHeader,
    EndTransactionRequestHeader,
    GetConsumerListByGroupRequestHeader,
    GetEarliestMsgStoretimeRequestHeader,
    GetMaxOffsetRequestHeader,
    GetMinOffsetRequestHeader,
    GetRouteInfoRequestHeader,
    HeartbeatRequestHeader,
    LockBatchMqRequestHeader,
    PullMessageRequestHeader,
    QueryConsumerOffsetRequestHeader,
    RecallMessageRequestHeader,
    SearchOffsetRequestHeader,
    SendMessageRequestHeaderV2,
    UnlockBatchMqRequestHeader,
    UnregisterClientRequestHeader,
    UpdateConsumerOffsetRequestHeader,
)
from rmqwire.codec.namespace import Namespace
from rmqwire.codec.sys_flag import PULL_COMMIT_OFFSET, PULL_LITE_PULL_MESSAGE

if TYPE_CHECKING:
    from rmqwire.codec.bodies import HeartbeatData, MessageQueue, SubscriptionData
    from rmqwire.codec.headers import Header

SEND_MESSAGE_V2 = int(RequestCode.SEND_MESSAGE_V2)
SEND_REPLY_MESSAGE_V2 = int(RequestCode.SEND_REPLY_MESSAGE_V2)
SEND_BATCH_MESSAGE = int(RequestCode.SEND_BATCH_MESSAGE)
PULL_MESSAGE = int(RequestCode.PULL_MESSAGE)
LITE_PULL_MESSAGE = int(RequestCode.LITE_PULL_MESSAGE)
NAMED_FIELDS = ("topic", "consumer_group", "producer_group", "group", "origin_topic")
MOST_BINARY_CODE = 0x7FFF  # Java's client cuts the codes of popping off, and pops nothing
STREAM_REQUEST = {"ReqT": "0"}  # StreamTypeRPCHook


@dataclass(slots=True, eq=False)
class SendShape:
    """What a producer's sends to one topic have in common; one object is for any number of them.

    ``sys_flag`` says how bodies are compressed. ``reply`` is the answer to another client's request.
    """

    producer_group: str
    topic: str
    flag: int = 0
    sys_flag: int = 0
    batch: bool = False
    reply: bool = False
    default_topic: str = "TBW102"
    default_topic_queue_nums: int = 4
    unit_mode: bool = False
    reconsume_times: int = 0
    max_reconsume_times: int | None = None


class OutgoingMessage(NamedTuple):
    """One send, ready but for its queue.

    ``body`` is as it goes on the wire, compressed or a batch. ``properties`` is the encoded property
    string.
    """

    shape: SendShape
    body: bytes
    properties: str


@dataclass(slots=True)
class PullOptions:
    """One pull: where from, how much, how long to wait.

    Args:
        queue: which queue.
        queue_offset: index of the first message wanted.
        max_msg_nums: messages at most.
        max_msg_bytes: bytes at most, None to leave it to the broker.
        sys_flag: bits of ``PullSysFlag``.
        commit_offset: the consumed offset, stored when its bit is set.
        suspend_timeout_ms: how long the broker holds an empty answer back.
        subscription: what the group wants of the topic.
        send_expression: put the expression itself in the request.
        sub_version: of the subscription, ms since the epoch; None for its own.
    """

    queue: MessageQueue
    queue_offset: int
    max_msg_nums: int
    max_msg_bytes: int | None
    sys_flag: int
    commit_offset: int
    suspend_timeout_ms: int
    subscription: SubscriptionData
    send_expression: bool = False
    sub_version: int | None = None

    def for_slave(self) -> PullOptions:
        """Return the same pull for a slave, which stores no offsets."""
        return replace(self, sys_flag=self.sys_flag & ~PULL_COMMIT_OFFSET)


class RequestFactory:
    """Make requests in one serialisation and as one release makes them."""

    __slots__ = ("_extra", "_version", "namespace", "release", "serialize_type")

    def __init__(self, config: ClientConfig) -> None:
        self.release = config.release
        self._version = config.release.mq_version
        self.namespace = Namespace(config.namespace)
        self._extra = STREAM_REQUEST if config.enable_stream_request_type else {}
        if config.namespace_v2:
            self._extra = self._extra | {"nsd": "true", "ns": config.namespace_v2}
        self.serialize_type = SERIALIZE_TYPES[config.serialize_type]

    def make(
        self, code: RequestCode | int, header: Header | None = None, body: bytes = b""
    ) -> RemotingCommand:
        """Return a request in this client's form; names in the header get the namespace."""
        if header is not None and self.namespace.name:
            self._wrap_names(header)
        fits = int(code) <= MOST_BINARY_CODE
        kind = self.serialize_type if fits else SERIALIZE_TYPES["JSON"]
        command = RemotingCommand.request(int(code), header, body, serialize_type=kind)
        command.version = self._version
        if self._extra:
            command.ext_fields = self._extra | (command.ext_fields or {})
        return command

    def _wrap_names(self, header: Header) -> None:
        for name in NAMED_FIELDS:
            value = getattr(header, name, None)
            if value:
                setattr(header, name, self.namespace.wrap(value))

    def route(self, topic: str) -> RemotingCommand:
        """Ask a name server for a topic's route."""
        return self.make(RequestCode.GET_ROUTEINFO_BY_TOPIC, GetRouteInfoRequestHeader(topic=topic))

    def send(
        self, message: OutgoingMessage, queue: MessageQueue, born_timestamp: int
    ) -> RemotingCommand:
        """Send a message, or a batch, to a queue; ``born_timestamp`` in ms since the epoch."""
        shape = message.shape
        header = SendMessageRequestHeaderV2(
            producer_group=shape.producer_group,
            topic=shape.topic,
            default_topic=shape.default_topic,
            default_topic_queue_nums=shape.default_topic_queue_nums,
            queue_id=queue.queue_id,
            sys_flag=shape.sys_flag,
            born_timestamp=born_timestamp,
            flag=shape.flag,
            properties=message.properties,
            reconsume_times=shape.reconsume_times,
            unit_mode=shape.unit_mode,
            max_reconsume_times=shape.max_reconsume_times,
            batch=shape.batch,
            broker_name=queue.broker_name,
        )
        code = SEND_BATCH_MESSAGE if shape.batch else SEND_MESSAGE_V2
        if shape.reply:
            code = SEND_REPLY_MESSAGE_V2
        return self.make(code, header, message.body)

    def end_transaction(
        self, header: EndTransactionRequestHeader, remark: str | None
    ) -> RemotingCommand:
        """Say what becomes of a half message, without an answer."""
        if not self.release.client.ends_name_topic:
            header.topic = None
        request = self.make(RequestCode.END_TRANSACTION, header)
        request.remark = remark
        request.mark_oneway()
        return request

    def pull(self, group: str, pull: PullOptions) -> RemotingCommand:
        """Read messages of a queue for a group."""
        subscription = pull.subscription
        header = PullMessageRequestHeader(
            consumer_group=group,
            topic=pull.queue.topic,
            queue_id=pull.queue.queue_id,
            queue_offset=pull.queue_offset,
            max_msg_nums=pull.max_msg_nums,
            sys_flag=pull.sys_flag,
            commit_offset=pull.commit_offset,
            suspend_timeout_millis=pull.suspend_timeout_ms,
            subscription=subscription.sub_string if pull.send_expression else None,
            sub_version=subscription.sub_version if pull.sub_version is None else pull.sub_version,
            expression_type=subscription.expression_type,
            max_msg_bytes=pull.max_msg_bytes,
            bname=pull.queue.broker_name,
        )
        lite = pull.sys_flag & PULL_LITE_PULL_MESSAGE and self.release.client.lite_pull_request
        return self.make(LITE_PULL_MESSAGE if lite else PULL_MESSAGE, header)

    def heartbeat(self, body: HeartbeatData) -> RemotingCommand:
        """Tell a broker which groups this client has."""
        header = HeartbeatRequestHeader() if self.release.client.heartbeat_header else None
        if self.namespace.name:
            for producer in body.producer_data_set:
                producer.group_name = self.namespace.wrap(producer.group_name)
            for consumer in body.consumer_data_set:
                consumer.group_name = self.namespace.wrap(consumer.group_name)
                consumer.subscription_data_set = [
                    self.namespace.wrap_subscription(one) for one in consumer.subscription_data_set
                ]
        return self.make(RequestCode.HEART_BEAT, header, body.encode(self.release))

    def check_client(
        self, client_id: str, group: str, subscription: SubscriptionData
    ) -> RemotingCommand:
        """Ask whether a group's subscription can be used."""
        body = CheckClientRequestBody(
            client_id=client_id,
            group=self.namespace.wrap(group),
            subscription_data=self.namespace.wrap_subscription(subscription),
        )
        return self.make(RequestCode.CHECK_CLIENT_CONFIG, body=body.encode(self.release))

    def lock_batch(self, client_id: str, group: str, queues: list[MessageQueue]) -> RemotingCommand:
        """Ask for queues that no other member of the group is to consume meanwhile."""
        header = LockBatchMqRequestHeader() if self.release.client.heartbeat_header else None
        body = LockBatchRequestBody(
            consumer_group=self.namespace.wrap(group),
            client_id=client_id,
            mq_set=self.namespace.wrap_queues(queues),
        )
        return self.make(RequestCode.LOCK_BATCH_MQ, header, body.encode(self.release))

    def unlock_batch(
        self, client_id: str, group: str, queues: list[MessageQueue]
    ) -> RemotingCommand:
        """Give locked queues back."""
        header = UnlockBatchMqRequestHeader() if self.release.client.heartbeat_header else None
        body = UnlockBatchRequestBody(
            self.namespace.wrap(group), client_id, mq_set=self.namespace.wrap_queues(queues)
        )
        return self.make(RequestCode.UNLOCK_BATCH_MQ, header, body.encode(self.release))

    def unregister(
        self, client_id: str, producer_group: str | None, consumer_group: str | None
    ) -> RemotingCommand:
        """Tell a broker that a group of this client is gone."""
        header = UnregisterClientRequestHeader(
            client_id=client_id, producer_group=producer_group, consumer_group=consumer_group
        )
        return self.make(RequestCode.UNREGISTER_CLIENT, header)

    def query_consumer_offset(self, group: str, queue: MessageQueue) -> RemotingCommand:
        """Ask how far a group has consumed a queue."""
        header = QueryConsumerOffsetRequestHeader(
            consumer_group=group,
            topic=queue.topic,
            queue_id=queue.queue_id,
            bname=queue.broker_name,
        )
        return self.make(RequestCode.QUERY_CONSUMER_OFFSET, header)

    def update_consumer_offset(
        self, group: str, queue: MessageQueue, offset: int
    ) -> RemotingCommand:
        """Say that a group has consumed a queue up to ``offset``, which is still to come."""
        header = UpdateConsumerOffsetRequestHeader(
            consumer_group=group,
            topic=queue.topic,
            queue_id=queue.queue_id,
            commit_offset=offset,
            bname=queue.broker_name,
        )
        return self.make(RequestCode.UPDATE_CONSUMER_OFFSET, header)

    def consumer_list(self, group: str) -> RemotingCommand:
        """Ask for the client ids of a group."""
        header = GetConsumerListByGroupRequestHeader(consumer_group=group)
        return self.make(RequestCode.GET_CONSUMER_LIST_BY_GROUP, header)

    def max_offset(self, queue: MessageQueue) -> RemotingCommand:
        """Ask for the index of the next message of a queue."""
        header = GetMaxOffsetRequestHeader(
            topic=queue.topic,
            queue_id=queue.queue_id,
            bname=queue.broker_name,
            committed=True,
        )
        command = self.make(RequestCode.GET_MAX_OFFSET, header)
        if not self.release.client.asks_offset_bounds and command.ext_fields is not None:
            del command.ext_fields["committed"]  # a boolean can't be left out of the header
        return command

    def min_offset(self, queue: MessageQueue) -> RemotingCommand:
        """Ask for the index of the oldest message of a queue."""
        header = GetMinOffsetRequestHeader(
            topic=queue.topic, queue_id=queue.queue_id, bname=queue.broker_name
        )
        return self.make(RequestCode.GET_MIN_OFFSET, header)

    def earliest_store_time(self, queue: MessageQueue) -> RemotingCommand:
        """Ask when the oldest message of a queue was stored."""
        header = GetEarliestMsgStoretimeRequestHeader(
            topic=queue.topic, queue_id=queue.queue_id, bname=queue.broker_name
        )
        return self.make(RequestCode.GET_EARLIEST_MSG_STORETIME, header)

    def search_offset(self, queue: MessageQueue, timestamp: int) -> RemotingCommand:
        """Ask for the index of the first message stored at ``timestamp`` (ms) or later."""
        header = SearchOffsetRequestHeader(
            topic=queue.topic,
            queue_id=queue.queue_id,
            timestamp=timestamp,
            bname=queue.broker_name,
            boundary_type="LOWER" if self.release.client.asks_offset_bounds else None,
        )
        return self.make(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, header)

    def send_back(self, header: ConsumerSendMsgBackRequestHeader) -> RemotingCommand:
        """Hand a message that could not be consumed back to its broker."""
        return self.make(RequestCode.CONSUMER_SEND_MSG_BACK, header)

    def recall(
        self, group: str, topic: str, broker_name: str, recall_handle: str
    ) -> RemotingCommand:
        """Take a timer message back."""
        header = RecallMessageRequestHeader(
            producer_group=group, topic=topic, bname=broker_name, recall_handle=recall_handle
        )
        return self.make(RequestCode.RECALL_MESSAGE, header)
