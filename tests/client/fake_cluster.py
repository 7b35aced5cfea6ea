"""A name server and brokers in memory, behind the door a client sends through.

It speaks commands, not bytes on sockets: what a test wants to see is in ``requests``, what it wants
to go wrong it puts into ``faults``. Records are real ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import ClassVar

import trio

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import (
    BrokerData,
    CheckClientRequestBody,
    GetConsumerListByGroupResponseBody,
    HeartbeatData,
    LockBatchRequestBody,
    LockBatchResponseBody,
    QueueData,
    TopicRouteData,
    UnlockBatchRequestBody,
)
from rmqwire.codec.codes import RequestCode, ResponseCode
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.message import StoredMessage
from rmqwire.codec.properties import decode_properties
from rmqwire.codec.recall import read_recall_handle
from rmqwire.codec.record import encode_message
from rmqwire.codec.sys_flag import PULL_SUBSCRIPTION, PULL_SUSPEND
from rmqwire.errors import BadExpression, ConnectFailed, RemotingError
from rmqwire.filter.sql92 import compile_sql92

NAMESRV = "10.0.0.1:9876"
R = RequestCode
Fault = Callable[[str, RemotingCommand], object]


class FakeConnection:
    """What a handler of the client answers through."""

    peer = "10.0.0.9:10911"

    def __init__(self):
        self.replies = []

    def reply(self, request, response):
        self.replies.append((request, response))


class FakeCluster:
    def __init__(self, wall_ms=lambda: 1_700_000_000_000):
        self.wall_ms = wall_ms
        self.routes: dict[str, TopicRouteData] = {}
        self.queues: dict[tuple, list[StoredMessage]] = defaultdict(list)
        self.base: dict[tuple, int] = defaultdict(int)  # offset of the first message kept
        self.offsets: dict[tuple, int] = {}
        self.members: dict[str, list[str]] = defaultdict(list)
        self.locks: dict[tuple, str] = {}  # (group, queue) -> client id; they never expire here
        self.heartbeats: list[tuple[str, HeartbeatData]] = []
        self.sent_back: list = []
        self.requests: list[tuple[str, RemotingCommand]] = []
        self.faults: list[Fault] = []
        self.down: set[str] = set()
        self.clients = []
        self.connected = None
        self.latency_s = 0.0
        self.at_once = False  # requests may be sent without waiting for anything
        self.sent_at_once = 0
        self._arrived = trio.Event()
        self._serial = 0

    # ---- set up

    def add_topic(self, topic, queue_nums=2, brokers=("a",), perm=6, order_conf=None):
        self.routes[topic] = TopicRouteData(
            order_topic_conf=order_conf,
            queue_datas=[QueueData(b, queue_nums, queue_nums, perm, 0) for b in brokers],
            broker_datas=[BrokerData("C", b, {0: f"10.0.0.{ord(b)}:10911"}) for b in brokers],
        )

    def store(self, topic, body, queue_id=0, broker="a", properties=None, **fields):
        queue = self.queues[broker, topic, queue_id]
        message = StoredMessage(
            topic,
            body,
            dict(properties or {}),
            queue_id,
            queue_offset=self.base[broker, topic, queue_id] + len(queue),
            physical_offset=self._serial * 1000,
            **fields,
        )
        self._serial += 1
        queue.append(message)
        arrived, self._arrived = self._arrived, trio.Event()
        arrived.set()
        return message

    def codes(self, code):
        return [command for _, command in self.requests if command.code == code]

    def headers(self, code, cls):
        return [command.decode_header(cls) for command in self.codes(code)]

    def tell(self, code, header=None, body=b""):
        """Send a request to every client; give the connection that gathers the answers."""
        connection = FakeConnection()
        for handlers in self.clients:
            request = RemotingCommand.request(int(code), header, body)
            answer = handlers.handle(connection, request)
            if answer is not None:
                connection.reply(request, answer)
        return connection

    # ---- the door

    @asynccontextmanager
    async def remoting(self, handlers, connected):
        self.clients.append(handlers)
        self.connected = connected  # to be called with the address of a new connection
        try:
            yield self
        finally:
            self.clients.remove(handlers)

    async def invoke(self, addr, command, timeout_ms=3000):
        command = decode_command(encode_command(command))  # nothing is shared with the client
        self.requests.append((addr, command))
        await trio.sleep(self.latency_s)
        if addr in self.down:
            raise ConnectFailed("connect failed", addr)
        for fault in self.faults:
            outcome = fault(addr, command)
            if isinstance(outcome, Exception):
                raise outcome
            if outcome is not None:
                return command.create_response(*outcome)
        handler = self._HANDLERS[command.code]
        answer = handler(self, addr, command)
        if hasattr(answer, "__await__"):
            answer = await answer
        return decode_command(encode_command(answer))

    def invoke_now(self, addr, opaque, frame, request, borrower=None):
        if self.at_once:
            self.sent_at_once += 1
            on_reply = request.on_reply
            trio.lowlevel.spawn_system_task(self._answer, addr, decode_command(frame), on_reply)
        return self.at_once

    async def _answer(self, addr, command, on_reply):
        try:
            on_reply(await self.invoke(addr, command))
        except RemotingError as error:
            on_reply(error)

    async def invoke_oneway(self, addr, command):
        assert command.is_oneway
        await self.invoke(addr, command)

    # ---- the servers

    def _route(self, addr, command):
        assert addr == NAMESRV
        topic = command.decode_header(h.GetRouteInfoRequestHeader).topic
        route = self.routes.get(topic)
        if route is None:
            return command.create_response(17, f"No topic route info for the topic: {topic}")
        return command.create_response(0, body=route.encode())

    def _broker(self, addr):
        return chr(int(addr.split(":")[0].split(".")[3]))

    def _send(self, addr, command):
        header = command.decode_header(h.SendMessageRequestHeaderV2)
        stored = self.store(
            header.topic,
            bytes(command.body),
            header.queue_id,
            self._broker(addr),
            decode_properties(header.properties or ""),
            sys_flag=header.sys_flag,
            flag=header.flag,
            born_timestamp=header.born_timestamp,
            store_timestamp=self.wall_ms(),
        )
        answer = h.SendMessageResponseHeader(
            msg_id=stored.message_id, queue_id=header.queue_id, queue_offset=stored.queue_offset
        )
        return command.create_response(0, header=answer)

    def _recall(self, _, command):
        handle = read_recall_handle(
            command.decode_header(h.RecallMessageRequestHeader).recall_handle
        )
        return command.create_response(
            0, header=h.RecallMessageResponseHeader(msg_id=handle.unique_key)
        )

    def _wanted(self, header, message):
        if header.sys_flag & PULL_SUBSCRIPTION:
            tags = [] if header.subscription == "*" else header.subscription.split(" || ")
        else:
            tags = self.subscribed_tags(header.consumer_group, header.topic)
        return not tags or tags_code(message.tags) in {tags_code(tag) for tag in tags}

    def subscribed_tags(self, group, topic):
        for _, data in reversed(self.heartbeats):
            for consumer in data.consumer_data_set:
                for sub in consumer.subscription_data_set:
                    if consumer.group_name == group and sub.topic == topic:
                        return sub.tags_set
        return []

    async def _pull(self, addr, command):
        header = command.decode_header(h.PullMessageRequestHeader)
        key = (self._broker(addr), header.topic, header.queue_id)
        if not header.sys_flag & PULL_SUBSCRIPTION and not any(
            header.consumer_group in {c.group_name for c in d.consumer_data_set}
            for _, d in self.heartbeats
        ):
            return command.create_response(24, "the consumer's subscription not exist")
        held_s = header.suspend_timeout_millis / 1000 if header.sys_flag & PULL_SUSPEND else 0
        with trio.move_on_after(held_s):
            while header.queue_offset == self.base[key] + len(self.queues[key]):
                await self._arrived.wait()
        queue, base = self.queues[key], self.base[key]
        low, high = base, base + len(queue)
        start = header.queue_offset
        if not low <= start <= high:
            return self._pulled(command, 21, low if start < low else high, low, high)
        found = queue[start - base :][: header.max_msg_nums]
        wanted = [message for message in found if self._wanted(header, message)]
        code = 0 if wanted else 19 if not found else 20
        body = b"".join(encode_message(message) for message in wanted)
        return self._pulled(command, code, start + len(found), low, high, body)

    def _pulled(self, command, code, next_offset, low, high, body=b""):
        header = h.PullMessageResponseHeader(
            suggest_which_broker_id=0,
            next_begin_offset=next_offset,
            min_offset=low,
            max_offset=high,
        )
        return command.create_response(code, header=header, body=body)

    def _heartbeat(self, addr, command):
        data = HeartbeatData.decode(bytes(command.body))
        self.heartbeats.append((addr, data))
        for consumer in data.consumer_data_set:
            members = self.members[consumer.group_name]
            if data.client_id not in members:
                members.append(data.client_id)
        return command.create_response(0)

    def _unregister(self, addr, command):
        header = command.decode_header(h.UnregisterClientRequestHeader)
        members = self.members[header.consumer_group or ""]
        if header.client_id in members:
            members.remove(header.client_id)
        return command.create_response(0)

    def _consumer_list(self, addr, command):
        group = command.decode_header(h.GetConsumerListByGroupRequestHeader).consumer_group
        body = GetConsumerListByGroupResponseBody(list(self.members[group])).encode()
        return command.create_response(0, body=body)

    def _query_offset(self, addr, command):
        header = command.decode_header(h.QueryConsumerOffsetRequestHeader)
        key = (header.consumer_group, self._broker(addr), header.topic, header.queue_id)
        if key not in self.offsets:
            return command.create_response(22, "Not found")
        answer = h.QueryConsumerOffsetResponseHeader(offset=self.offsets[key])
        return command.create_response(0, header=answer)

    def _update_offset(self, addr, command):
        header = command.decode_header(h.UpdateConsumerOffsetRequestHeader)
        key = (header.consumer_group, self._broker(addr), header.topic, header.queue_id)
        self.offsets[key] = header.commit_offset
        return command.create_response(0)

    def _max_offset(self, addr, command):
        header = command.decode_header(h.GetMaxOffsetRequestHeader)
        key = (self._broker(addr), header.topic, header.queue_id)
        offset = self.base[key] + len(self.queues[key])
        return command.create_response(0, header=h.GetMaxOffsetResponseHeader(offset=offset))

    def _min_offset(self, addr, command):
        header = command.decode_header(h.GetMinOffsetRequestHeader)
        offset = self.base[self._broker(addr), header.topic, header.queue_id]
        return command.create_response(0, header=h.GetMinOffsetResponseHeader(offset=offset))

    def _earliest(self, addr, command):
        header = command.decode_header(h.GetEarliestMsgStoretimeRequestHeader)
        queue = self.queues[self._broker(addr), header.topic, header.queue_id]
        answer = h.GetEarliestMsgStoretimeResponseHeader(timestamp=queue[0].store_timestamp)
        return command.create_response(0, header=answer)

    def _search_offset(self, addr, command):
        header = command.decode_header(h.SearchOffsetRequestHeader)
        key = (self._broker(addr), header.topic, header.queue_id)
        older = sum(m.store_timestamp < header.timestamp for m in self.queues[key])
        answer = h.SearchOffsetResponseHeader(offset=self.base[key] + older)
        return command.create_response(0, header=answer)

    def _send_back(self, addr, command):
        header = command.decode_header(h.ConsumerSendMsgBackRequestHeader)
        self.sent_back.append(header)
        return command.create_response(0)

    def _check_client(self, addr, command):
        subscription = CheckClientRequestBody.decode(bytes(command.body)).subscription_data
        try:
            compile_sql92(subscription.sub_string)
        except BadExpression as error:
            return command.create_response(23, str(error))
        return command.create_response(0)

    def _lock(self, addr, command):
        body = LockBatchRequestBody.decode(bytes(command.body))
        keys = [(body.consumer_group, queue) for queue in body.mq_set]
        given = [
            key[1] for key in keys if self.locks.setdefault(key, body.client_id) == body.client_id
        ]
        return command.create_response(0, body=LockBatchResponseBody(given).encode())

    def _unlock(self, addr, command):
        body = UnlockBatchRequestBody.decode(bytes(command.body))
        for queue in body.mq_set:
            if self.locks.get((body.consumer_group, queue)) == body.client_id:
                del self.locks[body.consumer_group, queue]
        return command.create_response(0)

    def _create_topic(self, addr, command):
        topic = command.decode_header(h.CreateTopicRequestHeader).topic
        self.add_topic(topic, brokers=(self._broker(addr),))
        return command.create_response(0)

    def _messages_at(self, addr):
        broker = self._broker(addr)
        return [one for key, queue in self.queues.items() if key[0] == broker for one in queue]

    def _query_message(self, addr, command):
        header = command.decode_header(h.QueryMessageRequestHeader)
        unique = command.ext_fields["_UNIQUE_KEY_QUERY"] == "true"
        found = [  # by hashes that many keys share
            one
            for one in self._messages_at(addr)
            if one.topic == header.topic
            and ((one.unique_key if unique else one.keys) or "").startswith(header.key[:1])
        ]
        answer = h.QueryMessageResponseHeader(
            index_last_update_timestamp=1234, index_last_update_phyoffset=0
        )
        if not found:
            return command.create_response(22, "can not find message", header=answer)
        return command.create_response(
            0, header=answer, body=b"".join(map(encode_message, found[: header.max_num]))
        )

    def _view_message(self, addr, command):
        offset = command.decode_header(h.ViewMessageRequestHeader).offset
        for one in self._messages_at(addr):
            if one.physical_offset == offset:
                return command.create_response(0, body=encode_message(one))
        return command.create_response(1, "can not find message by the offset")

    def _end_transaction(self, addr, command):
        return command.create_response(0)

    _HANDLERS: ClassVar = {
        R.END_TRANSACTION: _end_transaction,
        R.UPDATE_AND_CREATE_TOPIC: _create_topic,
        R.QUERY_MESSAGE: _query_message,
        R.VIEW_MESSAGE_BY_ID: _view_message,
        R.LOCK_BATCH_MQ: _lock,
        R.UNLOCK_BATCH_MQ: _unlock,
        R.CHECK_CLIENT_CONFIG: _check_client,
        R.GET_ROUTEINFO_BY_TOPIC: _route,
        R.SEND_MESSAGE_V2: _send,
        R.SEND_BATCH_MESSAGE: _send,
        R.PULL_MESSAGE: _pull,
        R.LITE_PULL_MESSAGE: _pull,
        R.HEART_BEAT: _heartbeat,
        R.UNREGISTER_CLIENT: _unregister,
        R.GET_CONSUMER_LIST_BY_GROUP: _consumer_list,
        R.QUERY_CONSUMER_OFFSET: _query_offset,
        R.UPDATE_CONSUMER_OFFSET: _update_offset,
        R.GET_MAX_OFFSET: _max_offset,
        R.GET_MIN_OFFSET: _min_offset,
        R.GET_EARLIEST_MSG_STORETIME: _earliest,
        R.SEARCH_OFFSET_BY_TIMESTAMP: _search_offset,
        R.CONSUMER_SEND_MSG_BACK: _send_back,
        R.RECALL_MESSAGE: _recall,
    }


def broker_addr(name):
    return f"10.0.0.{ord(name)}:10911"


SYSTEM_BUSY = (int(ResponseCode.SYSTEM_BUSY), "[TIMEOUT_CLEAN_QUEUE]broker busy")
