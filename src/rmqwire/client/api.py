"""Typed calls to name servers and brokers (Java ``MQClientAPIImpl``).

Each call sends one request, takes the answer apart, and raises BrokerError for a code that isn't
among those the call expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rmqwire.client.heartbeat import HeartbeatAnswer
from rmqwire.client.message_ext import BodyReading
from rmqwire.client.send_frames import SendFrames
from rmqwire.codec.bodies import (
    GetConsumerListByGroupResponseBody,
    LockBatchResponseBody,
    TopicRouteData,
)
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.headers import (
    EndTransactionRequestHeader,
    GetEarliestMsgStoretimeResponseHeader,
    GetMaxOffsetResponseHeader,
    GetMinOffsetResponseHeader,
    PullMessageResponseHeader,
    QueryConsumerOffsetResponseHeader,
    RecallMessageResponseHeader,
    SearchOffsetResponseHeader,
)
from rmqwire.codec.namespace import NO_NAMESPACE, Namespace
from rmqwire.codec.record_head import ReadHeads, heads_in_python, heads_reader
from rmqwire.remoting.client import SUCCESS_ONLY, expect

if TYPE_CHECKING:
    from rmqwire.client.config import ClientConfig
    from rmqwire.client.requests import OutgoingMessage, PullOptions, RequestFactory
    from rmqwire.codec.bodies import HeartbeatData, MessageQueue, SubscriptionData
    from rmqwire.codec.command import RemotingCommand
    from rmqwire.codec.headers import ConsumerSendMsgBackRequestHeader
    from rmqwire.remoting.loan import Borrower
    from rmqwire.remoting.open_requests import OpenRequest

SUCCESS = int(ResponseCode.SUCCESS)
TOPIC_NOT_EXIST = int(ResponseCode.TOPIC_NOT_EXIST)
QUERY_NOT_FOUND = int(ResponseCode.QUERY_NOT_FOUND)
PULL_NOT_FOUND = int(ResponseCode.PULL_NOT_FOUND)
PULL_RETRY_IMMEDIATELY = int(ResponseCode.PULL_RETRY_IMMEDIATELY)
PULL_OFFSET_MOVED = int(ResponseCode.PULL_OFFSET_MOVED)

LOCK_TIMEOUT_MS = 1_000  # RebalanceImpl.lock
OFFSET_TIMEOUT_MS = 5_000  # RemoteBrokerOffsetStore
NO_OFFSET = -1  # a queue the group has no offset for (Java OffsetNotFoundException)

_PULL_CODES = frozenset({SUCCESS, PULL_NOT_FOUND, PULL_RETRY_IMMEDIATELY, PULL_OFFSET_MOVED})


class Remoting(Protocol):
    """What carries the requests: ``RemotingClient``, or a script in tests."""

    async def invoke(
        self, addr: str, command: RemotingCommand, timeout_ms: int = ...
    ) -> RemotingCommand:
        """Send a request and give its answer."""

    def invoke_now(
        self,
        addr: str,
        opaque: int,
        frame: bytes,
        request: OpenRequest,
        borrower: Borrower | None = None,
    ) -> bool:
        """Send a request if that needs no waiting; tell whether it was sent."""

    async def invoke_oneway(self, addr: str, command: RemotingCommand) -> None:
        """Send a request that has no answer."""


@dataclass(slots=True)
class PullAnswer:
    """A broker's answer to a pull.

    Args:
        code: of the answer, as the next five are of its header.
        next_begin_offset: where to go on.
        min_offset: index of the oldest message of the queue.
        max_offset: index of the next message that it will get.
        suggested_broker_id: which member of the broker to ask next.
        offset_delta: what to add to the indexes in the records.
        body: records back to back.
        namespace: to be taken off what came.
        reading: what a message gets of its body.
        read_heads: takes ``body`` apart.
    """

    code: int
    next_begin_offset: int
    min_offset: int
    max_offset: int
    suggested_broker_id: int
    offset_delta: int
    body: bytes | memoryview
    namespace: Namespace = NO_NAMESPACE
    reading: BodyReading = BodyReading.WHOLE
    read_heads: ReadHeads = heads_in_python


def vip_address(addr: str) -> str:
    """Return the VIP port of a broker, two below its port (``MixAll.brokerVIPChannel``)."""
    host, _, port = addr.rpartition(":")
    return f"{host}:{int(port) - 2}"


class ClientApi:
    """The calls, on one remoting client.

    Args:
        remoting: carries the requests.
        requests: builds them.
        config: time-outs and the VIP channel.
    """

    def __init__(self, remoting: Remoting, requests: RequestFactory, config: ClientConfig) -> None:
        self.remoting = remoting
        self.requests = requests
        self.frames = SendFrames(requests)
        self.timeout_ms = config.mq_client_api_timeout
        self.reading = config.body_reading
        self._read_heads = heads_reader()
        self._vip = config.vip_channel_enabled
        self._release = config.release

    async def call(
        self,
        addr: str,
        command: RemotingCommand,
        timeout_ms: int | None = None,
        accepted: frozenset[int] = SUCCESS_ONLY,
    ) -> RemotingCommand:
        """Send a request and return its answer.

        Raises:
            RemotingError: the server can't be reached or doesn't answer.
            BrokerError: its answer isn't among the ``accepted`` codes.
        """
        answer = await self.remoting.invoke(
            addr, command, self.timeout_ms if timeout_ms is None else timeout_ms
        )
        return expect(answer, addr, accepted)

    def broker(self, addr: str) -> str:
        """Return where requests that have a way of their own are sent: the VIP port, if that is on."""
        return vip_address(addr) if self._vip else addr

    async def topic_route(
        self, addr: str, topic: str, timeout_ms: int | None = None
    ) -> TopicRouteData | None:
        """Ask a name server for a route; None when it knows none.

        Raises:
            RemotingError: the name server can't be reached or doesn't answer.
            BrokerError: any other refusal.
        """
        accepted = frozenset((SUCCESS, TOPIC_NOT_EXIST))
        answer = await self.call(addr, self.requests.route(topic), timeout_ms, accepted)
        if answer.code == TOPIC_NOT_EXIST or not answer.body:
            return None
        return TopicRouteData.decode(answer.body, self._release)

    async def send(
        self,
        addr: str,
        message: OutgoingMessage,
        queue: MessageQueue,
        born_timestamp: int,
        timeout_ms: int,
    ) -> RemotingCommand:
        """Send a message and return the broker's answer, whatever its code.

        Raises:
            RemotingError: the broker can't be reached or doesn't answer.
        """
        request = self.requests.send(message, queue, born_timestamp)
        return await self.remoting.invoke(self.broker(addr), request, timeout_ms)

    async def send_oneway(
        self, addr: str, message: OutgoingMessage, queue: MessageQueue, born_timestamp: int
    ) -> None:
        """Send a message without waiting for an answer.

        Raises:
            RemotingError: no connection.
        """
        request = self.requests.send(message, queue, born_timestamp)
        request.mark_oneway()
        await self.remoting.invoke_oneway(self.broker(addr), request)

    async def end_transaction(
        self, addr: str, header: EndTransactionRequestHeader, remark: str | None
    ) -> None:
        """Tell a broker what becomes of a half message; it doesn't answer.

        Args:
            addr: where the half message is.
            header: which one, and its end.
            remark: what went wrong, for the broker's log.

        Raises:
            RemotingError: no connection.
        """
        request = self.requests.end_transaction(header, remark)
        await self.remoting.invoke_oneway(addr, request)

    async def pull(self, addr: str, group: str, pull: PullOptions, timeout_ms: int) -> PullAnswer:
        """Read messages of a queue.

        Raises:
            RemotingError: the broker can't be reached or doesn't answer.
            BrokerError: it refused.
        """
        request = self.requests.pull(group, pull)
        return self.read_pull(await self.remoting.invoke(addr, request, timeout_ms), addr)

    def read_pull(self, answer: RemotingCommand, addr: str) -> PullAnswer:
        """Return what the answer to a pull says.

        Args:
            answer: a broker's.
            addr: its address.

        Raises:
            BrokerError: it refused.
        """
        header = expect(answer, addr, _PULL_CODES).decode_header(PullMessageResponseHeader)
        return PullAnswer(
            answer.code,
            header.next_begin_offset or 0,
            header.min_offset or 0,
            header.max_offset or 0,
            header.suggest_which_broker_id or 0,
            header.offset_delta or 0,
            answer.body,
            self.requests.namespace,
            self.reading,
            self._read_heads,
        )

    async def heartbeat(self, addr: str, body: HeartbeatData) -> HeartbeatAnswer:
        """Register this client's groups.

        Raises:
            RemotingError: the broker can't be reached or doesn't answer.
            BrokerError: it refused.
        """
        answer = await self.call(addr, self.requests.heartbeat(body))
        fields = answer.ext_fields or {}
        return HeartbeatAnswer(
            fields.get("IS_SUPPORT_HEART_BEAT_V2") == "true", fields.get("IS_SUB_CHANGE") == "true"
        )

    async def check_client(
        self, addr: str, client_id: str, group: str, subscription: SubscriptionData
    ) -> None:
        """Ask a broker whether a subscription can be used there.

        Raises:
            RemotingError: the broker can't be reached or doesn't answer.
            BrokerError: it can't.
        """
        request = self.requests.check_client(client_id, group, subscription)
        await self.call(self.broker(addr), request)

    async def lock_batch(
        self, addr: str, client_id: str, group: str, queues: list[MessageQueue]
    ) -> list[MessageQueue]:
        """Ask a broker for queues that this client alone is to consume; return those it gives.

        Raises:
            RemotingError: the broker can't be reached or doesn't answer.
            BrokerError: it refused.
        """
        request = self.requests.lock_batch(client_id, group, queues)
        answer = await self.call(self.broker(addr), request, LOCK_TIMEOUT_MS)
        given = LockBatchResponseBody.decode(bytes(answer.body)).lock_okmq_set or ()
        return [self.requests.namespace.unwrap_queue(queue) for queue in given]

    async def unlock_batch(
        self, addr: str, client_id: str, group: str, queues: list[MessageQueue], *, oneway: bool
    ) -> None:
        """Give queues back, waiting for the answer or not.

        Raises:
            RemotingError: the broker can't be reached or doesn't answer.
            BrokerError: it refused.
        """
        request = self.requests.unlock_batch(client_id, group, queues)
        if oneway:
            request.mark_oneway()
            await self.remoting.invoke_oneway(self.broker(addr), request)
        else:
            await self.call(self.broker(addr), request, LOCK_TIMEOUT_MS)

    async def unregister(
        self,
        addr: str,
        client_id: str,
        *,
        producer_group: str | None = None,
        consumer_group: str | None = None,
    ) -> None:
        """Take a group of this client off a broker."""
        request = self.requests.unregister(client_id, producer_group, consumer_group)
        await self.call(addr, request)

    async def query_consumer_offset(self, addr: str, group: str, queue: MessageQueue) -> int:
        """Return a group's committed offset of a queue, or NO_OFFSET."""
        request = self.requests.query_consumer_offset(group, queue)
        accepted = frozenset((SUCCESS, QUERY_NOT_FOUND))
        answer = await self.call(self.broker(addr), request, OFFSET_TIMEOUT_MS, accepted)
        if answer.code == QUERY_NOT_FOUND:
            return NO_OFFSET
        return answer.decode_header(QueryConsumerOffsetResponseHeader).offset or 0

    async def update_consumer_offset(
        self, addr: str, group: str, queue: MessageQueue, offset: int, *, oneway: bool = True
    ) -> None:
        """Commit a group's offset of a queue, waiting for the answer or not.

        Raises:
            RemotingError: the broker can't be reached or doesn't answer.
            BrokerError: it refused.
        """
        request = self.requests.update_consumer_offset(group, queue, offset)
        if oneway:
            request.mark_oneway()
            await self.remoting.invoke_oneway(self.broker(addr), request)
        else:
            await self.call(self.broker(addr), request, OFFSET_TIMEOUT_MS)

    async def consumer_list(self, addr: str, group: str) -> list[str]:
        """Return the client ids of a group's members."""
        answer = await self.call(self.broker(addr), self.requests.consumer_list(group))
        if not answer.body:
            return []
        body = GetConsumerListByGroupResponseBody.decode(answer.body, self._release)
        return list(body.consumer_id_list or ())

    async def max_offset(
        self, addr: str, queue: MessageQueue, timeout_ms: int | None = None
    ) -> int:
        """Return the index of the next message of a queue."""
        request = self.requests.max_offset(queue)
        answer = await self.call(self.broker(addr), request, timeout_ms)
        return answer.decode_header(GetMaxOffsetResponseHeader).offset or 0

    async def min_offset(self, addr: str, queue: MessageQueue) -> int:
        """Return the index of the oldest message of a queue."""
        answer = await self.call(self.broker(addr), self.requests.min_offset(queue))
        return answer.decode_header(GetMinOffsetResponseHeader).offset or 0

    async def earliest_store_time(self, addr: str, queue: MessageQueue) -> int:
        """Return when the oldest message of a queue was stored, ms since the epoch."""
        answer = await self.call(self.broker(addr), self.requests.earliest_store_time(queue))
        return answer.decode_header(GetEarliestMsgStoretimeResponseHeader).timestamp or 0

    async def search_offset(self, addr: str, queue: MessageQueue, timestamp: int) -> int:
        """Return the index of the first message stored at ``timestamp`` (ms) or later."""
        request = self.requests.search_offset(queue, timestamp)
        answer = await self.call(self.broker(addr), request)
        return answer.decode_header(SearchOffsetResponseHeader).offset or 0

    async def send_back(self, addr: str, header: ConsumerSendMsgBackRequestHeader) -> None:
        """Hand a message back to its broker, to be delivered again later.

        Raises:
            RemotingError: the broker can't be reached or doesn't answer.
            BrokerError: it refused.
        """
        await self.call(self.broker(addr), self.requests.send_back(header), 5_000)

    async def recall(self, addr: str, request: RemotingCommand, timeout_ms: int) -> str:
        """Take a timer message back; return its unique key.

        Raises:
            RemotingError: the broker can't be reached or doesn't answer.
            BrokerError: it refused.
        """
        answer = await self.call(addr, request, timeout_ms)
        return answer.decode_header(RecallMessageResponseHeader).msg_id
